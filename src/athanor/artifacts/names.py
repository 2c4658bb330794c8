"""Names: letters that people give to artifacts, and the table that says which id each stands for.

A name is checked before it touches the file system, so it is never a path. It is kept in `names/<name>` as
{"id", "moved": [{"id", "until"}]}; a name longer than a file name may be is kept under "~" and its hash.
"""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from athanor.artifacts.ids import is_id
from athanor.artifacts.layout import entries, native, own_folder, this_process, utc_now
from athanor.core.errors import InputError, NameTakenError, NotFoundError, UsageError, nearest
from athanor.core.files import fsync_folder, holders, locked, sha256_bytes, write_atomic

LONGEST = 64  # characters, CONTRACT
ID_DIGITS = 8  # of hex digits, from which on a word may be the beginning of an id
FILE_BYTES = 200  # a file name may have 255 bytes; room is left for what file systems add
MOVES_KEPT = 100
LIMIT = (
    f"letters, digits, . _ -; a letter or digit first; at most {LONGEST} characters; "
    f"not {ID_DIGITS} or more hex digits and nothing else"
)

# Letters and marks that show nothing, by which two names could look alike (Unicode Default_Ignorable_Code_Point).
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def check_name(name: str) -> str:
    """The name in NFC; UsageError when it is none."""
    normal = unicodedata.normalize("NFC", name)
    reason = _why_not(normal)
    if reason:
        raise UsageError(
            f"{name!r} cannot be a name: {reason}.",
            value=name,
            limit=LIMIT,
            remedy="Choose another name, such as my-model.",
        )
    return normal


def _why_not(name: str) -> str | None:
    if not name:
        return "it is empty"
    if len(name) > LONGEST:
        return f"it has {len(name)} characters, at most {LONGEST} are allowed"
    for place, letter in enumerate(name):
        if not _is_allowed(letter, first=place == 0):
            where = "it begins with" if place == 0 else "it holds"
            return f"{where} {letter!r} (U+{ord(letter):04X}, {unicodedata.name(letter, 'no letter').lower()})"
    if re.fullmatch(f"[0-9A-Fa-f]{{{ID_DIGITS},}}", name):
        return f"it is all hex digits, {ID_DIGITS} or more, and would look like an id"
    return None


def _is_allowed(letter: str, first: bool) -> bool:
    kind = unicodedata.category(letter)
    if INVISIBLE.match(letter):
        return False
    if kind.startswith("L") or kind == "Nd":
        return True
    # Vowel signs are marks in the scripts of India, Thailand and others.
    return not first and (letter in "._-" or kind in ("Mn", "Mc"))


def alike(name: str) -> str:
    """Equal for names that differ only in case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Names:
    """The table of names of a store at `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def all(self) -> dict[str, str]:
        """Name → id, sorted; what is no name file is passed over (`verify` reports it)."""
        found = {}
        for path in entries(self._home / "names"):
            with contextlib.suppress(ValueError, OSError):
                name, kept = _read(path)
                found[name] = kept["id"]
        return dict(sorted(found.items()))

    def unreadable(self) -> list[Path]:
        """Files in `names/` that are no names; leftovers of a killed writer are not among them."""
        bad = []
        for path in entries(self._home / "names"):
            try:
                _read(path)
            except (ValueError, OSError):
                if not path.name.startswith("."):
                    bad.append(path)
        return bad

    def check_free(self, name: str, replace: bool, id: str | None = None) -> None:
        """NameTakenError when the name, or one that differs only in case, stands for something else than `id`."""
        for other, its in self.all().items():
            if other == name:
                if its != id and not replace:
                    raise NameTakenError(
                        f"The name {name} already stands for {its[:12]}.",
                        value=name,
                        limit=its,
                        remedy="Choose another name, or add --replace to move it; what had it stays under its id.",
                    )
            elif alike(other) == alike(name):
                raise NameTakenError(
                    f"The name {name} differs only in case from {other}.",
                    value=name,
                    limit=other,
                    remedy=f"Choose another name, or write {other}.",
                )

    def bind(self, name: str, id: str, replace: bool) -> None:
        """Let the name stand for the id, atomically."""
        with self._table():
            self.check_free(name, replace, id)
            moved = []
            path = self.path(name)
            with contextlib.suppress(ValueError, OSError):
                _, kept = _read(path)
                if kept["id"] == id:
                    return
                moved = [*kept["moved"], {"id": kept["id"], "until": utc_now()}][-MOVES_KEPT:]
            self.write(name, {"id": id, "moved": moved})

    def unbind(self, name: str) -> None:
        """Take the name away; NotFoundError when there is none."""
        with self._table():
            path = self.path(name)
            try:
                path.unlink()
            except FileNotFoundError:
                raise unknown(name, self.all()) from None
            fsync_folder(path.parent)

    def entry(self, name: str) -> dict[str, Any]:
        """What is kept of a name: {"id", "moved"}."""
        return _read(self.path(name))[1]

    def write(self, name: str, kept: dict[str, Any]) -> None:
        """Keep this of a name; for `bind` and `restore`."""
        own_folder(self._home, "names")
        text = json.dumps({"name": name, **kept}, ensure_ascii=False)
        parse(text)
        write_atomic(self.path(name), text)

    def maker(self, name: str) -> str | None:
        """Who makes what the name shall stand for, in words; None when nobody does."""
        return holders(self._home / "locks" / "names" / _file_name(name))

    @contextlib.contextmanager
    def lock(self, name: str, waiting: Callable[[str], None] | None) -> Iterator[None]:
        """Held by whoever makes what the name shall stand for."""
        folder = own_folder(self._home, "locks", "names")
        with locked(folder / _file_name(name), this_process(), waiting, what=f"The name {name}"):
            yield

    @contextlib.contextmanager
    def _table(self) -> Iterator[None]:
        """Held for a moment while the table is changed: the check for names alike reads all of it."""
        with locked(own_folder(self._home, "locks") / "table", this_process(), lambda _: None):
            yield

    def path(self, name: str) -> Path:
        """Where a name is kept."""
        return self._home / "names" / _file_name(name)


def unknown(word: str, known: dict[str, str]) -> NotFoundError:
    """The error for a name that stands for nothing, with the nearest that does."""
    close = nearest(word, known)
    return NotFoundError(
        f"Nothing goes by the name {word!r}.",
        value=word,
        remedy=f"Did you mean {close}?" if close else "`athanor list` shows what there is.",
    )


def parse(text: str | bytes) -> tuple[str, dict[str, Any]]:
    """(name, {"id", "moved"}) of a name file's text; ValueError when it is none."""
    try:
        kept = json.loads(text)
        name, moved = kept["name"], kept.get("moved", [])
        if check_name(name) != name or not is_id(kept["id"]) or not isinstance(moved, list):
            raise ValueError("no name file")
    except (KeyError, TypeError, AttributeError, RecursionError, UsageError) as error:
        raise ValueError(str(error)) from error
    return name, {"id": kept["id"], "moved": moved}


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    if path.is_symlink():
        raise ValueError("a link")
    name, kept = parse(path.read_bytes())
    if _file_name(name) != path.name:
        raise ValueError("another name's file")
    return name, kept


def _file_name(name: str) -> str:
    if check_name(name) != name:
        raise InputError(f"{name!r} is not in NFC.", value=name, remedy="Normalise it first.")
    raw = name.encode("utf-8")
    return native(name) if len(raw) <= FILE_BYTES else f"~{sha256_bytes(raw)}"
