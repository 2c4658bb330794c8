"""Names of control tokens inside a text: how a vocabulary is kept from finding them there.

A byte-level BPE reaches a piece only by its merges, and no merge makes a control token. Unigram, WordPiece and plain
word lists look pieces up, `</s>` like any other. For those the text is cut inside every such name, after its first
letter, before the pieces are sought; the rest of the text is not touched.
"""

from __future__ import annotations

import re

import tokenizers
from tokenizers import Regex, pre_tokenizers


def guard(backend: tokenizers.Tokenizer) -> None:
    """Make the names of control tokens and of byte pieces unreachable from a text's letters."""
    model = backend.model
    if isinstance(model, tokenizers.models.BPE) and not model.ignore_merges:
        return
    names = [token.content for token in backend.get_added_tokens_decoder().values() if token.special]
    cuts = [_cut(name) for name in names if len(name) > 1 and model.token_to_id(name) is not None]
    if model.token_to_id("<0x00>") is not None:
        cuts.append("(?<=<)(?=0x[0-9A-F]{2}>)")
    if cuts:
        cut = pre_tokenizers.Split(Regex("|".join(cuts)), behavior="isolated")
        before = backend.pre_tokenizer
        backend.pre_tokenizer = cut if before is None else pre_tokenizers.Sequence([before, cut])  # type: ignore[assignment]


def _cut(name: str) -> str:
    return f"(?<={_escaped(name[0])})(?={_escaped(name[1:])})"


def _escaped(name: str) -> str:
    """For the library's expressions: only ASCII marks are escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", name)
