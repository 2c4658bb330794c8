"""Recipes: TOML files and `key.path=value` words become frozen structs; nothing unknown is dropped in silence.

A recipe is a tree of msgspec structs, declared beside the code that reads each part. This file only moves values into
them: unknown keys are refused with their dotted path and the nearest known one, wrong types with the type wanted.
"""

from __future__ import annotations

import math
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from athanor.core.errors import NotFoundError, RecipeError, nearest

Struct = TypeVar("Struct", bound=msgspec.Struct)

MAX_RECIPE_BYTES = 1 << 20


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file of at most 1 MiB."""
    data = _recipe_bytes(path)
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"The recipe {path} is not UTF-8 text (byte {error.start}).",
            value=str(path),
            remedy="Save it as UTF-8.",
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise RecipeError(
            f"The recipe {path} is no TOML: {error}.", value=str(path), remedy="Mend that line."
        ) from None


def _recipe_bytes(path: Path) -> bytes:
    """What a recipe's file holds. A pipe may never end and a device has no end: only a regular file is read."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    if not mode or stat.S_ISDIR(mode):
        raise NotFoundError(f"There is no recipe {path}.", value=str(path), remedy="Check the path of the recipe.")
    if not stat.S_ISREG(mode):
        raise RecipeError(
            f"The recipe {path} is no regular file.",
            value=str(path),
            limit="a regular file",
            remedy="Write the recipe into a file and name that.",
        )
    with path.open("rb") as file:
        data = file.read(MAX_RECIPE_BYTES + 1)
    if len(data) > MAX_RECIPE_BYTES:
        raise RecipeError(
            f"The recipe {path} has more than {MAX_RECIPE_BYTES} bytes.",
            value=str(path),
            limit=MAX_RECIPE_BYTES,
            remedy="A recipe holds settings only; put data into files of their own.",
        )
    return data


def parse_words(words: Iterable[str]) -> dict[str, Any]:
    """`train.steps=10 data.redact=none` as a tree. A value is TOML where it parses as such, else a plain string."""
    tree: dict[str, Any] = {}
    for word in words:
        path, sign, text = word.partition("=")
        if not sign or not path.strip():
            raise RecipeError(
                f"{word!r} is no recipe setting.", value=word, limit="key.path=value", remedy="Write key.path=value."
            )
        put(tree, path.strip(), parse_value(text.strip()))
    return tree


def parse_value(text: str) -> Any:
    """One TOML value, or the text itself where it is none."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path in a tree of tables."""
    at = tree
    *parents, last = path.split(".")
    for part in parents:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            raise RecipeError(
                f"{path} goes through {part}, which already has a value.", value=path, remedy="Give one of the two."
            )
    at[last] = value


def merge(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Later trees win, key by key."""
    result: dict[str, Any] = {}
    for tree in trees:
        for key, value in tree.items():
            old = result.get(key)
            result[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def convert(tree: Mapping[str, Any], kind: type[Struct], at: str = "") -> Struct:
    """The struct for a tree; `at` is the dotted path of the tree itself. Runs each struct's `check()`."""
    hints = get_type_hints(kind)
    for key in tree:
        if key not in hints:
            raise _unknown(_join(at, str(key)), str(key), hints)
    values = {key: _value(value, hints[key], _join(at, key)) for key, value in tree.items()}
    made = kind(**values)
    check = getattr(made, "check", None)
    if check is not None:
        check()
    return made


def as_tree(struct: msgspec.Struct) -> dict[str, Any]:
    """A struct as plain values without those left at None: what a manifest keeps and `convert` reads back."""
    return _without_none(msgspec.to_builtins(struct))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def _unknown(path: str, key: str, known: Iterable[str]) -> RecipeError:
    names = list(known)
    close = nearest(key, names)
    prefix = path[: -len(key)]
    hint = f"Did you mean {prefix}{close}? " if close else ""
    return RecipeError(
        f"The recipe key {path} is unknown.",
        value=path,
        limit=[prefix + name for name in names],
        remedy=f"{hint}Known here: {', '.join(names)}.",
    )


def _value(value: Any, hint: Any, path: str) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    structs = [option for option in options if isinstance(option, type) and issubclass(option, msgspec.Struct)]
    if structs:
        if not isinstance(value, Mapping):
            raise _wrong_type(path, value, "a table")
        return convert(value, structs[0], path)
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(
            f"{path} is {value}, which is no finite number.", value=str(value), remedy="Give a finite number."
        )
    try:
        return msgspec.convert(value, hint, strict=True)
    except msgspec.ValidationError:
        raise _wrong_type(path, value, _wanted(options)) from None


def _wrong_type(path: str, value: Any, wanted: str) -> RecipeError:
    return RecipeError(
        f"{path} is {value!r} ({type(value).__name__}); {wanted} is wanted.",
        value=value,
        limit=wanted,
        remedy=f"Give {wanted}.",
    )


def _wanted(options: tuple[Any, ...]) -> str:
    words = {int: "a whole number (int)", float: "a number (float)", str: "a string", bool: "true or false"}
    found = []
    for option in options:
        if get_origin(option) is Literal:
            found.append("one of " + ", ".join(str(choice) for choice in get_args(option)))
        elif option is not type(None):
            found.append(words.get(option, str(option)))
    return " or ".join(found)
