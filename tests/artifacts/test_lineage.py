"""Lineage lists every ancestor and source once. Run: pytest tests/artifacts/test_lineage.py"""

from __future__ import annotations

import json
import shutil

from athanor.artifacts.lineage import as_dot, lineage


def test_diamond(store, make):
    sources = [{"path": "a.txt", "sha256": "1" * 64}, {"path": "b.txt", "sha256": "2" * 64}]
    corpus = make(store, sources=sources)
    tokenizer = make(store, "tokenizer", [corpus.id], sources=sources[:1])
    model = make(store, "model", [corpus.id, tokenizer.id])
    assistant = make(store, "assistant", [f"{model.id}@4"], {"assistant.json": json.dumps({"model": model.id})})
    store.bind("town", assistant.id)
    store.bind("corpus-x", corpus.id)
    found = lineage(store, assistant)
    assert found["id"] == assistant.id
    assert found["nodes"] == [
        {"id": assistant.id, "kind": "assistant", "name": "town"},
        {"id": model.id, "kind": "model", "name": None},
        {"id": corpus.id, "kind": "corpus", "name": "corpus-x"},
        {"id": tokenizer.id, "kind": "tokenizer", "name": None},
    ]
    assert sorted(found["edges"]) == sorted(
        [[model.id, assistant.id], [corpus.id, model.id], [tokenizer.id, model.id], [corpus.id, tokenizer.id]]
    )
    assert found["sources"] == sources


def test_missing_and_damaged_ancestors(store, make):
    gone, broken = make(store), make(store, "tokenizer")
    model = make(store, "model", [gone.id, broken.id])
    shutil.rmtree(gone.folder)
    (broken.folder / "manifest.json").write_text("")
    kinds = [node["kind"] for node in lineage(store, model)["nodes"]]
    assert kinds == ["model", "missing", "damaged"]


def test_a_folder_is_no_missing_ancestor(store, make):
    corpus = make(store, inputs=["f" * 64], sources=[{"path": "a.txt", "sha256": "1" * 64}])
    model = make(store, "model", [corpus.id])
    assert [node["kind"] for node in lineage(store, model)["nodes"]] == ["model", "corpus", "folder"]


def test_dot_is_escaped():
    hostile = 'x"];\n evil -> "y\\'
    text = as_dot({"nodes": [{"id": hostile, "kind": "model", "name": hostile}], "edges": [[hostile, hostile]]})
    assert text.count("\n") == 4
    assert text.splitlines()[2].startswith('  "x\\"];? evil -> \\"y\\\\" [label="x\\"];?')
