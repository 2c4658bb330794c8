"""The readers, one module a format; the folder is the list.

A reader offers SUFFIXES (lower case, with the dot) and
`read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]`, which streams, raises Unusable for a file
it cannot use, and reports a row it cannot use as a RawDocument with a reason. Each also reads its kind under .gz, .xz.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import PurePosixPath
from types import ModuleType
from typing import BinaryIO

from athanor.data.compression import SUFFIXES as COMPRESSED
from athanor.data.documents import Limits, RawDocument


@functools.cache
def readers() -> dict[str, ModuleType]:
    """Suffix → the module that reads it."""
    found: dict[str, ModuleType] = {}
    for entry in sorted(pkgutil.iter_modules(__path__), key=lambda entry: entry.name):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        for suffix in getattr(module, "SUFFIXES", ()):
            found[suffix] = module
    return found


def kind(name: str) -> str:
    """The suffix that says what a file holds, lower case, without a compression's: `.csv` of `a.csv.gz`."""
    path = PurePosixPath(name.lower())
    if path.suffix in COMPRESSED:
        path = path.with_suffix("")
    return path.suffix


def label(name: str) -> str:
    """The suffix a person knows a file's kind by, for kinds that are not read: `.png`, `.tar.gz`, `(none)`."""
    path = PurePosixPath(name.lower())
    inner = path.with_suffix("").suffix if path.suffix in COMPRESSED else ""
    if not inner[1:].isalpha() or len(inner) > 6:
        inner = ""
    return (inner + path.suffix) or "(none)"


def is_readable(name: str) -> bool:
    """Whether some reader takes a file of this name."""
    return kind(name) in readers()


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """The documents of a file, by the reader of its name's suffix."""
    return readers()[kind(name)].read(stream, name, limits)
