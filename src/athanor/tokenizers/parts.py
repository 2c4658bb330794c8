"""What every reader of tokenizer files gives, and the names that all of them share.

A reader is a module with `read(folder, config) -> Parts | None`: None where the folder lacks its files. `config` holds
tokenizer_config.json and config.json's `model_type`. The work is done by the `tokenizers` library's object; beside it
stands what the library has no place for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tokenizers

from athanor.core.errors import InputError

if TYPE_CHECKING:
    from athanor.tokenizers.pieces import Pieces

MAX_TOKENIZER_BYTES = 200_000_000
MAX_VOCABULARY = 4_000_000
"""Ids a vocabulary may have; the largest published one has about 300 000."""

NAMED = ("bos", "eos", "unk", "pad", "cls", "sep", "mask")
"""Control tokens that tokenizer_config.json names by `<this>_token`."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A vocabulary in use."""

    backend: tokenizers.Tokenizer

    config: Mapping[str, Any] = field(default_factory=dict)
    """Keys of tokenizer_config.json that the files themselves state; what the config says goes before."""

    before: tuple[str, ...] = ()
    """Names of the control tokens that the model expects before a raw text."""

    after: tuple[str, ...] = ()
    """Names of the control tokens that the model expects after a raw text."""

    prepare: Callable[[str], str] | None = None
    """What is done to a text before the backend sees it."""

    pieces: Pieces | None = None
    """The SentencePiece model, where it is one."""


def read_text(path: Path, limit: int = MAX_TOKENIZER_BYTES) -> str:
    """A text file of a folder. Raises InputError naming it."""
    try:
        return read_bytes(path, limit).decode("utf-8")
    except UnicodeDecodeError as error:
        raise broken(path, f"it is no UTF-8 ({error.reason} at byte {error.start})") from None


def read_bytes(path: Path, limit: int = MAX_TOKENIZER_BYTES) -> bytes:
    """A file of a folder, up to `limit` bytes. Raises InputError naming it."""
    size = path.stat().st_size
    if size > limit:
        raise InputError(
            f"{path} has {size} bytes.",
            value=size,
            limit=limit,
            remedy="This is no tokenizer of a language model; replace the file.",
        )
    return path.read_bytes()


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object of a folder, {} where there is no such file. Raises InputError naming it."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise broken(path, str(error)) from None
    if not isinstance(found, dict):
        raise broken(path, "it holds no JSON object")
    return found


def broken(path: Path | str, why: str) -> InputError:
    """The error of a file that cannot be read."""
    return InputError(f"{path} cannot be read: {why}.", value=str(path), remedy="Copy the file again.")


def token_name(value: Any) -> str | None:
    """The name in a value of tokenizer_config.json: a string, or an object with `content`."""
    name = value.get("content") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) and name else None


def named(config: Mapping[str, Any], key: str, default: str) -> str:
    """The control token that the config names for `key` (`bos`, `unk` …), or the default."""
    return token_name(config.get(f"{key}_token")) or default


def class_of(config: Mapping[str, Any]) -> str:
    """The class of transformers that reads this tokenizer, with the model's type: a hint where files do not tell."""
    return f"{config.get('tokenizer_class') or ''} {config.get('model_type') or ''}".lower()
