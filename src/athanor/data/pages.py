"""The plain text of an HTML page as Markdown, from its tags alone: token by token, in bounded memory."""

from __future__ import annotations

import re

from athanor.data.markup import Token
from athanor.data.parts import cut
from athanor.data.tables import markdown_row, markdown_rule

_SILENT = "script style noscript template svg math head iframe object select button nav footer"
_BLOCKS = (
    "p div section article main aside header ul ol dl dd dt blockquote pre figure figcaption address hr br table "
    "details summary body"
)
SILENT, BLOCKS = frozenset(_SILENT.split()), frozenset(_BLOCKS.split())
INNER = frozenset(("main", "article"))
MAX_LINE = 1 << 16  # characters of a block or a row, above which it is cut
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_SPACES = re.compile(r"[ \t\r\n\f]+")


class PlainPage:
    """Give it the tokens of a page: `take` gives the Markdown so far and forgets it, `inner_text` what stood in
    <main> and <article>, unless `keep_inner` is False: then memory is bounded whatever the page."""

    def __init__(self, keep_inner: bool = True) -> None:
        self._keep_inner = keep_inner
        self._done: list[str] = []  # finished lines
        self._characters = 0  # of these, with their ends
        self._inner: list[str] = []
        self._line: list[str] = []  # the words of the block being read
        self._open = 0  # characters of the line, and of the row it stands in
        self._silent: list[str] = []  # open tags whose text is no text, the outermost of each name
        self._depth = 0  # open <main>, <article>
        self._mark = ""  # what the block's line begins with
        self._row: list[str] | None = None
        self._in_cell = False
        self._rows = 0
        self._pre = 0

    def add(self, token: Token) -> None:
        """The next token."""
        if token.kind == "text":
            if not self._silent:
                self._line.append(token.value)
                self._open += len(token.value)
                if self._open > MAX_LINE:
                    self._cut()
        elif token.kind == "start":
            self._start(token.value)
        else:
            self._end(token.value)

    def _start(self, tag: str) -> None:
        if self._silent == ["head"] and (tag in BLOCKS or tag in HEADINGS):
            self._silent.clear()  # the end tag of <head> may be left out
        if tag in SILENT:
            if self._row is None:
                self._end_block()
            if tag not in self._silent:
                self._silent.append(tag)
        elif tag == "title" and self._silent == ["head"]:
            self._silent.append(tag)
        elif tag in HEADINGS:
            self._end_block()
            self._mark = HEADINGS[tag]
        elif tag == "li":
            self._end_block()
            self._mark = "- "
        elif tag == "tr":
            self._end_row()  # one whose end tag was left out
            self._end_block()
            self._row = []
        elif tag in ("td", "th"):
            self._end_cell()
            self._in_cell = self._row is not None
        elif tag == "br" and self._row is not None:
            self._line.append(" ")
        elif tag in BLOCKS and self._row is None:
            self._end_block()
            self._rows = 0 if tag == "table" else self._rows
        if tag in INNER:
            self._depth += 1
        self._pre += tag == "pre"

    def _end(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                del self._silent[self._silent.index(tag) :]
            return
        if tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag in HEADINGS or tag == "li" or (tag in BLOCKS and self._row is None):
            self._end_block()
        if tag == "table":
            self._end_row()
            self._done.append("")
        if tag in INNER and self._depth:
            self._depth -= 1
        self._pre -= tag == "pre" and self._pre > 0

    def close(self) -> None:
        """The end of the page."""
        self._end_row()
        self._end_block()

    @property
    def characters(self) -> int:
        """Characters of the finished lines that were not taken yet."""
        return self._characters

    def take(self) -> str:
        """The Markdown of what was fed since the last call, and forget it."""
        text = "\n".join([*self._done, ""]) if self._done else ""
        self._done, self._characters = [], 0
        return text

    def inner_text(self) -> str:
        """The Markdown inside <main> and <article>."""
        return "\n".join(self._inner).strip("\n")

    def _write(self, text: str, block: bool = True) -> None:
        written = [text, ""] if block else [text]
        self._done += written
        self._characters += len(text) + len(written)
        if self._depth and self._keep_inner:
            self._inner += written

    def _cut(self) -> None:
        """End the block or row where it pauses, and go on in another."""
        text = "".join(self._line)
        end = cut(text, 0, len(text))
        self._line = [text[:end]]
        if self._row is None:
            self._end_block()
        else:
            self._end_row()
            self._row = []
        self._line, self._open = [text[end:]], len(text) - end

    def _words(self) -> str:
        text = "".join(self._line)
        self._line = []
        return text.strip("\n") if self._pre else _SPACES.sub(" ", text).strip()

    def _end_block(self) -> None:
        words = self._words()
        if words.strip():
            self._write(self._mark + words, block=self._mark != "- ")
        self._mark = ""
        if self._row is None:
            self._open = 0

    def _end_cell(self) -> None:
        if self._row is None:
            self._end_block()
            return
        words = self._words()
        if words or self._in_cell:  # an empty one keeps the others in their columns
            self._row.append(words)
        self._in_cell = False

    def _end_row(self) -> None:
        if self._row is None:
            return
        self._end_cell()
        if any(self._row):
            self._write(markdown_row(self._row), block=False)
            if self._rows == 0:
                self._write(markdown_rule(len(self._row)), block=False)
            self._rows += 1
        self._row, self._open = None, 0
