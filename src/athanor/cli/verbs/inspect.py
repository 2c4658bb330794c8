"""`athanor inspect NAME_OR_PATH`: what a model is, what its files are for, and what running and training it takes."""

from __future__ import annotations

from typing import Any

import click

from athanor.cli.output import common, emit, human_bytes, reporter
from athanor.cli.table import columns
from athanor.core.progress import plain


@click.command()
@click.argument("name_or_path")
@click.option("--deep", is_flag=True, help="Read every weight, and look for NaN and infinity.")
@common()
def command(name_or_path: str, deep: bool, as_json: bool, quiet: bool) -> None:
    """Say what a model is: a name in the store, a folder or a GGUF file. Nothing in it is run.

    Example: athanor inspect ./Qwen3-0.6B
    """
    from athanor.specs.inspection import inspect

    result = inspect(name_or_path, deep, reporter(quiet))
    emit(result, lambda: _text(result), as_json)


def _text(found: dict[str, Any]) -> str:
    units = {"layers": "", "width": "", "heads": "", "kv_heads": "", "vocabulary": " tokens", "context": " tokens"}
    known = [[name.replace("_", " "), f"{found[name]:,}{unit}"] for name, unit in units.items() if found[name]]
    head = [
        ["family", str(found["family"])],
        ["parameters", f"{found['parameters_human']} ({found['parameters']:,})"],
        *known,
        ["stored as", str(found["dtype"])],
        ["on disk", human_bytes(found["bytes_on_disk"])],
        ["licence", found["licence"] or "not stated"],
    ]
    parts = [columns(head), "", *map(plain, found["architecture"].splitlines()), "\nparameters by part", *_parts(found)]
    parts += ["\nmemory to run", *_run(found), "\nmemory to train (bf16, one row of text at a time)", *_train(found)]
    files = [[file["path"], human_bytes(file["bytes"]), file["note"]] for file in found["files"]]
    findings = [[item["kind"], item["file"] or "-", item["message"]] for item in found["findings"]]
    parts += ["\nfiles", *_indented(files, right=[1]), "\nfindings", *_indented(findings, right=[])]
    return "\n".join(parts)


def _indented(rows: list[list[str]], right: list[int]) -> list[str]:
    return [f"  {line}" for line in columns(rows, right).splitlines()] if rows else ["  none"]


def _parts(found: dict[str, Any]) -> list[str]:
    total = max(1, found["parameters"])
    rows = [[part, f"{number:,}", f"{number / total:.1%}"] for part, number in found["by_part"].items() if number]
    return _indented(rows, right=[1, 2])


def _run(found: dict[str, Any]) -> list[str]:
    """A row a type of weights, a column for each context and batch."""
    rows = found["memory_to_run"]
    columns_of = list(dict.fromkeys((row["context"], row["batch"]) for row in rows))
    bytes_of = {(row["dtype"], row["context"], row["batch"]): human_bytes(row["bytes"]) for row in rows}
    beyond = found["context"] or 0
    head = ["", *(f"{batch} x {context:,}{'*' * (context > beyond > 0)}" for context, batch in columns_of)]
    types = dict.fromkeys(row["dtype"] for row in rows)
    table = [head, *([dtype, *(bytes_of[dtype, *place] for place in columns_of)] for dtype in types)]
    note = ["  texts x tokens each; * more than the model's context"] if beyond < 32_768 and beyond else []
    return [*_indented(table, right=list(range(1, len(head)))), *note]


def _train(found: dict[str, Any]) -> list[str]:
    words = {"full": "all weights", "lora": "LoRA, rank 16"}
    rows = [[words[way], human_bytes(size)] for way, size in found["memory_to_train"].items() if size is not None]
    return _indented(rows, right=[1])
