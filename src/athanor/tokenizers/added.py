"""Tokens added beside a vocabulary file: `added_tokens_decoder`, added_tokens.json, special_tokens_map.json.

transformers writes them in one of these three, by its age; tokenizer.json holds its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken

from athanor.core.errors import InputError
from athanor.tokenizers.parts import NAMED, read_object, token_name
from athanor.tokenizers.pieces import HIDDEN

FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


def add_tokens(backend: tokenizers.Tokenizer, folder: Path, config: Mapping[str, Any]) -> None:
    """Put the added tokens into the backend under the ids that the files give them.

    Raises InputError for an id that is taken, or that leaves a hole. Control tokens that only have a name and stand in
    no vocabulary are left out: the network has no row for them.
    """
    names = control_names(config)
    for number, token in sorted(_declared(folder, config, names).items()):
        place(backend, number, token)
    for name in names:
        if backend.token_to_id(name) is not None:
            backend.add_special_tokens([AddedToken(name, special=True, normalized=False)])


def place(backend: tokenizers.Tokenizer, number: int, token: AddedToken) -> None:
    """Add one token; it must come to stand at `number`."""
    if backend.id_to_token(number) == HIDDEN + token.content:  # a control piece of a SentencePiece model
        return
    known = backend.token_to_id(token.content)
    if known is None and number < backend.get_vocab_size(with_added_tokens=True) and backend.id_to_token(number):
        known = -1
    if known is None:
        (backend.add_special_tokens if token.special else backend.add_tokens)([token])
        known = backend.token_to_id(token.content)
    elif known == number:
        (backend.add_special_tokens if token.special else backend.add_tokens)([token])
    if known != number:
        raise InputError(
            f"The added token {token.content[:100]!r} cannot have the id {number}.",
            value=number,
            limit=backend.get_vocab_size(with_added_tokens=True),
            remedy="The vocabulary and its added tokens do not belong together; copy the tokenizer's files again.",
        )


def control_names(config: Mapping[str, Any]) -> list[str]:
    """The names of control tokens that the config gives, each once."""
    more = config.get("additional_special_tokens") or config.get("extra_special_tokens")
    values = [config.get(f"{key}_token") for key in NAMED] + (more if isinstance(more, list) else [])
    return list(dict.fromkeys(name for value in values if (name := token_name(value))))


def _declared(folder: Path, config: Mapping[str, Any], names: list[str]) -> dict[int, AddedToken]:
    decoder = config.get("added_tokens_decoder")
    if isinstance(decoder, Mapping) and decoder:
        return {_number(number): _token(entry) for number, entry in decoder.items()}
    found = read_object(folder / "added_tokens.json")
    return {
        _number(number): AddedToken(name, special=name in names, normalized=False) for name, number in found.items()
    }


def _token(entry: Any) -> AddedToken:
    name = token_name(entry)
    if name is None or not isinstance(entry, Mapping):
        raise InputError(
            "An entry of added_tokens_decoder has no content.",
            value=str(entry)[:100],
            remedy="Copy tokenizer_config.json again.",
        )
    return AddedToken(name, **{flag: bool(entry.get(flag, False)) for flag in FLAGS})


def _number(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 1 << 31:
        raise InputError(
            f"An added token has the id {str(value)[:40]!r}.",
            value=str(value)[:40],
            limit=[0, (1 << 31) - 1],
            remedy="Copy the tokenizer's files again.",
        )
    return number
