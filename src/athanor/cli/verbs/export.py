"""`athanor export NAME DIR`: a model as files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from athanor.cli.output import common, emit, human_bytes, reporter


@click.command()
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(["safetensors", "gguf"]), default="safetensors", show_default=True)
@click.option(
    "--dtype", help="f32, f16, bf16; for GGUF also q8_0, q4_0. When not given tensors keep theirs; GGUF: f16."
)
@click.option("--shard-size", type=click.IntRange(min=1), help="Bytes of tensors a file; 5 GB when not given.")
@click.option("--accept", "reason", help="Why a difference outside the tolerance is taken.")
@common()
def command(
    name: str,
    target: Path,
    format: str,
    dtype: str | None,
    shard_size: int | None,
    reason: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a model as a folder that transformers, vLLM and others open, or as one GGUF file, and prove what it kept.

    Example: athanor export qwen ./qwen.gguf --format gguf --dtype q8_0
    """
    from athanor.pipelines.exports import Request, export

    result = export(Request(name, target, format, dtype, shard_size, reason, reporter(quiet)))
    emit(result, lambda: _text(target, result), as_json)


def _text(target: Path, result: dict[str, Any]) -> str:
    size = human_bytes(sum(item["bytes"] for item in result["files"]))
    proof = result["proof"]
    words = "every number as it was" if proof["verdict"] == "same" else _difference(proof)
    return f"{len(result['files'])} files, {size}, in {target}: {words}"


def _difference(proof: dict[str, Any]) -> str:
    allowed = "" if proof["tolerance"] is None else f", {proof['tolerance']:g} is allowed"
    return f"{proof['verdict']}: largest difference of a weight {proof['max_difference']:.2g}{allowed}"
