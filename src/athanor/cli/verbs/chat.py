"""`athanor chat NAME`: talk to a model in the terminal, or answer lines from a pipe."""

from __future__ import annotations

import io
import sys

import click

from athanor.cli.output import reporter, unseen


@click.command()
@click.argument("name")
@click.option("--system", help="What the model is told before the first turn.")
@click.option("--precision", type=click.Choice(["float32", "bf16"]), help="Type of weights and activations.")
@click.option("--temperature", type=float, help="0 is greedy; the model's own when not given.")
@click.option("--max-tokens", type=int, default=256, show_default=True, help="Longest answer.")
@click.option("--seed", type=int, help="Random when not given.")
@unseen
def command(
    name: str, system: str | None, precision: str | None, temperature: float | None, max_tokens: int, seed: int | None
) -> None:
    """Talk to a model. /help names the commands; \"\"\" begins and ends a text of several lines.

    Example: athanor chat mine --temperature 0
    """
    from athanor.generate.handle import load
    from athanor.generate.talk import Talk, converse

    model = load(name, precision)
    settings = model.settings(temperature=temperature, max_tokens=max_tokens, seed=seed)
    if isinstance(sys.stdin, io.TextIOWrapper):
        # A strict stream loses what it has read ahead with a wrong byte; so only the byte's own line is refused.
        sys.stdin.reconfigure(errors="surrogateescape")
    converse(Talk(model, settings, system), sys.stdin, sys.stdout, reporter(False))
