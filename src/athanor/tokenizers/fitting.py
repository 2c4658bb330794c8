"""The tokenizer that lies beside a network, when there is one and the two fit."""

from __future__ import annotations

from pathlib import Path

from athanor.core.errors import InputError
from athanor.tokenizers.tokenizer import Tokenizer


def fitting_tokenizer(folder: Path, rows: int) -> Tokenizer | None:
    """The tokenizer of a model folder; None without its files. rows: of the network's embedding.

    Raises InputError where it has more ids than the embedding has rows.
    """
    if not Tokenizer.is_there(folder):
        return None
    tokenizer = Tokenizer.load(folder)
    if tokenizer.vocabulary > rows:
        raise InputError(
            f"The tokenizer in {folder} has {tokenizer.vocabulary} ids, the network {rows}.",
            value=tokenizer.vocabulary,
            limit=rows,
            remedy="Tokenizer and weights do not belong together; copy the model again.",
        )
    return tokenizer
