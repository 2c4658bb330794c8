"""`athanor import PATH_OR_HUB_NAME`: a published checkpoint into the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from athanor.cli.output import common, emit, reporter


@click.command(name="import")
@click.argument("source", metavar="PATH_OR_HUB_NAME")
@click.option("--name", help="What it is to be called.")
@click.option("--unsafe-pickle", is_flag=True, help="Read weights that come as pytorch_model.bin: their tensors only.")
@common("replace")
def command(source: str, name: str | None, unsafe_pickle: bool, replace: bool, as_json: bool, quiet: bool) -> None:
    """Bring a model folder, a GGUF file or a hub's model into the store; every tensor comes back byte for byte.

    Example: athanor import ./Qwen3-0.6B --name qwen
    """
    from athanor.pipelines.imports import Request, import_model

    result = import_model(Request(Path(source), name, replace, reporter(quiet), unsafe_pickle=unsafe_pickle))
    emit(result, lambda: _text(result), as_json)


def _text(result: dict[str, Any]) -> str:
    known = "known already: " if result["cached"] else ""
    what = f"{result['family']}, {result['parameters']:,} parameters in {result['tensors']} tensors, {result['dtype']}"
    return f"{known}{result['name'] or result['id'][:12]}: {what}\nevery tensor comes back byte for byte"
