"""`athanor run RECIPE`: do what a recipe says, whichever verb it names."""

from __future__ import annotations

from pathlib import Path

import click

from athanor.cli.output import common
from athanor.core.errors import RecipeError


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument("settings", nargs=-1, metavar="[KEY.PATH=VALUE]...")
@click.option("--name", help="What the result is to be called.")
@common("yes", "force", "replace")
@click.pass_context
def command(
    ctx: click.Context,
    recipe: Path,
    settings: tuple[str, ...],
    name: str | None,
    yes: bool,
    force: bool,
    replace: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a recipe, such as `athanor show NAME --recipe` prints.

    Example: athanor show mine --recipe > mine.toml && athanor run mine.toml train.seed=1
    """
    from athanor.core import recipes

    tree = recipes.read_toml(recipe)
    step = tree.get("step")
    if step not in RUNNABLE:
        raise RecipeError(
            f"The recipe {recipe} has step {step!r}.",
            value=step,
            limit=sorted(RUNNABLE),
            remedy=f"Its first keys are `step` (one of {', '.join(sorted(RUNNABLE))}) and `inputs`.",
        )
    inputs = tree.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], str):
        raise RecipeError(
            f"The recipe {recipe} has inputs {inputs!r}.",
            value=inputs,
            limit="a list of one folder",
            remedy='Write inputs = ["path of the folder"].',
        )
    flags = {"--force": force, "--replace": replace, "--yes": yes, "--json": as_json, "--quiet": quiet}
    words = [f"--recipe={recipe}", *(flag for flag, wanted in flags.items() if wanted)]
    words += [f"--name={name}"] if name else []
    words += ["--", inputs[0], *settings]  # a folder's name may begin with a dash
    command = ctx.find_root().command.get_command(ctx, step)  # type: ignore[attr-defined]
    with command.make_context(f"athanor {step}", words) as inner:
        command.invoke(inner)


RUNNABLE = ("build",)
