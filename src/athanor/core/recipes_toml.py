"""Writing TOML 1.0, so that a recipe that was kept can be printed and run again; reading is `tomllib`'s.

The order of keys is kept: a table is written under a [header] only where no plain value follows it, and inline
otherwise. TOML has no null: a key without a value is left out, which is how TOML says it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from athanor.core.errors import RecipeError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def write(values: Mapping[str, Any]) -> str:
    """TOML text that `tomllib.loads` reads back equal, but for nulls."""
    lines: list[str] = []
    _table(values, (), lines)
    return "\n".join(lines).strip("\n") + "\n" if lines else ""


def _table(values: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    present = {key: value for key, value in values.items() if value is not None}
    headed = _headed(present)
    for key, value in present.items():
        if key not in headed:
            lines.append(f"{_key(key)} = {_value(value, (*path, key))}")
    for key in headed:
        inner = (*path, key)
        lines += ["", f"[{'.'.join(map(_key, inner))}]"]
        _table(present[key], inner, lines)


def _headed(values: Mapping[str, Any]) -> list[str]:
    """Keys of the tables at the end, which can stand under headers without changing the order."""
    keys = []
    for key in reversed(list(values)):
        if not isinstance(values[key], Mapping):
            break
        keys.append(key)
    return keys[::-1]


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise _bad((), key)
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # Python writes inf, -inf and nan as TOML does.
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item, path) for item in value)}]"
    if isinstance(value, Mapping):
        pairs = [f"{_key(key)} = {_value(item, (*path, key))}" for key, item in value.items() if item is not None]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    raise _bad(path, value)


def _text(text: str) -> str:
    return '"' + "".join(_letter(letter) for letter in text) + '"'


def _letter(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    code = ord(letter)
    if 0xD800 <= code < 0xE000:
        raise _bad((), letter)
    # Controls must be escaped; what turns or hides text is escaped so that it can be seen.
    return letter if letter.isprintable() else f"\\U{code:08X}"


def _bad(path: tuple[str, ...], value: Any) -> RecipeError:
    where = ".".join(path) or "a key"
    return RecipeError(
        f"TOML cannot hold {value!r} ({where}).",
        value=repr(value),
        limit="text, numbers, true, false, lists and tables",
        remedy="Give a value of one of these types.",
    )
