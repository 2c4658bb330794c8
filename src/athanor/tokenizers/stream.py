"""Text out of a stream of ids, never with half a character in it."""

from __future__ import annotations

from athanor.tokenizers.tokenizer import Tokenizer

REPLACEMENT = "\ufffd"
MOST_HELD = 16
"""Ids held at the most while they end in an unfinished character: a character has up to 4 bytes, so that more than a
few only come where each id holds the end of one character and the beginning of the next."""

LEAD = 3
"""Bytes, and so broken characters, that the rest of a character has at the most."""


class TextStream:
    """Feed ids, get the text that has become certain.

    A character may be spread over several ids; while the newest ids decode to an unfinished one, they are held. Ids
    that can no longer become a character come out as U+FFFD, as UTF-8 decoders do. Only the ids since the last
    certain place are decoded again, so a long answer costs no more a token than a short one; the ids before that
    place stay as context, since some vocabularies write a word's first piece without its space.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._context: list[int] = []
        self._new: list[int] = []
        self._given = 0
        """Characters of the new ids that were given out already."""

    def feed(self, number: int) -> str:
        """The new text after one more id; may be empty."""
        self._new.append(number)
        return self._flush(final=False)

    def finish(self) -> str:
        """What was held back."""
        return self._flush(final=True)

    def _flush(self, final: bool) -> str:
        before = self._tokenizer.decode(self._context, specials=False)
        after = self._tokenizer.decode(self._context + self._new, specials=False)
        text = after[len(before) + self._given :]
        if not final and after.endswith(REPLACEMENT):
            if len(self._new) < MOST_HELD:
                return ""
            # Only the last character can still change.
            self._given += max(0, len(text) - 1)
            self._forget()
            return text[:-1]
        self._context, self._new, self._given = self._new or self._context, [], 0
        return text

    def _forget(self) -> None:
        """Let go of ids whose characters were given out, where no certain place comes.

        Cut inside a character, the newest ids decode to at most LEAD wrong characters and then to what they were.
        """
        if len(self._new) < 2 * MOST_HELD:
            return
        newest = self._new[-MOST_HELD:]
        text = self._tokenizer.decode(newest, specials=False)
        if len(text) > LEAD and text.endswith(REPLACEMENT):
            self._context, self._new, self._given = [], newest, len(text) - 1
