"""The tags and texts of HTML, in linear time and bounded memory whatever the source.

Own scanner and not the standard library's html.parser, which takes minutes over 100 kB of unclosed quotes. It knows
tags, comments, declarations, entities and the elements whose content is no markup; attributes are skipped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

RAW = frozenset(("script", "style", "textarea", "xmp", "noscript"))
LONGEST = 4000  # characters of a tag; an angle bracket without its partner within is text
# Attributes hold no `<` here, so that a failed attempt ends at the next tag; others are skipped by a search for `>`.
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]{0,30})(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>")
_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]{0,30})")
# No character has such a number, and Python refuses to read one of more than 4,300 digits.
_NO_CHARACTER = re.compile("&#[0-9]{12,};?")


class Token(NamedTuple):
    """kind `start` and `end` with a tag's name in lower case, `text` with its characters."""

    kind: str
    value: str


def tokens(pieces: Iterable[str]) -> Iterator[Token]:
    """The tokens of a page that comes in pieces."""
    rest, until = "", ""  # what could not be judged yet; what ends the comment or raw element that is being skipped
    for piece in pieces:
        text, rest = rest + piece, ""
        at = 0
        while at < len(text):
            if until:
                end = _find_end(text, until, at)
                if end < 0:
                    at = max(at, len(text) - len(until))
                    break
                at, until = end, ""
                continue
            opening = text.find("<", at)
            if opening < 0:
                opening = max(at, _entity_start(text, at))
                yield Token("text", _unescaped(text[at:opening]))
                at = opening
                break
            if opening > at:
                yield Token("text", _unescaped(text[at:opening]))
            at = opening
            if text.startswith("<!--", at):
                at, until = at + 4, "-->"
                continue
            found = _end_of_tag(text, at)
            if found is None and len(text) - at < LONGEST:
                break  # its end may come with the next piece
            if found is None:
                yield Token("text", "<")
                at += 1
                continue
            token = _token(text, at)
            at = found
            if token:
                yield token
                if token.kind == "start" and token.value in RAW and not text.endswith("/>", 0, at):
                    until = f"</{token.value}"
        rest = text[at:]
    if rest and not until:
        yield from _end(rest)


def _end(rest: str) -> Iterator[Token]:
    """What stood behind the last bracket that was never closed: text, unless it begins like a tag."""
    for part in rest.split("<"):
        if part and not part[0].isalpha() and part[0] not in "/!?":
            yield Token("text", _unescaped(part))


def _find_end(text: str, until: str, at: int) -> int:
    if until == "-->":
        found = text.find(until, at)
        return found + 3 if found >= 0 else -1
    found = re.compile(re.escape(until), re.I).search(text, at)
    return found.start() if found else -1


def _end_of_tag(text: str, at: int) -> int | None:
    """Where the tag that begins at `at` ends; None where there is no end within reach or it is no tag."""
    match = _TAG.match(text, at, at + LONGEST)
    if match:
        return match.end()
    if not _NAME.match(text, at) and not text.startswith(("<!", "<?"), at):
        return at + 1 if len(text) - at > 2 else None  # `a < b`
    end = text.find(">", at, at + LONGEST)
    return end + 1 if end >= 0 else None


def _token(text: str, at: int) -> Token | None:
    match = _NAME.match(text, at)
    if not match:
        return None if text.startswith(("<!", "<?"), at) else Token("text", "<")
    return Token("end" if text[at + 1] == "/" else "start", match[1].lower())


def _unescaped(text: str) -> str:
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text) if "&#" in text else text)


def _entity_start(text: str, at: int) -> int:
    """Where an entity begins that the next piece may end; the end of the text where there is none."""
    found = text.rfind("&", max(at, len(text) - 32))
    return len(text) if found < 0 or ";" in text[found:] else found
