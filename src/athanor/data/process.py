"""One document's way from its file to a row, but for what needs the other documents: decode, clean, judge, redact,
name the language, sketch for near-duplicates, make chats. Runs in worker processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from athanor.core.files import sha256_file
from athanor.data import formats, redact
from athanor.data.chats import made
from athanor.data.clean import clean
from athanor.data.compression import open_source
from athanor.data.dedup import exact_key, shingles, signature
from athanor.data.documents import Limits, Message, RawDocument, Unusable
from athanor.data.language import language
from athanor.data.quality import judge, judge_chat
from athanor.data.read import Source
from athanor.data.statistics import add


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker needs to know of the recipe."""

    limits: Limits = Limits()
    redact: bool = True
    near: bool = True
    recognisers: tuple[Any, ...] = ()
    """Trained recognisers from above: callables of a text that give spans; picklable."""


class MadeChat(msgspec.Struct, array_like=True):
    """A chat made from a document's structure."""

    origin: str
    messages: list[Message]


class Document(msgspec.Struct, array_like=True):
    """A document that was read: kept so far where `reason` is None."""

    file: str
    part: int
    reason: str | None = None
    kind: str = "text"
    text: str = ""
    messages: list[Message] = []
    language: str = "other"
    id: bytes = b""
    exact: bytes = b""
    sketch: bytes | None = None
    repaired: dict[str, int] = {}
    redacted: dict[str, int] = {}
    made: list[MadeChat] = []


class Task(msgspec.Struct, array_like=True):
    """Work for a worker: small files to read itself, or documents of a large file that the parent reads."""

    sources: list[Source]
    documents: list[RawDocument] | None = None
    done: int = 0
    """Bytes of the folder that are behind when this task is done."""


def run(task: Task, settings: Settings) -> list[Document]:
    """The documents of a task, in order."""
    if task.documents is not None:
        return [process(raw, task.sources[0].path, settings) for raw in task.documents]
    return [process(raw, source.path, settings) for source in task.sources for raw in read(source, settings.limits)]


def read(source: Source, limits: Limits) -> Iterator[RawDocument]:
    """The documents of a file; what cannot be read is one document with a reason.

    A file that is no longer the one of the scan is `changed`: the corpus is found by the contents that were scanned.
    """
    place = -1
    try:
        before = _state(source.file)
        if sha256_file(source.file) != source.sha256:
            raise Unusable("changed")
        with open_source(source.file, limits) as stream:
            for raw in formats.read(stream, source.path, limits):
                place = raw.place
                yield raw
        if _state(source.file) != before:
            raise Unusable("changed")
    except Unusable as error:
        yield RawDocument(place=place + 1, reason=error.reason)
    except (OSError, ValueError, RecursionError, LookupError):
        # A reader that stumbles over a stranger's file costs this file, never the build.
        yield RawDocument(place=place + 1, reason="unreadable")


def _state(file: Path) -> tuple[int, int]:
    """What changes when somebody writes to a file: its bytes and the time of the last writing."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def process(raw: RawDocument, file: str, settings: Settings) -> Document:
    """A document cleaned, judged, redacted and described."""
    document = Document(file, raw.place, raw.reason, repaired=dict(raw.repaired))
    if raw.reason:
        return document
    if raw.messages is not None:
        return _chat(raw.messages, document, settings)
    return _text(raw.text or "", document, settings)


def _text(text: str, document: Document, settings: Settings) -> Document:
    text, removed = clean(text)
    add(document.repaired, removed)
    document.reason = judge(text)
    if document.reason:
        return document
    document.text = _masked(text, document, settings)
    document.language = language(document.text)
    document.id = row_id("text", document.text)
    document.exact = exact_key(document.text)
    if settings.near:
        document.sketch = signature(shingles(document.text))
    document.made = [MadeChat(chat.origin, chat.messages) for chat in made(document.text)]
    return document


def _chat(messages: list[Message], document: Document, settings: Settings) -> Document:
    document.kind = "chat"
    cleaned = []
    for role, content in messages:
        text, removed = clean(content)
        add(document.repaired, removed)
        if text.strip():
            cleaned.append((role, text.strip()))
    document.reason = judge_chat([text for _, text in cleaned])
    if not document.reason and not any(role == "assistant" for role, _ in cleaned):
        document.reason = "broken_chat"
    if document.reason:
        return document
    document.messages = [(role, _masked(text, document, settings)) for role, text in cleaned]
    document.language = language("\n".join(text for _, text in document.messages))
    document.id = row_id("chat", chat_json(document.messages))
    document.exact = exact_key("\n".join(f"{role}: {text}" for role, text in document.messages))
    return document


def _masked(text: str, document: Document, settings: Settings) -> str:
    if not settings.redact:
        return text
    text, found = redact.mask(text, more=settings.recognisers)
    add(document.redacted, found)
    return text


def chat_json(messages: list[Message]) -> str:
    """The form in which a row holds its messages: [[role, content], …]."""
    return msgspec.json.encode(messages).decode("utf-8")


def row_id(kind: str, content: str) -> bytes:
    """sha256 over kind and content."""
    return hashlib.sha256(f"{kind}\0{content}".encode()).digest()
