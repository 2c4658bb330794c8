"""`athanor gc`: free what no name holds on to."""

from __future__ import annotations

import click

from athanor.artifacts import Store
from athanor.artifacts.collect import gc
from athanor.cli.output import common, emit, human_bytes, reporter


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@common("yes")
def command(dry_run: bool, as_json: bool, quiet: bool, yes: bool) -> None:
    """Remove what no name holds on to: artifacts, finished runs, what dead processes left.

    Runs that can be resumed stay for 14 days, results whose proof failed for 7.

    Example: athanor gc --dry-run
    """
    say = reporter(quiet)
    result = gc(Store.open(), dry_run=dry_run, waiting=lambda who: say.say(f"Waiting for {who} …"))
    what = "Would remove" if dry_run else "Removed"
    size = human_bytes(result["freed_bytes"])
    emit(result, lambda: f"{what} {len(result['removed'])} artifacts, {size}.", as_json)
