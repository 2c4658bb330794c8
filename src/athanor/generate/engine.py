"""The engine: schedule, step, sample, stream, until every request is done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from athanor.core.errors import InputError
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

    def submit(self, request: Request) -> None:
        """Queue a request. Raises InputError for a prompt that is empty or leaves no room in the context."""
        context = self._step.context
        if not request.prompt:
            raise InputError(
                "The prompt is empty: no token to begin from.", value=0, limit="at least 1 token", remedy="Give a word."
            )
        if len(request.prompt) >= context:
            raise InputError(
                f"The prompt has {len(request.prompt)} tokens; this model reads {context}, the answer included.",
                value=len(request.prompt),
                limit=context - 1,
                remedy="Shorten the prompt.",
            )
        self._streams[id(request)] = _Stream(request, self._tokenizer)
        self._scheduler.submit(request)
        if request.settings.max_tokens == 0:
            self._end(request, "length")

    def run(self) -> Iterator[tuple[Request, str]]:
        """Work until nothing is left; (request, new text) whenever there is some, and once at each request's end.

        Every step is finished before its texts are given, so that whoever stops listening loses nobody's tokens.
        """
        while self._scheduler.busy:
            for request in self._scheduler.release_finished():
                self._streams.pop(id(request), None)  # of one that was cancelled
            rows = self._scheduler.next()
            if not rows:
                continue
            logits = self._step.run(rows)
            self._scheduler.advance(rows)
            told = []
            for row, scores in zip(rows, logits, strict=True):
                if row.ready and not row.request.done:
                    text = self._choose(row.request, scores)
                    if text or row.request.done:
                        told.append((row.request, text))
            yield from told

    def complete(self, requests: Sequence[Request]) -> None:
        """Run requests to their end."""
        for request in requests:
            self.submit(request)
        for _ in self.run():
            pass

    def _choose(self, request: Request, logits: npt.NDArray[np.float32]) -> str:
        stream = self._streams[id(request)]
        number, logprob = choose(logits, request, stream.generator, stream.banned())
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


class _Stream:
    """What one request needs beside its ids: its random numbers, its text, its stops."""

    def __init__(self, request: Request, tokenizer: Tokenizer) -> None:
        self._request = request
        self._text = TextStream(tokenizer)
        self.stops = StopFinder(request.settings.stop)
        self.generator = np.random.Generator(np.random.PCG64(request.settings.seed))
        self._bad = [tokenizer.encode(word) for word in request.settings.bad_words]

    def banned(self) -> set[int]:
        """Ids that may not come next."""
        ids = self._request.ids
        banned = {bad[-1] for bad in self._bad if bad and ids[len(ids) - len(bad) + 1 :] == bad[:-1]}
        if len(ids) < self._request.settings.min_tokens:
            banned |= self._request.ends
        return banned

    def feed(self, number: int) -> str:
        return self.stops.feed(self._text.feed(number))

    def finish(self) -> str:
        return self.stops.feed(self._text.finish()) + self.stops.finish()
