"""`athanor list`: what the store holds."""

from __future__ import annotations

from typing import Any

import click

from athanor.artifacts import KINDS, Artifact, Run, Store
from athanor.cli.output import common, emit, human_bytes, reporter
from athanor.cli.table import columns
from athanor.core.files import tree_bytes
from athanor.core.progress import plain


@click.command()
@click.option("--kind", type=click.Choice(KINDS), help="Only artifacts of this kind.")
@click.option("--runs", "with_runs", is_flag=True, help="Also unfinished runs.")
@common()
def command(kind: str | None, with_runs: bool, as_json: bool, quiet: bool) -> None:
    """List what the store holds: names first, then what has none.

    Example: athanor list --kind model
    """
    store = Store.open()
    names: dict[str, list[str]] = {}
    for name, its in store.names().items():
        names.setdefault(its, []).append(name)
    rows = [_row(artifact, names.get(artifact.id, [])) for artifact in store.artifacts(kind)]
    result: dict[str, Any] = {"artifacts": rows, "total_bytes": sum(row["bytes"] for row in rows)}
    if with_runs:
        result["runs"] = [_run(run) for run in store.runs()]
    damaged = len(store.folders(kind)) - len(rows)
    if damaged:
        reporter(quiet).warn(f"{damaged} damaged, not listed: `athanor store verify` says which.")
    emit(result, lambda: _text(result), as_json)


def _row(artifact: Artifact, names: list[str]) -> dict[str, Any]:
    return {
        "name": names[0] if names else None,
        "names": names,
        "id": artifact.id,
        "kind": artifact.kind,
        "bytes": artifact.bytes,
        "created": artifact.manifest.created,
        "inputs": artifact.manifest.inputs,
    }


def _run(run: Run) -> dict[str, Any]:
    found = run.description
    known = {key: found.get(key) for key in ("name", "verb", "argv", "started", "pid")}
    return {"key": run.key, **known, "live": run.is_live, "bytes": tree_bytes(run.folder)}


def _text(result: dict[str, Any]) -> str:
    rows = sorted(result["artifacts"], key=lambda row: row["name"] is None)
    if not rows:
        parts = ["The store is empty. Begin with: athanor build ./my-folder --name mine --minutes 5"]
    else:
        table = [["name", "kind", "id", "size", "created"]]
        table += [
            [
                ", ".join(row["names"]) or "-",
                row["kind"],
                row["id"][:12],
                human_bytes(row["bytes"]),
                row["created"][:16],
            ]
            for row in rows
        ]
        parts = [columns(table, right=[3]), f"{len(rows)} artifacts, {human_bytes(result['total_bytes'])}"]
    for run in result.get("runs", []):
        state = "running" if run["live"] else "unfinished, --resume goes on"
        what = plain(f"{run['verb']} for {run['name']}, since {run['started']}")
        parts.append(f"run {run['key'][:12]} ({what}): {state}")
    return "\n".join(parts)
