"""The engine: schedule, step, sample, stream, until every request is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from athanor.core.errors import AthanorError, InputError
from athanor.generate.beams import BeamSearch
from athanor.generate.request import FinishReason, Request
from athanor.generate.sampling import banned_ids, choose
from athanor.generate.scheduler import Scheduler, Work
from athanor.generate.text import AnswerText, Words
from athanor.tokenizers.tokenizer import Tokenizer


class NetworkStep(Protocol):
    """What runs a network: rows in, the logits after each row's last id out."""

    context: int
    slots: int
    """Memories it means to hold. A row may name a slot beyond them where one request has more beams."""

    def run(self, rows: Sequence[Work]) -> npt.NDArray[np.float32]:
        """Logits (rows, V) float32."""
        ...

    def fork(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Copy memories between slots, (from, to) each; no slot is both read and written."""
        ...


class Engine:
    """Serves requests on one network. Not thread-safe; a server gives it a thread of its own."""

    def __init__(self, step: NetworkStep, tokenizer: Tokenizer) -> None:
        self._step, self._tokenizer = step, tokenizer
        self._scheduler = Scheduler(step.slots)
        self._streams: dict[int, _Stream] = {}
        self._searches: dict[int, BeamSearch] = {}

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
        if request.settings.num_beams > 1:
            search = BeamSearch(request, self._tokenizer, self._step.context)
            self._searches[id(request)] = search
            self._scheduler.submit(search.root)
            if request.settings.max_tokens == 0:
                search.finish([replace(search.root, finish_reason="length")])
            return
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
            if self._scheduler.forks:
                self._step.fork(self._scheduler.forks)
                self._scheduler.forks.clear()
            rows = self._scheduler.next()
            if not rows:
                continue
            logits = self._step.run(rows)
            told = []
            for request, members in _ready(rows):
                text = self._advance(request, [rows[at] for at in members], logits[members])
                if text or request.done:
                    told.append((request, text))
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
            self._searches.pop(id(request.whole), None)

    def _advance(self, request: Request, rows: Sequence[Work], logits: npt.NDArray[np.float32]) -> str:
        """The request's new text after a step of its rows: one, or one for each of its beams."""
        search = self._searches.get(id(request))
        try:
            if search is None:
                return self._choose(request, logits[0])
            going = search.advance([row.request for row in rows], logits)
        except AthanorError:
            request.cancelled = True  # or it would fail again at the next step, in everybody's way
            raise
        if going:
            self._scheduler.fork([(beam, rows[place].slot) for beam, place in going])
            return ""
        request.first_token_seconds = time.monotonic() - request.submitted
        return request.text

    def _choose(self, request: Request, logits: npt.NDArray[np.float32]) -> str:
        stream = self._streams[id(request)]
        number, logprob = stream.choose(logits)
        if request.first_token_seconds is None:
            request.first_token_seconds = time.monotonic() - request.submitted
        if number in request.ends:
            return self._end(request, "stop")
        request.ids.append(number)
        request.logprobs.append(logprob)
        shown = stream.text.feed(number)
        request.text += shown
        if stream.text.stopped:
            return shown + self._end(request, "stop")
        if len(request.ids) >= request.settings.max_tokens or request.length >= self._step.context:
            return shown + self._end(request, "length")
        return shown

    def _end(self, request: Request, reason: FinishReason) -> str:
        stream = self._streams.pop(id(request))
        rest = stream.text.finish()
        request.text += rest
        # A stop may be complete only in what was held back until now.
        request.finish_reason = "stop" if stream.text.stopped else reason
        return rest


def _ready(rows: Sequence[Work]) -> Iterable[tuple[Request, list[int]]]:
    """Each request that chooses now, with the places of its rows: one, or one for each of its beams."""
    found: dict[int, tuple[Request, list[int]]] = {}
    for at, row in enumerate(rows):
        if row.ready and not row.request.done:
            request = row.request.whole or row.request
            found.setdefault(id(request), (request, []))[1].append(at)
    return found.values()


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
    """What one request needs beside its ids: its random numbers, its text, what it may not say."""

    def __init__(self, request: Request, tokenizer: Tokenizer) -> None:
        self._request = request
        self.text = AnswerText(request.settings, tokenizer)
        self._bad = Words(request.settings.bad_words, tokenizer)
        self._generator = np.random.Generator(np.random.PCG64(request.settings.seed))

    def choose(self, logits: npt.NDArray[np.float32]) -> tuple[int, float]:
        """The next id and its log-probability; an id that would complete a bad word is banned and drawn anew."""
        request = self._request
        banned = banned_ids(request) | self._bad.alone
        while True:
            number, logprob = choose(logits, request, self._generator, banned)
            if number in request.ends or not self._bad.completed(request.ids, number):
                return number, logprob
            banned.add(number)
