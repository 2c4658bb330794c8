"""`athanor export NAME DIR`: a model as files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from athanor.cli.output import common, emit, human_bytes, reporter
from athanor.core.errors import UsageError


@click.command()
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--dtype", help="f32, f16 or bf16; each tensor keeps its own when not given.")
@click.option("--shard-size", type=click.IntRange(min=1), help="Bytes of tensors a file; 5 GB when not given.")
@click.option("--accept", "reason", help="Why a difference outside the tolerance is taken.")
@common()
def command(
    name: str, target: Path, dtype: str | None, shard_size: int | None, reason: str | None, as_json: bool, quiet: bool
) -> None:
    """Write a model as a folder that transformers, vLLM and others open; tensors come out as they came in.

    Example: athanor export qwen ./out --shard-size 2000000000
    """
    from athanor.pipelines.exports import Request, export
    from athanor.transform.export import WORDS

    if dtype is not None and dtype not in WORDS:
        known = ", ".join(WORDS)
        raise UsageError(f"The type {dtype!r} is unknown.", value=dtype, limit=list(WORDS), remedy=f"Known: {known}.")
    result = export(Request(name, target, dtype, shard_size, reason, reporter(quiet)))
    emit(result, lambda: _text(target, result), as_json)


def _text(target: Path, result: dict[str, Any]) -> str:
    size = human_bytes(sum(item["bytes"] for item in result["files"]))
    proof = result["proof"]
    same = proof["verdict"] == "same"
    words = "every tensor byte for byte" if same else f"largest difference of a weight {proof['max_difference']:.2g}"
    return f"{len(result['files'])} files, {size}, in {target}: {words}"
