"""What lies in a folder: which files can be read, which kinds cannot, what is wrong; and the fingerprint of it all.

Hidden files are left alone, unless a link that is not hidden leads to them (git-annex and DVC keep every file so).
Links that dangle, loop or leave the folder are counted and not followed; a file that is reached by several ways is
read once, by its own name where it has one inside the folder.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from athanor.core.errors import InputError, NotFoundError
from athanor.core.files import sha256_file
from athanor.core.progress import plain
from athanor.data import formats

MOST_KINDS = 8  # of files that are not read, named to people


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a reader takes."""

    path: str
    """Path relative to the folder, with `/`; bytes that are no UTF-8 are written as \\xff."""

    file: Path
    """Where it lies."""

    bytes: int
    sha256: str


class FolderScan(msgspec.Struct, frozen=True, kw_only=True):
    """The inventory of a folder."""

    folder: Path
    sources: list[Source]
    """Files that will be read, sorted by path."""

    unread: dict[str, int]
    """How many files of kinds that are not read, by suffix."""

    problems: dict[str, list[str]]
    """Paths that were passed over, by reason: hidden, dangling_link, link_loop, link_outside, special, unreadable."""

    fingerprint: str
    """sha256 over path and sha256 of every source: the input id of a corpus made of them."""


def scan(folder: Path) -> FolderScan:
    """Walk a folder, or look at a single file. Raises NotFoundError, InputError."""
    folder = Path(folder)
    if not folder.exists():
        raise NotFoundError(
            f"There is no folder {_shown(os.fsencode(folder))}.",
            value=_shown(os.fsencode(folder)),
            remedy="Check the path; it is taken relative to where the command runs.",
        )
    walk = _Walk(folder.resolve())
    if folder.is_dir():
        walk.folder(walk.root)
        walk.links()
    else:
        walk.file(walk.root, walk.root.parent)
    sources, unread = walk.sorted_sources()
    return FolderScan(
        folder=folder,
        sources=sources,
        unread=dict(sorted(unread.items())),
        problems={reason: sorted(paths) for reason, paths in sorted(walk.problems.items())},
        fingerprint=fingerprint(sources),
    )


def fingerprint(sources: list[Source]) -> str:
    """sha256 over (path, sha256) of the sources in their order."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.path.encode("utf-8") + b"\0" + source.sha256.encode("ascii") + b"\n")
    return digest.hexdigest()


def unread_in_words(unread: Mapping[str, int]) -> str:
    """`3 .png, 1 .zip`: the commonest of the kinds that are not read, and how many files are of others."""
    kinds = sorted(unread.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{number} {plain(suffix)}" for suffix, number in kinds[:MOST_KINDS]]
    rest = sum(number for _, number in kinds[MOST_KINDS:])
    return ", ".join([*words, f"{rest} of other kinds"] if rest else words)


def require_sources(found: FolderScan) -> None:
    """Raise InputError where there is nothing to read, saying what there is."""
    if found.sources:
        return
    known = ", ".join(sorted(formats.readers()))
    if found.unread:
        kinds = unread_in_words(found.unread)
        raise InputError(
            f"Nothing in {_shown(os.fsencode(found.folder))} can be read: it holds only {kinds}.",
            value=found.unread,
            limit=sorted(formats.readers()),
            remedy=f"Put documents beside them; these kinds are read: {known}, each also as .gz or .xz.",
        )
    passed = {reason: len(paths) for reason, paths in found.problems.items()}
    also = f" ({', '.join(f'{number} {reason}' for reason, number in passed.items())} passed over)" if passed else ""
    raise InputError(
        f"The folder {_shown(os.fsencode(found.folder))} is empty: no document to read{also}.",
        value=passed,
        limit=sorted(formats.readers()),
        remedy=f"Put documents into it; these kinds are read: {known}, each also as .gz or .xz.",
    )


class _Walk:
    """The walk's state. First what lies in the folder itself, then what links add to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: dict[str, list[str]] = {}
        self._found: dict[Path, bytes] = {}  # real file → its path below the root
        self._folders: set[Path] = set()
        self._links: list[Path] = []

    def folder(self, folder: Path) -> None:
        """Take what lies below, but links."""
        waiting = [folder]
        while waiting:
            at = waiting.pop()
            real = at.resolve()
            if real in self._folders:
                continue
            self._folders.add(real)
            for entry in self._entries(at):
                path = at / entry.name
                if entry.name.startswith("."):
                    self._problem("hidden", path)
                elif entry.is_symlink():
                    self._links.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    self.file(path, self.root)
                else:
                    self._problem("special", path)

    def links(self) -> None:
        """Follow the links that stay inside, in the order of their paths; links met on the way likewise."""
        while self._links:
            self._links.sort(key=os.fsencode)
            link = self._links.pop(0)
            try:
                real = link.resolve(strict=True)
            except FileNotFoundError:
                self._problem("dangling_link", link)
                continue
            except (OSError, RuntimeError):
                self._problem("link_loop", link)
                continue
            if not real.is_relative_to(self.root):
                self._problem("link_outside", link)
            elif real.is_dir() and link.is_relative_to(real):
                self._problem("link_loop", link)
            elif real.is_dir():
                self.folder(link)
            elif real.is_file():
                self.file(link, self.root)
            else:
                self._problem("special", link)

    def file(self, path: Path, base: Path) -> None:
        self._found.setdefault(path.resolve(), os.fsencode(path.relative_to(base).as_posix()))

    def sorted_sources(self) -> tuple[list[Source], dict[str, int]]:
        """(files of readable kinds by path, counts of the others by suffix)."""
        sources, unread = [], {}
        for real, name in sorted(self._found.items(), key=lambda item: item[1]):
            shown = _shown(name)
            if not formats.is_readable(shown):
                suffix = formats.label(shown)
                unread[suffix] = unread.get(suffix, 0) + 1
                continue
            try:
                if not stat.S_ISREG(real.stat().st_mode):
                    self._problem("special", real)
                    continue
                sources.append(Source(path=shown, file=real, bytes=real.stat().st_size, sha256=sha256_file(real)))
            except OSError:
                self.problems.setdefault("unreadable", []).append(shown)
        return sources, unread

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                yield from list(entries)
        except OSError:
            self._problem("unreadable", folder)

    def _problem(self, reason: str, path: Path) -> None:
        inside = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        self.problems.setdefault(reason, []).append(_shown(os.fsencode(inside)))


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
