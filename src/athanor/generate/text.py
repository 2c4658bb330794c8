"""An answer's text: what of it may be shown as its ids come, and words that it holds or may not hold."""

from __future__ import annotations

from collections.abc import Sequence

from athanor.generate.request import Settings
from athanor.generate.stops import StopFinder
from athanor.tokenizers.stream import TextStream
from athanor.tokenizers.tokenizer import Tokenizer


class AnswerText:
    """Feed ids, get what may be shown. A stop within the first min_tokens is text like any other."""

    def __init__(self, settings: Settings, tokenizer: Tokenizer) -> None:
        self._text, self._stops = TextStream(tokenizer), StopFinder(settings.stop)
        self._early = settings.min_tokens
        self._count = 0

    @property
    def stopped(self) -> bool:
        """Whether a stop is complete."""
        return self._stops.stopped

    def feed(self, number: int) -> str:
        """The new text after one more id; may be empty."""
        self._count += 1
        return self._past_stops(self._text.feed(number))

    def finish(self) -> str:
        """What was held back."""
        return self._past_stops(self._text.finish()) + self._stops.finish()

    def _past_stops(self, text: str) -> str:
        return text if self._count <= self._early else self._stops.feed(text)


class Words:
    """Strings looked for in decoded text, whatever ids write them."""

    def __init__(self, words: Sequence[str], tokenizer: Tokenizer) -> None:
        self._words, self._tokenizer = tuple(words), tokenizer
        # An id holds at least one byte, so that no more of them can take part in a word.
        self._tail = max((len(word.encode()) for word in words), default=0)
        self.alone: set[int] = set()
        """Ids found to hold a word by themselves."""

    def completed(self, ids: Sequence[int], number: int) -> bool:
        """Whether a word is there once `number` follows `ids`."""
        if not self._words:
            return False
        if number in self.alone or self._held([number]):
            self.alone.add(number)
            return True
        return self._held([*ids[-self._tail :], number])

    def _held(self, ids: list[int]) -> bool:
        text = self._tokenizer.decode(ids, specials=False)
        return any(word in text for word in self._words)
