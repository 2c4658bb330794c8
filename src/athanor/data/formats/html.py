"""HTML: the main text as Markdown.

trafilatura finds the main text of pages with navigation, banners and comments around it. Where it finds nothing (very
short pages, bare tables) or the page is larger than it should be given, our own plain extraction stands in: all text
but scripts, styles, navigation and footers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from athanor.core.errors import MissingExtraError
from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.markup import tokens
from athanor.data.pages import PlainPage
from athanor.data.parts import parts, with_repairs

SUFFIXES = (".html", ".htm", ".xhtml")
PIECE = 1 << 16  # characters of our own extraction that are handed on together
MIN_SHARE = 0.5  # of the text inside <main> or <article> that trafilatura must have found to be believed
_RULE = re.compile(r"^\|(?:-{3,}\|)+$", re.M)
_STRUCTURE = re.compile(r"^(?:#{1,6} |\|)", re.M)
_PADDED = re.compile(r" \| $", re.M)


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """The page's main text, in parts where it is long."""
    text = CharacterStream(stream)
    return with_repairs(_documents(text, limits), text)


def _documents(text: CharacterStream, limits: Limits) -> Iterator[RawDocument]:
    held: list[str] = []
    pieces, size = iter(text), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > limits.page_characters:
            break
    whole = size <= limits.page_characters
    found = iter([main_text("".join(held))]) if whole else _streamed(itertools.chain(held, pieces))
    for place, part in enumerate(parts(found, limits.part_characters)):
        yield RawDocument(place=place, text=part)


def _streamed(pieces: Iterable[str]) -> Iterator[str]:
    """Our own extraction piece by piece, for pages above the limit."""
    page = PlainPage(keep_inner=False)
    for token in tokens(pieces):
        page.add(token)
        if page.characters > PIECE:
            yield page.take()
    page.close()
    yield page.take()


def main_text(source: str) -> str:
    """The Markdown of a page's main text; empty where there is none."""
    page = PlainPage()
    for token in tokens([source]):
        page.add(token)
    page.close()
    plain, inner = page.take(), page.inner_text()
    found = _trafilatura(source)
    if len(found) < MIN_SHARE * len(inner):
        return inner
    return plain if not found or _flattened(plain, found) else found


def _flattened(plain: str, found: str) -> bool:
    """Whether trafilatura gave its last resort, bare lines: then headings and cells stand there without their marks."""
    if _STRUCTURE.search(found):
        return False
    marked = (line for line in plain.splitlines() if _STRUCTURE.match(line))
    words = (word for line in marked for word in (line.split("|") if line[0] == "|" else [line.lstrip("# ")]))
    return not {word.strip() for word in words}.isdisjoint({line.strip() for line in found.splitlines()} - {""})


def _trafilatura(source: str) -> str:
    import logging

    try:
        import trafilatura
    except ImportError as error:
        raise MissingExtraError("trafilatura", "train") from error
    # It warns of every page without a body; the count of documents without text says the same once.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    try:
        found = trafilatura.extract(
            source, output_format="markdown", include_tables=True, include_comments=False, include_links=False
        )
    except (ValueError, TypeError, AttributeError, RecursionError):  # pages so broken that lxml gives no tree
        return ""
    return _RULE.sub(_spaced_rule, _PADDED.sub(" |", found)) if found else ""


def _spaced_rule(match: re.Match[str]) -> str:
    return "|" + " --- |" * (match[0].count("|") - 1)
