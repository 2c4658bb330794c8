"""The spec of an encoder: a trunk that sees both ways, between embeddings and heads."""

from __future__ import annotations

from typing import Literal

from athanor.specs.trunk import TrunkSpec, trunk_parameters, within

Head = Literal["masked", "classes", "tokens", "answers"]
MOST = {"vocabulary": 1 << 24, "context": 1 << 22, "types": 1 << 10, "tasks": 1 << 10, "labels": 1 << 20}


class EncoderSpec(TrunkSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """BERT and what is shaped like it: the sum of token, position and type embeddings is normed and goes in."""

    family: str
    """The family page that reads and writes its config: a module of `specs`."""
    vocabulary: int
    """V: rows of the embedding."""
    context: int
    """Longest sequence, in tokens."""
    first_position: int = 0
    """The row of the position embedding that a text begins with (RoBERTa leaves out those up to its padding's)."""
    types: int = 2
    """Kinds of segments that tokens are told apart by; 0: none."""
    tasks: int = 0
    """ERNIE's kinds of tasks; 0: none."""
    padding: int | None = 0
    """The id that is no text and is not seen."""
    pooler: bool = False
    """A layer over the first position, which some heads read."""
    head: Head | None = None
    next_sentence: bool = False
    """Beside the masked head: whether the second sentence follows the first."""
    labels: int = 2
    """What `classes` and `tokens` tell apart."""

    def check(self) -> EncoderSpec:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        for name, most in MOST.items():
            least = 0 if name in ("types", "tasks") else 1
            if getattr(self, name) != least:
                within(name, getattr(self, name), most)
        return super().check()


def parameters(spec: EncoderSpec) -> dict[str, int]:
    """Parameters by part: embedding, attention, mlp, norm, head, other; their sum is the model's."""
    rows = spec.vocabulary + spec.context + spec.first_position + spec.types + spec.tasks
    found = trunk_parameters(spec)
    found["norm"] += 2 * spec.width
    return {"embedding": rows * spec.width, **found, "head": _head(spec), "other": _square(spec) * spec.pooler}


def _square(spec: EncoderSpec) -> int:
    return spec.width * (spec.width + 1)


def _head(spec: EncoderSpec) -> int:
    if spec.head is None:
        return 0
    if spec.head == "masked":
        transform = _square(spec) + 2 * spec.width + spec.vocabulary
        return transform + 2 * (spec.width + 1) * spec.next_sentence
    return (2 if spec.head == "answers" else spec.labels) * (spec.width + 1)
