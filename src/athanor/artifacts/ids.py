"""The two keys of the store: what finds finished work, and what says which thing an artifact is.

A step's key = sha256(kind, recipe as asked, input ids, the step's version); an artifact's id = sha256(kind, recipe,
input ids, payload hashes). Both hash one canonical JSON text: keys sorted, no spaces, UTF-8, floats as `repr` writes
them (the shortest digits that read back equal). Times and the machine are outside both.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from athanor.core.errors import RecipeError
from athanor.core.files import sha256_bytes

KINDS = ("corpus", "tokenizer", "model", "adapter", "index", "report", "assistant")
HEX = re.compile(r"[0-9a-f]{64}")


def is_id(word: str) -> bool:
    """Whether this is an id or key in full: 64 hex digits."""
    return HEX.fullmatch(word) is not None


def step_key(kind: str, recipe: Mapping[str, Any], inputs: Sequence[str], version: int) -> str:
    """64 hex digits that find the finished work of a step; version: raised when the step's results change."""
    return _digest({"kind": kind, "recipe": recipe, "inputs": list(inputs), "version": version})


def artifact_id(kind: str, recipe: Mapping[str, Any], inputs: Sequence[str], files: Mapping[str, str]) -> str:
    """64 hex digits that say what an artifact is; files: path in the payload → sha256."""
    return _digest({"kind": kind, "recipe": recipe, "inputs": list(inputs), "files": files})


def canonical_json(value: Any) -> bytes:
    """The one text of a JSON value; RecipeError names the key whose value JSON does not know."""
    _check(value, "")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _digest(value: Mapping[str, Any]) -> str:
    return sha256_bytes(canonical_json(value))


def _check(value: Any, path: str) -> None:
    """Refuse what would be written as something else (a number as key, a NaN) or not at all."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise _bad(path, f"the key {key!r} is no text")
            _check(key, path)
            _check(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            _check(item, f"{path}[{place}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _bad(path, f"{value} is no finite number")
    elif isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise _bad(path, f"{value!r} is no valid text") from None
    elif value is not None and type(value) not in (bool, int):
        raise _bad(path, f"{value!r} is a {type(value).__name__}")


def _bad(path: str, reason: str) -> RecipeError:
    return RecipeError(
        f"{path or 'The value'} cannot be kept: {reason}.",
        value=path,
        limit="text, whole and finite numbers, true, false, null, lists and tables of these",
        remedy="Give a value of one of these types.",
    )
