"""Cutting a long text into parts where a reader would pause: at a paragraph, a line, a sentence, a space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream

PAUSES = ("\n\n", "\n", "。", ". ", " ")


def with_repairs(found: Iterable[RawDocument], stream: CharacterStream) -> Iterator[RawDocument]:
    """The documents, each with the number of broken bytes that were left out since the one before."""
    told = 0
    for document in found:
        if stream.broken > told:
            document.repaired["bytes"] = stream.broken - told
            told = stream.broken
        yield document


def documents(stream: CharacterStream, limits: Limits) -> Iterator[RawDocument]:
    """One document a part."""
    made = (RawDocument(place=place, text=part) for place, part in enumerate(parts(stream, limits.part_characters)))
    return with_repairs(made, stream)


def parts(pieces: Iterable[str], size: int) -> Iterator[str]:
    """Parts of at most `size` characters that joined are the pieces joined; at least one, which may be empty."""
    rest, given = "", False
    for piece in pieces:
        text, start = rest + piece, 0
        while len(text) - start > size:
            end = cut(text, start, start + size)
            yield text[start:end]
            given, start = True, end
        rest = text[start:]
    if rest or not given:
        yield rest


def cut(text: str, start: int, end: int) -> int:
    """Where to end a part of text[start:end]: after the last pause of its second half, or at its end."""
    middle = (start + end) // 2
    for pause in PAUSES:
        at = text.rfind(pause, middle, end)
        if at >= 0:
            return at + len(pause)
    return end
