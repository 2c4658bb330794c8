"""Markdown: kept as it is, for its headings and tables are what chats are made from.

Only front matter goes, and comments outside of code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.documents import Limits, RawDocument
from athanor.data.encoding import CharacterStream
from athanor.data.parts import documents

SUFFIXES = (".md", ".markdown")
# YAML between two lines of dashes at the very top; the title it holds becomes the first heading.
_FRONT = re.compile(r"\A---\r?\n(.{0,8000}?)^---\r?\n", re.S | re.M)
_TITLE = re.compile(r"^title:[ \t]*[\"']?([^\r\n\"']+)", re.M)
_FENCE_OR_COMMENT = re.compile(r"^ {0,3}(`{3,}+(?![^\n]*`)|~{3,})|<!--", re.M)


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """The Markdown in parts."""
    for document in documents(CharacterStream(stream), limits):
        if document.text is not None:
            text = _without_front(document.text) if document.place == 0 else document.text
            document.text = _without_comments(text) if "<!--" in text else text
        yield document


def _without_front(text: str) -> str:
    found = _FRONT.match(text)
    if not found:
        return text
    title = _TITLE.search(found[1])
    body = text[found.end() :]
    if title and not body.lstrip().startswith("# "):
        return f"# {title[1].strip()}\n\n{body}"
    return body


def _without_comments(text: str) -> str:
    """The text without its closed comments, but for those in fenced code."""
    kept, start, at = [], 0, 0
    while found := _FENCE_OR_COMMENT.search(text, at):
        end = "\n" + found[1] if found[1] else "-->"
        closed = text.find(end, found.end())
        if closed < 0:
            break
        at = closed + len(end)
        if not found[1]:
            kept.append(text[start : found.start()])
            start = at
    return "".join([*kept, text[start:]])
