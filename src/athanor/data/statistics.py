"""What became of a folder's documents: the counts that stand beside a corpus."""

from __future__ import annotations

import msgspec

EXAMPLES = 5  # places named for a reason


class Share(msgspec.Struct, frozen=True):
    """Some of the documents."""

    documents: int = 0
    characters: int = 0


class Chats(msgspec.Struct, frozen=True):
    """Chats that the folder holds, and those made from the structure of its documents where it holds none."""

    read: int = 0
    made: dict[str, int] = msgspec.field(default_factory=dict)


class CorpusStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """read = kept + dropped; a document is what a reader yields: a file, a part of a long one, or a row."""

    files: int
    read: int
    kept: int
    dropped: dict[str, int]
    """Documents dropped, by reason."""

    unread: dict[str, int]
    """Files of kinds that are not read, by suffix."""

    problems: dict[str, int]
    """Paths passed over by the walk, by reason."""

    repaired: dict[str, int]
    """Bytes, characters and histories of chats left out of documents, by kind."""

    redacted: dict[str, int]
    """Spans masked in kept documents, by type."""

    languages: dict[str, Share]
    kinds: dict[str, int]
    characters: int
    bytes: int
    """UTF-8 bytes of the kept documents."""

    chats: Chats
    heldout: Share
    examples: dict[str, list[str]]
    """`file:part`, parts counted from 1, of the first documents dropped for each reason."""


class Tally:
    """The counts while they grow."""

    def __init__(self) -> None:
        self.read = self.kept = self.characters = self.bytes = self.chats = 0
        self.dropped: dict[str, int] = {}
        self.repaired: dict[str, int] = {}
        self.redacted: dict[str, int] = {}
        self.languages: dict[str, list[int]] = {}
        self.kinds: dict[str, int] = {}
        self.made: dict[str, int] = {}
        self.heldout = [0, 0]
        self.examples: dict[str, list[str]] = {}

    def drop(self, reason: str, file: str, part: int) -> None:
        add(self.dropped, {reason: 1})
        named = self.examples.setdefault(reason, [])
        if len(named) < EXAMPLES:
            named.append(f"{file}:{part + 1}")

    def keep(self, kind: str, language: str, characters: int, size: int) -> None:
        self.kept += 1
        self.chats += kind == "chat"
        self.characters += characters
        self.bytes += size
        add(self.kinds, {kind: 1})
        share = self.languages.setdefault(language, [0, 0])
        share[0] += 1
        share[1] += characters

    def finished(self, files: int, unread: dict[str, int], problems: dict[str, int]) -> CorpusStatistics:
        return CorpusStatistics(
            files=files,
            read=self.read,
            kept=self.kept,
            dropped=dict(sorted(self.dropped.items())),
            unread=unread,
            problems=problems,
            repaired=dict(sorted(self.repaired.items())),
            redacted=dict(sorted(self.redacted.items())),
            languages={name: Share(*share) for name, share in sorted(self.languages.items())},
            kinds=dict(sorted(self.kinds.items())),
            characters=self.characters,
            bytes=self.bytes,
            chats=Chats(self.chats, dict(sorted(self.made.items()))),
            heldout=Share(*self.heldout),
            examples=dict(sorted(self.examples.items())),
        )


def add(total: dict[str, int], more: dict[str, int]) -> None:
    """Add counts to counts."""
    for key, number in more.items():
        total[key] = total.get(key, 0) + number
