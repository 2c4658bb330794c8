"""Several answers to one prompt: the best of a beam search, or draws with one seed after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from athanor.core.errors import UsageError
from athanor.generate.request import Request, Settings


def check_number(number: int, settings: Settings) -> None:
    """Raise UsageError for more answers than the settings can make different."""
    if 1 < settings.num_beams < number:
        raise UsageError(
            f"--num-return-sequences is {number}, but --num-beams {settings.num_beams} gives no more answers.",
            value=number,
            limit=settings.num_beams,
            remedy=f"Give --num-return-sequences up to {settings.num_beams}, or --num-beams {number}.",
        )
    if number > 1 and settings.num_beams == 1 and settings.greedy:
        raise UsageError(
            f"--num-return-sequences is {number}, but without chance and beams every answer is the same.",
            value=number,
            limit=1,
            remedy=f"Give --num-beams {number}, or a --temperature above 0.",
        )


def requests_for(request: Request, number: int) -> list[Request]:
    """What to run for so many answers: one search, or draws with seeds seed, seed + 1, …"""
    if request.settings.num_beams > 1:
        return [request]
    seeds = range(request.settings.seed, request.settings.seed + number)
    return [replace(request, settings=request.settings.with_seed(seed), ids=[], logprobs=[]) for seed in seeds]


def answers_of(requests: Sequence[Request], number: int) -> Sequence[Request]:
    """The answers of requests that are done, a search's best first."""
    return requests[0].beams[:number] or requests
