"""A model's figures: quality, diversity, speed. Each {metric: {value, interval, n}}; names in docs/metrics.md."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athanor.core.hardware import peak_memory_bytes
from athanor.core.seeds import derive
from athanor.evaluate import diversity, intervals
from athanor.evaluate.answers import tokens
from athanor.evaluate.questions import FIGURES, Answerer, Scored, guess_language, values_of
from athanor.generate.request import Request, Settings

if TYPE_CHECKING:
    from athanor.generate.handle import Model

SAMPLE_TOKENS = 60
SAMPLE_TEMPERATURE = 0.8
SPEED_TOKENS = 64
SPEED_RUNS = 3


@dataclass(frozen=True)
class Sample:
    """A prompt that begins a text and how the model went on."""

    prompt: str
    text: str
    language: str


def answerer(model: Model) -> Answerer:
    """Answers single-turn prompts greedily: as chats where the model has a template, else as plain text.

    A prompt that leaves no room in the context is not asked: its answer is None.
    """

    def answer(
        prompts: Sequence[str], most_tokens: int, progress: Callable[[int], None] | None = None
    ) -> list[str | None]:
        settings = Settings(max_tokens=most_tokens, temperature=0)
        requests = [model.request(as_prompt(model, prompt), settings) for prompt in prompts]
        model.engine.complete([request for request in requests if model.engine.fits(request)], progress)
        return [request.text.strip() if request.done else None for request in requests]

    return answer


def as_prompt(model: Model, text: str) -> str | list[dict[str, str]]:
    """A single turn, in the form the model was tuned on."""
    return [{"role": "user", "content": text}] if model.talks else text


def sample(model: Model, prompts: Sequence[str], seed: int) -> list[Sample]:
    """Continue each prompt that fits the context as plain text at a fixed temperature."""
    settings = [
        Settings(max_tokens=SAMPLE_TOKENS, temperature=SAMPLE_TEMPERATURE, top_p=0.95, seed=derive(seed, "sample", n))
        for n in range(len(prompts))
    ]
    requests = [model.request(prompt, setting) for prompt, setting in zip(prompts, settings, strict=True)]
    asked = [(text, request) for text, request in zip(prompts, requests, strict=True) if model.engine.fits(request)]
    model.engine.complete([request for _, request in asked])
    return [Sample(text, request.text, guess_language(text)) for text, request in asked]


def quality(bits_per_byte: float, loss: float, samples: Sequence[Sample], scored: Sequence[Scored]) -> dict[str, Any]:
    """How good: bits per byte and perplexity on held-out text, repetition, and the answers where questions were."""
    held_out = math.isfinite(loss)
    nothing = "nothing was held out"
    found = {
        "bits_per_byte": intervals.single(bits_per_byte) if held_out else intervals.missing(nothing),
        "perplexity": intervals.single(math.exp(min(loss, 700.0))) if held_out else intervals.missing(nothing),
        "repetition": intervals.mean([diversity.repetition(tokens(item.text, item.language)) for item in samples]),
    }
    for name in FIGURES:
        values = values_of(scored, name)
        if not values:
            found[name] = intervals.missing("no questions were given")
        elif name == "exact_match":
            found[name] = intervals.share(sum(values), len(values))
        else:
            found[name] = intervals.mean(values)
    return found


def variety(samples: Sequence[Sample]) -> dict[str, Any]:
    """How unlike one another the samples are."""
    texts = [tokens(item.text, item.language) for item in samples]
    texts = [text for text in texts if text]
    if len(texts) < 2:
        reason = "fewer than two samples with words"
        return {name: intervals.missing(reason) for name in ("distinct_1", "distinct_2", "self_bleu")}
    return {
        "distinct_1": intervals.single(diversity.distinct(texts, 1)),
        "distinct_2": intervals.single(diversity.distinct(texts, 2)),
        "self_bleu": intervals.mean(diversity.self_bleu(texts)),
    }


def speed(model: Model, prompt: str) -> dict[str, Any]:
    """One stream: seconds to the first token, tokens a second after it; peak memory of the process.

    A context too short for a prompt and an answer leaves the times missing.
    """
    settings = Settings(max_tokens=SPEED_TOKENS, min_tokens=SPEED_TOKENS, temperature=0)
    room = max(1, model.engine.context - SPEED_TOKENS - 1)
    firsts, rates = [], []
    for _ in range(SPEED_RUNS):
        began = model.request(prompt, settings)
        request = Request(began.prompt[:room], settings, began.ends)
        if not model.engine.fits(request):
            break
        model.engine.complete([request])
        first = request.first_token_seconds or 0.0
        firsts.append(first)
        if len(request.ids) > 1:
            rates.append((len(request.ids) - 1) / max(1e-9, time.monotonic() - request.submitted - first))
    too_short = intervals.missing(f"a context of {model.engine.context} leaves no room for an answer to time")
    return {
        "first_token_seconds": intervals.mean(firsts) if firsts else too_short,
        "tokens_per_second": intervals.mean(rates) if rates else too_short,
        "peak_memory_bytes": intervals.single(float(peak_memory_bytes())),
    }
