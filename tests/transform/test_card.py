"""The card says what the manifest says, and nothing that it does not. Run: pytest tests/transform/test_card.py"""

from __future__ import annotations

from athanor.artifacts.manifest import Manifest, Source
from athanor.transform.card import MOST_SOURCES, card

PROOF = {"method": "21 tensors compared", "verdict": "same"}


def manifest(**more) -> Manifest:
    facts = {
        "id": "a" * 64, "kind": "model", "key": "b" * 64, "version": 1, "recipe": {"step": "import"}, "inputs": [],
        "sources": [], "files": [], "created": "2026-01-02T03:04:05Z", "seconds": 1.0,
        "metrics": {"family": "llama", "parameters": 12345},
    }  # fmt: skip
    return Manifest(**{**facts, **more})


def test_what_it_says():
    sources = [Source(path=f"/home/anna/secret/shard-{n}.bin", sha256=f"{n:064x}") for n in range(MOST_SOURCES + 3)]
    text = card("qwen", manifest(sources=sources, inputs=["c" * 64], licence="mit"), PROOF, True)
    assert text.startswith("# qwen\n") and "a" * 64 in text and "artifact " + "c" * 64 in text
    for row in ("| family | llama |", "| parameters | 12345 |", "| licence | mit |", "| by | import |"):
        assert row in text
    assert "21 tensors compared: same." in text and "README.source.md" in text
    assert "shard-0.bin (sha256 000000000000…)" in text and "and 3 more files" in text
    assert "secret" not in text  # where the files lay is nobody's business


def test_what_is_not_known_is_left_out():
    text = card("mine", manifest(metrics={}), PROOF, False)
    assert "| licence | not stated |" in text
    assert "family" not in text and "Made from" not in text and "README.source.md" not in text and "None" not in text
    bare = card("folder", None, PROOF, False)
    assert "licence" not in bare and "21 tensors compared: same." in bare
