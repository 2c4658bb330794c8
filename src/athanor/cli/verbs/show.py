"""`athanor show NAME`: one artifact's manifest, its recipe as TOML, or what is known of the build that makes it."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec

from athanor.artifacts import Artifact, Run, Store
from athanor.artifacts.lineage import lineage
from athanor.cli.output import common, emit, human_bytes
from athanor.cli.table import columns, plain
from athanor.cli.watch import follow
from athanor.core.errors import InputError, NotFoundError


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
        emit(result, lambda: _text(result), as_json)


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


def _text(result: dict[str, Any]) -> str:
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
