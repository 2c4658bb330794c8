"""What an artifact was made from, down to the user's files."""

from __future__ import annotations

from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import is_id
from athanor.artifacts.store import Store
from athanor.core.errors import InputError, NotFoundError

FOLDER = "folder"  # the kind of a user's folder, which stands as the fingerprint of its files
MISSING = "missing"  # the kind of an ancestor that is no longer in the store
DAMAGED = "damaged"  # the kind of one whose manifest cannot be read


def lineage(store: Store, artifact: Artifact) -> dict[str, Any]:
    """{"id", "nodes": [{"id", "kind", "name"}], "edges": [[from, to]], "sources": [{"path", "sha256"}]}.

    An edge leads from an input to the result. Nodes stand nearest first; sources of all ancestors, each once.
    """
    first_name = {its: name for name, its in reversed(store.names().items())}
    nodes: dict[str, dict[str, Any]] = {}
    edges: list[list[str]] = []
    sources: set[tuple[str, str]] = set()
    folders: set[str] = set()  # unless they are in the store: inputs of what was made from files
    waiting: list[str] = [artifact.id]
    while waiting:
        at = waiting.pop(0)
        if at in nodes:
            continue
        kind, needs, found = _look(store, at)
        if kind == MISSING and at in folders:
            kind = FOLDER
        nodes[at] = {"id": at, "kind": kind, "name": first_name.get(at)}
        edges += [[need, at] for need in needs]
        sources.update(found)
        folders.update(needs if found else ())
        waiting += needs
    return {
        "id": artifact.id,
        "nodes": list(nodes.values()),
        "edges": edges,
        "sources": [{"path": path, "sha256": sha256} for path, sha256 in sorted(sources)],
    }


def _look(store: Store, at: str) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Kind, ids it was made from, sources."""
    try:
        artifact = store.get(at)
        return artifact.kind, store.needs(artifact), [(item.path, item.sha256) for item in artifact.manifest.sources]
    except NotFoundError:
        return MISSING, [], []
    except InputError:
        return DAMAGED, [], []


def as_dot(found: dict[str, Any]) -> str:
    """The lineage as Graphviz text, inputs above results."""
    lines = ["digraph lineage {", "  node [shape=box];"]
    for node in found["nodes"]:
        words = [node["kind"], node["id"][:12] if is_id(node["id"]) else node["id"]]
        label = "\\n".join(_escape(word) for word in ([node["name"], *words] if node["name"] else words))
        lines.append(f'  "{_escape(node["id"])}" [label="{label}"];')
    lines += [f'  "{_escape(start)}" -> "{_escape(end)}";' for start, end in found["edges"]]
    return "\n".join([*lines, "}"])


def _escape(text: str) -> str:
    """Inside a DOT string backslash and quote mean something, and a line break ends it."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
