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
from athanor.evaluate.questions import Scored, guess_language
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


def answerer(model: Model) -> Callable[..., list[str]]:
    """Answers single-turn prompts greedily: as chats where the model has a template, else as plain text."""

    def answer(prompts: Sequence[str], most_tokens: int, progress: Callable[[int], None] | None = None) -> list[str]:
        settings = Settings(max_tokens=most_tokens, temperature=0)
        requests = [model.request(as_prompt(model, prompt), settings) for prompt in prompts]
        for request in requests:
            model.engine.submit(request)
        done = 0
        for request, _ in model.engine.run():
            if request.done:
                done += 1
                if progress is not None:
                    progress(done)
        return [request.text.strip() for request in requests]

    return answer


def as_prompt(model: Model, text: str) -> str | list[dict[str, str]]:
    """A single turn, in the form the model was tuned on."""
    return [{"role": "user", "content": text}] if model.talks else text


def sample(model: Model, prompts: Sequence[str], seed: int) -> list[Sample]:
    """Continue each prompt as plain text at a fixed temperature."""
    settings = [
        Settings(max_tokens=SAMPLE_TOKENS, temperature=SAMPLE_TEMPERATURE, top_p=0.95, seed=derive(seed, "sample", n))
        for n in range(len(prompts))
    ]
    requests = [model.request(prompt, setting) for prompt, setting in zip(prompts, settings, strict=True)]
    requests = [request for request in requests if request.prompt]
    model.engine.complete(requests)
    kept = [prompt for prompt in prompts if prompt]
    return [
        Sample(prompt, request.text, guess_language(prompt)) for prompt, request in zip(kept, requests, strict=True)
    ]


def quality(bits_per_byte: float, loss: float, samples: Sequence[Sample], scored: Sequence[Scored]) -> dict[str, Any]:
    """How good: bits per byte and perplexity on held-out text, repetition, and the answers where questions were."""
    held_out = math.isfinite(loss)
    nothing = "nothing was held out"
    unasked = "no questions were given"
    found = {
        "bits_per_byte": intervals.single(bits_per_byte) if held_out else intervals.missing(nothing),
        "perplexity": intervals.single(math.exp(min(loss, 700.0))) if held_out else intervals.missing(nothing),
        "repetition": intervals.mean([diversity.repetition(tokens(item.text, item.language)) for item in samples]),
    }
    for name, key in (
        ("exact_match", "exact"),
        ("token_precision", "precision"),
        ("token_recall", "recall"),
        ("token_f1", "f1"),
    ):
        values = [float(getattr(row, key)) for row in scored]
        if name == "exact_match" and values:
            found[name] = intervals.share(sum(values), len(values))
        else:
            found[name] = intervals.mean(values) if values else intervals.missing(unasked)
    return found


def variety(samples: Sequence[Sample]) -> dict[str, Any]:
    """How unlike one another the samples are."""
    texts = [tokens(item.text, item.language) for item in samples]
    texts = [text for text in texts if text]
    if len(texts) < 2:
        reason = "fewer than two samples with words"
        return {name: intervals.missing(reason) for name in ("distinct_1", "distinct_2", "self_bleu")}
    others = [[other for at, other in enumerate(texts) if at != number] for number in range(len(texts))]
    return {
        "distinct_1": intervals.single(diversity.distinct(texts, 1)),
        "distinct_2": intervals.single(diversity.distinct(texts, 2)),
        "self_bleu": intervals.mean([diversity.bleu(text, rest) for text, rest in zip(texts, others, strict=True)]),
    }


def speed(model: Model, prompt: str) -> dict[str, Any]:
    """One stream: seconds to the first token, tokens a second after it; peak memory of the process."""
    settings = Settings(max_tokens=SPEED_TOKENS, min_tokens=SPEED_TOKENS, temperature=0)
    room = model.spec.context - SPEED_TOKENS - 1
    firsts, rates = [], []
    for _ in range(SPEED_RUNS):
        began = model.request(prompt, settings)
        request = Request(began.prompt[: max(1, room)], settings, began.ends)
        model.engine.complete([request])
        first = request.first_token_seconds or 0.0
        firsts.append(first)
        rates.append((len(request.ids) - 1) / max(1e-9, time.monotonic() - request.submitted - first))
    return {
        "first_token_seconds": intervals.mean(firsts),
        "tokens_per_second": intervals.mean(rates),
        "peak_memory_bytes": intervals.single(float(peak_memory_bytes())),
    }
