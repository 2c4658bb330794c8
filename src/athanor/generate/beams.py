"""Beam search: of all beams' continuations the likeliest go on, the likeliest answers are kept.

What defines it is transformers' `_beam_search` (generation/utils.py, version 5), of which the answers are the same:

* A beam's score is the sum of its ids' log-probabilities, penalised and without banned ids, not normalised again.
* Each step ranks the continuations of all beams. The first num_beams that have not ended go on. One that has ended is
  an answer if it is among the first num_beams of the ranking; the best num_beams answers are kept.
* An answer's score is divided by its length, the id that ended it included, to the power of length_penalty (Wu et
  al. 2016, arXiv:1609.08144, §7, without its constants).
* The search is over at the greatest length; with early_stopping once num_beams answers are there; otherwise once the
  best beam, were it to end at its present length, would be no better than the worst of num_beams answers.

Where transformers ranks twice num_beams continuations or more, for some to go on when others end, these are ranked
until enough go on; so bad words and stop strings are looked for in the text of those few. A beam whose text holds a
stop string has ended, its answer is the text before it. Beam sampling and groups are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from athanor.generate.request import FinishReason, Request
from athanor.generate.sampling import Logits, banned_ids, log_softmax, nothing_to_choose, penalise
from athanor.generate.text import AnswerText, Words
from athanor.tokenizers.tokenizer import Tokenizer


class BeamSearch:
    """The search for one request's answers. A beam is a request of its own, made anew at each step."""

    def __init__(self, request: Request, tokenizer: Tokenizer, context: int) -> None:
        settings = request.settings
        self.request = request
        self.root = replace(request, whole=request, ids=[], logprobs=[], beams=[])
        """The beam that all others grow from: nothing but the prompt."""
        self._tokenizer = tokenizer
        self._longest = min(settings.max_tokens, context - len(request.prompt))
        self._bad, self._stops = Words(settings.bad_words, tokenizer), Words(settings.stop, tokenizer)
        self._answers: list[Request] = []

    def advance(self, beams: Sequence[Request], logits: Logits) -> list[tuple[Request, int]]:
        """One step: the beams that go on, best first, each with the place of the one in `beams` that it continues.

        logits (B, V): after each of `beams`. None goes on where the search is over, which the request then says.
        Raises ProofError for logits that are no numbers, InputError where everything is banned from the beginning.
        """
        best = logits.max(axis=1)
        if not np.isfinite(best).all():
            raise nothing_to_choose(logits[~np.isfinite(best)][0], ())
        width = self.request.settings.num_beams
        running: list[tuple[Request, int]] = []
        ended: list[Request] = []
        last = len(beams[0].ids) + 1 == self._longest
        for rank, (beam, place) in enumerate(self._continuations(beams, logits)):
            if beam.finish_reason is None:
                running.append((beam, place))
            elif rank < width:
                ended.append(self._as_answer(beam, len(beams[0].ids) + 1))
            if len(running) == width or (last and rank + 1 == width):
                break
        self._answers = sorted([*self._answers, *ended], key=lambda beam: -beam.score)[:width]
        if running and not self._over(running[0][0]):
            return running
        if not self._answers:
            raise nothing_to_choose(logits[0], range(logits.shape[1]))
        self.finish(self._answers)
        return []

    def finish(self, answers: list[Request]) -> None:
        """End the request with these answers."""
        for answer in answers:
            text = AnswerText(answer.settings, self._tokenizer)
            answer.text = "".join([*map(text.feed, answer.ids), text.finish()])
            if text.stopped:
                answer.finish_reason = "stop"
        request, best = self.request, answers[0]
        request.beams, request.ids, request.logprobs, request.text = answers, best.ids, best.logprobs, best.text
        request.finish_reason = best.finish_reason

    def _continuations(self, beams: Sequence[Request], logits: Logits) -> Iterator[tuple[Request, int]]:
        """Every beam longer by one id that may come, best first, with the place of the beam that it continues."""
        logprobs = np.stack([log_softmax(row) for row in logits])  # (B, V)
        scores = np.stack([self._scores(*pair) for pair in zip(beams, logprobs, strict=True)])
        for at in best_first(scores.ravel(), 4 * len(beams)):
            place, number = divmod(int(at), scores.shape[1])
            beam = beams[place]
            if number in beam.ends or not self._bad.completed(beam.ids, number):
                longer = replace(beam, score=float(scores[place, number]), finish_reason=self._reason(beam, number))
                if number not in beam.ends:
                    longer.ids = [*beam.ids, number]
                    longer.logprobs = [*beam.logprobs, float(logprobs[place, number])]
                yield longer, place

    def _scores(self, beam: Request, logprobs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scores (V,) of a beam's continuations; −inf for what is banned."""
        adjusted = penalise(logprobs.copy(), beam)
        adjusted[list(banned_ids(beam) | self._bad.alone)] = -np.inf
        return beam.score + adjusted

    def _reason(self, beam: Request, number: int) -> FinishReason | None:
        """Why a beam ends with this id, if it does."""
        early = beam.settings.min_tokens
        if number in beam.ends:
            return "stop"
        if len(beam.ids) >= early and self._stops.completed(beam.ids[early:], number):
            return "stop"
        return "length" if len(beam.ids) + 1 == self._longest else None

    def _as_answer(self, beam: Request, length: int) -> Request:
        return replace(beam, score=beam.score / length**beam.settings.length_penalty)

    def _over(self, best: Request) -> bool:
        settings = self.request.settings
        if len(self._answers) < settings.num_beams:
            return False
        return settings.early_stopping or self._as_answer(best, len(best.ids)).score <= self._answers[-1].score


def best_first(scores: npt.NDArray[np.float64], part: int) -> Iterator[int]:
    """Places of an array's finite numbers, the greatest first; sorted `part` at a time, since few are asked for."""
    left = scores.copy()
    while True:
        threshold = np.partition(left, -min(part, len(left)))[-min(part, len(left))]
        found = np.flatnonzero((left >= threshold) & (left > -np.inf))
        if not len(found):
            return
        yield from found[np.argsort(-left[found], kind="stable")]
        left[found] = -np.inf
