"""A text request: ids in, settings, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from athanor.core.errors import UsageError

FinishReason = Literal["stop", "length"]
MOST_STOPS = 16
MOST_BEAMS = 64
GREEDY_BELOW = 1e-6  # logits over less overflow; long before that the likeliest has all the probability


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are chosen and when they end. Defaults leave the model's distribution as it is."""

    max_tokens: int = 128
    min_tokens: int = 0
    """No end before so many tokens: neither an end token nor a stop string within them."""
    temperature: float = 1.0
    """0 is greedy, and so is anything below 1e-6."""
    top_k: int = 0
    """Keep the k likeliest; 0 keeps all."""
    top_p: float = 1.0
    """Keep the likeliest that together reach p (Holtzman et al. 2020, arXiv:1904.09751)."""
    min_p: float = 0.0
    """Keep what has at least this share of the likeliest's probability (Nguyen et al. 2024, arXiv:2407.01082)."""
    repetition_penalty: float = 1.0
    """Divide positive and multiply negative logits of what occurred (Keskar et al. 2019, arXiv:1909.05858)."""
    presence_penalty: float = 0.0
    """Subtract once from what was generated (OpenAI)."""
    frequency_penalty: float = 0.0
    """Subtract for each time it was generated (OpenAI)."""
    stop: tuple[str, ...] = ()
    bad_words: tuple[str, ...] = ()
    """Strings that the answer may not hold: an id that would complete one is not chosen."""
    no_repeat_ngram_size: int = 0
    """No n ids in a row twice, the prompt's included (Paulus et al. 2017, arXiv:1705.04304, §2.5); 0 lets them."""
    num_beams: int = 1
    """Beam search over so many beams; it draws nothing, so that temperature must be 0. 1 is no search."""
    early_stopping: bool = False
    """End a search as soon as it has num_beams answers; otherwise when no beam scores better than the worst of them."""
    length_penalty: float = 1.0
    """An answer's score is its log-probability over its length to this power: above 0 favours long ones."""
    seed: int = 0

    @classmethod
    def of(cls, chosen: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Settings:
        """Checked settings: what was chosen before the defaults, of which a temperature gives way to beams."""
        found = {**(defaults or {}), **chosen}
        if chosen.get("num_beams", 1) != 1 and "temperature" not in chosen:
            found["temperature"] = 0.0
        return cls(**found).check()

    @property
    def greedy(self) -> bool:
        """Whether the likeliest id is taken instead of a draw."""
        return self.temperature < GREEDY_BELOW

    def with_seed(self, seed: int) -> Settings:
        """The same with another seed."""
        return msgspec.structs.replace(self, seed=seed)

    def check(self) -> Settings:
        """Raise UsageError for a value of another type or outside its range; returns itself."""
        try:
            msgspec.convert(msgspec.structs.asdict(self), Settings)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"A setting is of the wrong type: {error}.",
                value=str(error),
                limit=list(self.__struct_fields__),
                remedy="Numbers are numbers, stop and bad_words are strings.",
            ) from None
        _within("max-tokens", self.max_tokens, 0, 10_000_000)
        _within("min-tokens", self.min_tokens, 0, self.max_tokens)
        _within("temperature", self.temperature, 0, 100)
        _within("top-k", self.top_k, 0, 10_000_000)
        _within("top-p", self.top_p, 0, 1)
        _within("min-p", self.min_p, 0, 1)
        _within("repetition-penalty", self.repetition_penalty, 0.01, 100)
        _within("presence-penalty", self.presence_penalty, -100, 100)
        _within("frequency-penalty", self.frequency_penalty, -100, 100)
        _within("no-repeat-ngram-size", self.no_repeat_ngram_size, 0, 10_000_000)
        _within("num-beams", self.num_beams, 1, MOST_BEAMS)
        _within("length-penalty", self.length_penalty, -10, 10)
        _within("seed", self.seed, 0, 2**63 - 1)
        if self.num_beams > 1 and not self.greedy:
            raise _outside("temperature", self.temperature, f"0 with --num-beams {self.num_beams}")
        if len(self.stop) > MOST_STOPS:
            raise _outside("stop", len(self.stop), f"at most {MOST_STOPS} strings")
        if any(not text for text in (*self.stop, *self.bad_words)):
            raise _outside("stop", "''", "strings that are not empty")
        return self


@dataclass
class Request:
    """One prompt on its way through the engine.

    prompt: ids, at least one. ids: what was generated, without the token that ended it.
    """

    prompt: list[int]
    settings: Settings
    ends: frozenset[int] = frozenset()
    """Ids that end the answer."""
    source: list[int] = field(default_factory=list)
    """Of an encoder-decoder: the ids it reads; the prompt is what its answer begins with."""
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    text: str = ""
    finish_reason: FinishReason | None = None
    submitted: float = field(default_factory=time.monotonic)
    first_token_seconds: float | None = None
    cancelled: bool = False
    beams: list[Request] = field(default_factory=list)
    """Of a beam search that is over: its answers, best first; the request's ids, text and reason are the first's."""
    whole: Request | None = field(default=None, repr=False, compare=False)
    """Of a beam: the request that it belongs to."""
    score: float = 0.0
    """Of a beam: the sum of its log-probabilities, penalties in; of a finished one over its length penalty."""

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.finish_reason is not None or self.cancelled or (self.whole is not None and self.whole.done)

    @property
    def prompt_tokens(self) -> int:
        """Ids that were given to be read."""
        return len(self.source or self.prompt)

    @property
    def length(self) -> int:
        """Positions used: prompt and answer."""
        return len(self.prompt) + len(self.ids)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not (math.isfinite(value) and least <= value <= most):
        raise _outside(name, value, f"between {least} and {most}")


def _outside(name: str, value: Any, limit: str) -> UsageError:
    return UsageError(
        f"--{name} is {value}; it must be {limit}.", value=value, limit=limit, remedy=f"Give --{name} {limit}."
    )
