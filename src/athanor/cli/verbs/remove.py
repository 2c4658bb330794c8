"""`athanor remove NAME`: take a name, and what only it held on to, out of the store."""

from __future__ import annotations

import sys

import click

from athanor.artifacts import Store
from athanor.artifacts.collect import remove
from athanor.cli.output import common, emit, human_bytes, reporter


@click.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@common("yes")
def command(name: str, dry_run: bool, as_json: bool, quiet: bool, yes: bool) -> None:
    """Remove NAME and what only it held on to, or an id that nothing needs.

    Example: athanor remove mine --dry-run
    """
    store = Store.open()
    say = reporter(quiet)
    plan = remove(store, name, dry_run=True)
    words = f"{len(plan['removed'])} artifacts, {human_bytes(plan['freed_bytes'])}"
    if dry_run:
        emit(plan, lambda: "\n".join([f"Would remove {words}.", *plan["removed"]]), as_json)
        return
    if not yes and sys.stdin.isatty() and not click.confirm(f"Remove {name} with {words}?", err=True):
        emit({"removed": [], "freed_bytes": 0}, "Nothing was removed.", as_json)
        return
    result = remove(store, name, waiting=lambda who: say.say(f"Waiting for {who} …"))
    emit(
        result,
        lambda: f"Removed {name}: {len(result['removed'])} artifacts, {human_bytes(result['freed_bytes'])} freed.",
        as_json,
    )
