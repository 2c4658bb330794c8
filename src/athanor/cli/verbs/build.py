"""`athanor build FOLDER`: own folder to own model."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from athanor.cli.output import common, emit, human_bytes, reporter
from athanor.core.errors import UsageError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("settings", nargs=-1, metavar="[KEY.PATH=VALUE]...")
@click.option("--name", help="What the result is to be called.")
@click.option("--minutes", type=float, help="Budget of the whole command; 5 when nothing else says.")
@click.option("--seed", type=int, help="Seed of everything; 0 when not given.")
@click.option("--recipe", type=click.Path(path_type=Path), help="A TOML recipe; words on the line win.")
@click.option("--questions", help="A question file (question, answer, language a row), asked after learning.")
@click.option("--continue", "go_on", is_flag=True, help="Go on from the model the name stands for.")
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
@click.option("--dry-run", is_flag=True, help="Show the plan and do nothing.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes that read the folder; every core when not given."
)
@common("yes", "force", "replace")
def command(
    folder: Path,
    settings: tuple[str, ...],
    recipe: Path | None,
    go_on: bool,
    resume: bool,
    dry_run: bool,
    workers: int | None,
    force: bool,
    replace: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    **words: Any,
) -> None:
    """Learn a chat model from a folder of documents, on this machine, within a budget of minutes.

    Example: athanor build ./my-folder --name mine --minutes 5
    """
    began = time.monotonic()
    from athanor.core import recipes
    from athanor.pipelines.recipe import BuildRecipe

    given = {key: value for key, value in words.items() if value is not None}
    tree = recipes.merge(
        recipes.read_toml(recipe) if recipe else {},
        {"step": "build", "inputs": [str(folder)]},
        recipes.parse_words(settings),
        given,
    )
    if go_on:
        tree["continues"] = _own_name(tree)
    train = tree.get("train")
    if isinstance(train, Mapping) and "steps" in train and "minutes" not in given:
        tree.pop("minutes", None)
    asked = recipes.convert(tree, BuildRecipe)

    from athanor.pipelines.build import Request, build

    request = Request(
        recipe=asked,
        reporter=reporter(quiet),
        began=began,
        workers=workers,
        force=force,
        replace=replace,
        resume=resume,
        dry_run=dry_run,
        argv=sys.argv,
    )
    result = build(request)
    emit(result, lambda: _text(result), as_json)


def _here() -> str:
    """How this program was called and where its store is, so that the line can be copied."""
    program = "athanor" if shutil.which("athanor") == shutil.which(sys.argv[0]) else shlex.quote(sys.argv[0])
    home = os.environ.get("ATHANOR_HOME")
    return f"ATHANOR_HOME={shlex.quote(home)} {program}" if home else program


def _own_name(tree: Mapping[str, Any]) -> str:
    if "name" not in tree:
        raise UsageError("--continue needs a name to go on from.", remedy="Add --name and the model's name.")
    return tree["name"]


def _text(result: dict[str, Any]) -> str:
    if result.get("dry_run"):
        return (
            "Nothing was done. Without --dry-run this plan is followed, if the folder holds text enough to learn from."
        )
    planned, actual = result["planned"] or result["actual"], result["actual"]
    lines = []
    if result["cached"]:
        lines.append("This was built before; nothing was done again.")
    bits = result["heldout_bits_per_byte"]
    lines.append(
        f"{result['name'] or result['id'][:12]}: {result['parameters'] / 1e6:.1f} M parameters, "
        + ("nothing held out to measure with" if bits is None else f"{bits:.3f} held-out bits per byte")
    )
    if result["questions"]:
        shares = [
            f"{key} {item['exact_match']:.1%} of {item['n']}"
            for key, item in result["questions"]["by_language"].items()
        ]
        lines.append(
            f"questions answered exactly: {', '.join(shares)}; untrained {result['untrained']['exact_match']:.0%}"
        )
    lines.append(
        f"planned and true: {planned['seconds']:.0f} s and {actual['seconds']:.0f} s, "
        f"{human_bytes(planned['peak_memory_bytes'])} and {human_bytes(actual['peak_memory_bytes'])} of memory"
    )
    lines.append(f"report: {result['report_path']}/report.md")
    if result["name"]:
        lines.append(f"next: {_here()} chat {result['name']}")
    return "\n".join(lines)
