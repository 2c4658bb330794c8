"""Markdown: kept as it is, for its headings and tables are what chats are made from; only front matter goes."""

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
_COMMENT = re.compile(r"<!--.{0,20000}?-->", re.S)


def read(stream: BinaryIO, name: str, limits: Limits) -> Iterator[RawDocument]:
    """The Markdown in parts."""
    for document in documents(CharacterStream(stream), limits):
        if document.text is not None:
            text = _without_front(document.text) if document.place == 0 else document.text
            document.text = _COMMENT.sub("", text) if "<!--" in text else text
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
