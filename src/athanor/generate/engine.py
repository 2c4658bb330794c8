"""The engine: schedule, step, sample, stream, until every request is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from athanor.core.errors import AthanorError, InputError
from athanor.generate.request import FinishReason, Request
from athanor.generate.sampling import choose
from athanor.generate.scheduler import Scheduler, Work
from athanor.generate.stops import StopFinder
from athanor.tokenizers.stream import TextStream
from athanor.tokenizers.tokenizer import Tokenizer


class NetworkStep(Protocol):
    """What runs a network: rows in, the logits after each row's last id out."""

    context: int
    slots: int

    def run(self, rows: Sequence[Work]) -> npt.NDArray[np.float32]:
        """Logits (rows, V) float32."""
        ...


class Engine:
    """Serves requests on one network. Not thread-safe; a server gives it a thread of its own."""

    def __init__(self, step: NetworkStep, tokenizer: Tokenizer) -> None:
        self._step, self._tokenizer = step, tokenizer
        self._scheduler = Scheduler(step.slots)
        self._streams: dict[int, _Stream] = {}

    @property
    def context(self) -> int:
        """Positions of the longest text, prompt and answer."""
        return self._step.context

    def fits(self, request: Request) -> bool:
        """Whether the prompt holds something and leaves room for an answer in the context."""
        return 0 < len(request.prompt) < self._step.context

    def submit(self, request: Request) -> None:
        """Queue a request. Raises InputError for a prompt that is empty or leaves no room in the context."""
        if not self.fits(request):
            raise _misfit(len(request.prompt), self._step.context)
        self._streams[id(request)] = _Stream(request, self._tokenizer)
        self._scheduler.submit(request)
        if request.settings.max_tokens == 0:
            self._end(request, "length")

    def run(self) -> Iterator[tuple[Request, str]]:
        """Work until nothing is left; (request, new text) whenever there is some, and once at each request's end.

        Every step is finished before its texts are given, so that whoever stops listening loses nobody's tokens.
        """
        while self._scheduler.busy:
            self._release()
            rows = self._scheduler.next()
            if not rows:
                continue
            logits = self._step.run(rows)
            told = []
            for row, scores in zip(rows, logits, strict=True):
                if row.ready and not row.request.done:
                    text = self._choose(row.request, scores)
                    if text or row.request.done:
                        told.append((row.request, text))
            # Last, so that an interruption above leaves no row that has been read but never chose its next id.
            self._scheduler.advance(rows)
            yield from told

    def complete(self, requests: Sequence[Request], progress: Callable[[int], None] | None = None) -> None:
        """Run requests to their end; where that fails or is interrupted, none of them stays behind.

        progress: told how many are done, at each one's end.
        """
        done = 0
        try:
            for request in requests:
                self.submit(request)
            for request, _ in self.run():
                if request.done and progress is not None:
                    done += 1
                    progress(done)
        finally:
            for request in requests:
                request.cancelled |= not request.done
            self._release()

    def _release(self) -> None:
        """Forget what is done or cancelled."""
        for request in self._scheduler.release_finished():
            self._streams.pop(id(request), None)  # of one that was cancelled

    def _choose(self, request: Request, logits: npt.NDArray[np.float32]) -> str:
        stream = self._streams[id(request)]
        try:
            number, logprob = stream.choose(logits)
        except AthanorError:
            request.cancelled = True  # or it would fail again at the next step, in everybody's way
            raise
        if request.first_token_seconds is None:
            request.first_token_seconds = time.monotonic() - request.submitted
        if number in request.ends:
            return self._end(request, "stop")
        request.ids.append(number)
        request.logprobs.append(logprob)
        shown = stream.feed(number)
        request.text += shown
        if stream.stops.stopped:
            return shown + self._end(request, "stop")
        if len(request.ids) >= request.settings.max_tokens or request.length >= self._step.context:
            return shown + self._end(request, "length")
        return shown

    def _end(self, request: Request, reason: FinishReason) -> str:
        stream = self._streams.pop(id(request))
        rest = stream.finish()
        request.text += rest
        # A stop may be complete only in what was held back until now.
        request.finish_reason = "stop" if stream.stops.stopped else reason
        return rest


def _misfit(tokens: int, context: int) -> InputError:
    """Why a prompt of so many tokens cannot be answered."""
    if not tokens:
        return InputError(
            "The prompt is empty: no token to begin from.", value=0, limit="at least 1 token", remedy="Give a word."
        )
    return InputError(
        f"The prompt has {tokens} tokens; this model reads {context}, the answer included.",
        value=tokens,
        limit=context - 1,
        remedy="Shorten the prompt.",
    )


class _Stream:
    """What one request needs beside its ids: its random numbers, its text, its stops."""

    def __init__(self, request: Request, tokenizer: Tokenizer) -> None:
        self._request = request
        self._text = TextStream(tokenizer)
        self.stops = StopFinder(request.settings.stop)
        self._tokenizer = tokenizer
        self._generator = np.random.Generator(np.random.PCG64(request.settings.seed))
        self._bad_alone: set[int] = set()
        """Ids found to hold a bad word by themselves: never drawn again."""

    def choose(self, logits: npt.NDArray[np.float32]) -> tuple[int, float]:
        """The next id and its log-probability; an id that would complete a bad word is banned and drawn anew."""
        request = self._request
        early = len(request.ids) < request.settings.min_tokens
        banned = self._bad_alone | request.ends if early else set(self._bad_alone)
        while True:
            number, logprob = choose(logits, request, self._generator, banned)
            if number in request.ends or not self._completes_bad_word(number):
                return number, logprob
            banned.add(number)

    def feed(self, number: int) -> str:
        return self._past_stops(self._text.feed(number))

    def finish(self) -> str:
        return self._past_stops(self._text.finish()) + self.stops.finish()

    def _past_stops(self, text: str) -> str:
        """What may be shown of new text; a stop within the first min_tokens is text like any other."""
        early = len(self._request.ids) <= self._request.settings.min_tokens
        return text if early else self.stops.feed(text)

    def _completes_bad_word(self, number: int) -> bool:
        words = self._request.settings.bad_words
        if not words:
            return False
        if self._holds_bad_word([number]):
            self._bad_alone.add(number)
            return True
        # An id holds at least one byte, so that no more of them can take part in a word.
        tail = max(len(word.encode()) for word in words)
        return self._holds_bad_word([*self._request.ids[-tail:], number])

    def _holds_bad_word(self, ids: list[int]) -> bool:
        text = self._tokenizer.decode(ids, specials=False)
        return any(word in text for word in self._request.settings.bad_words)
