"""`athanor show NAME`: one artifact's manifest, its recipe as TOML, or what is known of the build that makes it."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec

from athanor.artifacts import Artifact, Run, Store
from athanor.artifacts.lineage import lineage
from athanor.cli.output import common, emit, human_bytes
from athanor.cli.table import columns
from athanor.cli.watch import follow
from athanor.core.errors import AthanorError, InputError, NotFoundError
from athanor.core.progress import plain


@click.command()
@click.argument("name")
@click.option("--recipe", "as_recipe", is_flag=True, help="Print the recipe as TOML, which `athanor run` takes.")
@click.option("--watch", is_flag=True, help="Follow the running build that NAME is meant for, then show it.")
@common()
def command(name: str, as_recipe: bool, watch: bool, as_json: bool, quiet: bool) -> None:
    """Show what NAME (or an id) is: files, recipe, metrics, proofs, environment.

    Example: athanor show mine
    """
    store = Store.open()
    if watch:
        follow(store, name)
    try:
        artifact = store.resolve(name)
    except NotFoundError as error:
        raise _unfinished(store, name) or error from None
    result = _object(artifact, store.names_of(artifact.id))
    if as_recipe:
        from athanor.core import recipes_toml

        result["recipe"] = _runnable(store, artifact)
        emit(result, recipes_toml.write(result["recipe"]).rstrip("\n"), as_json)
    else:
        emit(result, lambda: _text(result, _stands_for(store, artifact)), as_json)


def _runnable(store: Store, artifact: Artifact) -> dict[str, Any]:
    """A recipe that `run` takes: the artifact's own, or that of the first assistant which it is a part of."""
    for whole in [artifact, *store.artifacts("assistant")]:
        parts = {node["id"] for node in lineage(store, whole)["nodes"]}
        if artifact.id in parts and "step" in whole.manifest.recipe:
            return whole.manifest.recipe
    raise InputError(
        f"The {artifact.kind} {artifact.id[:12]} has no recipe that `athanor run` takes: no command made it alone.",
        value=artifact.id,
        remedy="Show the recipe of an assistant; `athanor list --kind assistant` names them.",
    )


def _object(artifact: Artifact, names: list[str]) -> dict[str, Any]:
    manifest: dict[str, Any] = msgspec.to_builtins(artifact.manifest)
    first = {"name": names[0] if names else None, "names": names, "bytes": artifact.bytes, "path": str(artifact.folder)}
    return {**first, **manifest}


def _unfinished(store: Store, name: str) -> NotFoundError | None:
    """The error that tells of a command which is making this name, or of a run that was meant for it."""
    run = max(store.runs_for(name), key=lambda run: run.is_live, default=None)
    if run is None or not run.is_live:
        begun = _begun(store, name)
        if begun is not None or run is None:
            return begun
    return NotFoundError(
        f"{name} is not finished: {_words(run)}.",
        value=name,
        limit=run.description,
        remedy=f"`athanor show {name} --watch` follows it." if run.is_live else "Its command with --resume goes on.",
    )


def _begun(store: Store, name: str) -> NotFoundError | None:
    """The error that tells of a command which holds this name and has no run yet: it reads, or makes a tokenizer."""
    maker = store.maker(name)
    if maker is None:
        return None
    return NotFoundError(
        f"{name} is not finished: {maker} is at it.",
        value=name,
        limit=maker,
        remedy=f"`athanor show {name} --watch` follows it.",
    )


def _words(run: Run) -> str:
    found = run.description
    verb, started = found.get("verb", "a run"), found.get("started", "an unknown time")
    if run.is_live:
        return plain(f"{verb} (process {found.get('pid')}) has been at it since {started}")
    return plain(f"{verb} was started at {started} and did not end")


def _stands_for(store: Store, artifact: Artifact) -> list[list[str]]:
    """What is to be said of an assistant's model: its size, how well it measures, and where it and its reports lie."""
    if artifact.kind != "assistant":
        return []
    try:
        model = store.resolve(artifact.id, kinds=("model",))
    except AthanorError as error:  # damaged or gone: what can be shown is shown
        return [["model", error.message]]
    parameters, bits = (model.manifest.metrics.get(key) for key in ("parameters", "heldout_bits_per_byte"))
    words = [f"{parameters / 1e6:.1f} M parameters"] if parameters else []
    words += [f"{bits:.3f} held-out bits per byte"] if bits else []
    reports = [report for report in store.artifacts("report") if model.id in report.manifest.inputs]
    return [
        ["model", f"{model.id[:12]} {', '.join(words)}"],
        ["", str(model.folder)],
        *(["report", str(report.folder / "report.md")] for report in reports),
    ]


def _text(result: dict[str, Any], model: list[list[str]]) -> str:
    head = [
        ["name", ", ".join(result["names"]) or "-"],
        ["kind", result["kind"]],
        ["id", result["id"]],
        ["size", human_bytes(result["bytes"])],
        ["created", f"{result['created']} in {result['seconds']:.1f} s"],
        ["licence", result["licence"] or "-"],
        ["inputs", ", ".join(item[:12] for item in result["inputs"]) or "-"],
        ["sources", f"{len(result['sources'])} files"],
        ["path", result["path"]],
        *model,
    ]
    parts = [columns(head)]
    for key in ("recipe", "resolved", "metrics", "proofs", "environment"):
        if result[key]:
            body = json.dumps(result[key], ensure_ascii=False, indent=2).splitlines()
            parts += [f"\n{key}", *(f"  {plain(line)}" for line in body[1:-1])]
    if result["files"]:
        rows = [[item["path"], human_bytes(item["bytes"]), item["sha256"][:12]] for item in result["files"]]
        parts += ["\nfiles", *(f"  {line}" for line in columns(rows, right=[1]).splitlines())]
    return "\n".join(parts)
