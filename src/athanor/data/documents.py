"""What a format reader yields, within which limits, and how it says that a file cannot be used."""

from __future__ import annotations

import msgspec

Message = tuple[str, str]  # role, content


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds that keep reading within memory and time whatever lies in the folder."""

    part_characters: int = 1 << 16
    """Characters of one part of a long file. Parts are documents: small enough that a single long file still gives a
    held-out share of about the size asked for, long enough (some 15 k tokens) that a cut costs nothing."""

    line_characters: int = 16 << 20
    """Characters of a JSON row above which it is dropped."""

    page_characters: int = 8 << 20
    """Characters of an HTML page above which the whole-page extractor is not tried."""

    decompressed_bytes: int = 4 << 30
    """Bytes at which decompression stops."""

    ratio: int = 1000
    """Bytes out for a byte in at which decompression stops, once `ratio_after` bytes came out."""

    ratio_after: int = 64 << 20
    """Bytes out before the ratio is judged; short runs of zeros compress this well too."""

    depth: int = 200
    """Nesting of JSON above which a row is dropped."""


class RawDocument(msgspec.Struct, kw_only=True):
    """One document as its file has it: a text, a chat, or the reason why it could not be read."""

    place: int
    """Row or part number in the file, from 0."""

    text: str | None = None
    messages: list[Message] | None = None

    reason: str | None = None
    """Why this document is dropped; then there is neither text nor messages."""

    repaired: dict[str, int] = msgspec.field(default_factory=dict)
    """What had to be left out to decode it, by kind."""


class Unusable(Exception):
    """The rest of a file cannot be read; `reason` is the word it is counted under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
