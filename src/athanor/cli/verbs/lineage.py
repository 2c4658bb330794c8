"""`athanor lineage NAME`: what it was made from, down to the files."""

from __future__ import annotations

from typing import Any

import click

from athanor.artifacts import Store
from athanor.artifacts.lineage import as_dot, lineage
from athanor.cli.output import common, emit
from athanor.cli.table import columns

FILES_SHOWN = 20


@click.command()
@click.argument("name")
@click.option("--dot", is_flag=True, help="Print it as a Graphviz graph.")
@common()
def command(name: str, dot: bool, as_json: bool, quiet: bool) -> None:
    """Show what NAME (or an id) was made from: artifacts, and files with their sha256.

    Example: athanor lineage mine --dot
    """
    store = Store.open()
    result = lineage(store, store.resolve(name))
    emit(result, lambda: as_dot(result) if dot else _text(result), as_json)


def _text(result: dict[str, Any]) -> str:
    inputs: dict[str, list[str]] = {}
    for start, end in result["edges"]:
        inputs.setdefault(end, []).append(start[:12])
    rows = [["id", "kind", "name", "made from"]]
    rows += [
        [node["id"][:12], node["kind"], node["name"] or "-", ", ".join(inputs.get(node["id"], [])) or "-"]
        for node in result["nodes"]
    ]
    parts = [columns(rows)]
    files = result["sources"]
    if files:
        shown = [[item["path"], item["sha256"][:12]] for item in files[:FILES_SHOWN]]
        more = len(files) - len(shown)
        parts += [
            f"\n{len(files)} source files",
            columns(shown),
            *([f"and {more} more: --json lists all"] if more else []),
        ]
    return "\n".join(parts)
