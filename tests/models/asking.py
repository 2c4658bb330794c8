"""How each kind of network is asked, ours and the independent one alike, and what is measured between them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from athanor.models.opening import load_network

VOCABULARY, END = 97, 96
ROWS, LENGTH, STEPS = 2, 40, 10
Answers = dict[str, Tensor]


def ids(length: int, seed: int = 0, least: int = 3) -> Tensor:
    """Rows of ids that are no control ids, (B, T)."""
    return torch.randint(least, END, (ROWS, length), generator=torch.Generator().manual_seed(seed))


def padded(length: int, padding: int = 0) -> Tensor:
    """The same, the second row a third shorter and padded behind."""
    found = ids(length, seed=1)
    found[1, -length // 3 :] = padding
    return found


@dataclass(frozen=True)
class Continuing:
    """A decoder: ids → logits."""

    prompt: Tensor = field(default_factory=lambda: ids(5, seed=2))
    source: Tensor | None = None

    def theirs(self, model: Any) -> Answers:
        return {"logits": model(ids(LENGTH)).logits}

    def ours(self, network: Any) -> Answers:
        return {"logits": network(ids(LENGTH))}

    def their_next(self, model: Any, answer: Tensor) -> Tensor:
        return model(answer).logits[:, -1]

    def our_next(self, network: Any, answer: Tensor) -> Tensor:
        return network(answer)[:, -1]


@dataclass(frozen=True)
class Translating:
    """An encoder-decoder: source and what the answer begins with → logits."""

    start: int = 0
    prompt: Tensor = field(init=False)
    source: Tensor = field(default_factory=lambda: padded(23))

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt", torch.full((ROWS, 1), self.start))

    def theirs(self, model: Any) -> Answers:
        return {"logits": self._asked(model, ids(17))}

    def ours(self, network: Any) -> Answers:
        return {"logits": network(self.source, ids(17))}

    def their_next(self, model: Any, answer: Tensor) -> Tensor:
        return self._asked(model, answer)[:, -1]

    def our_next(self, network: Any, answer: Tensor) -> Tensor:
        return network(self.source, answer)[:, -1]

    def _asked(self, model: Any, target: Tensor) -> Tensor:
        if not hasattr(model, "config"):  # torch's own modules
            return model(self.source, target)
        seen = (self.source != 0).long()
        return model(input_ids=self.source, attention_mask=seen, decoder_input_ids=target).logits


@dataclass(frozen=True)
class Reading:
    """An encoder: ids, padded, in two segments → hidden states, and what its heads make of them."""

    padding: int = 0
    types: bool = True
    head: str | None = None
    follows: bool = False
    pooled: bool = False
    prompt: None = None

    def _text(self) -> tuple[Tensor, Tensor, Tensor]:
        text = padded(LENGTH, self.padding)
        return text, text != self.padding, (torch.arange(LENGTH) > 15).long().expand(ROWS, -1) * self.types

    def theirs(self, model: Any) -> Answers:
        text, seen, types = self._text()
        more = {"input_ids": text, "attention_mask": seen.long(), "token_type_ids": types}
        trunk = model.base_model(**more)
        found = {"hidden": trunk.last_hidden_state[seen]}
        if self.pooled:
            found["pooled"] = trunk.pooler_output
        made: Any = model(**more) if self.head or self.follows else None
        if self.head == "answers":
            found["head"] = torch.stack((made.start_logits, made.end_logits), -1)[seen]
        elif self.head == "classes":
            found["head"] = made.logits
        elif self.head:
            found["head"] = (made.prediction_logits if self.follows else made.logits)[seen]
        if self.follows:
            found["follows"] = made.seq_relationship_logits
        return found

    def ours(self, network: Any) -> Answers:
        text, seen, types = self._text()
        hidden = network(text, types)
        found = {"hidden": hidden[seen]}
        if self.pooled:
            found["pooled"] = network.pooled(hidden)
        if self.head:
            found["head"] = network.head(hidden) if self.head == "classes" else network.head(hidden)[seen]
        if self.follows:
            found["follows"] = network.follows(network.pooled(hidden))
        return found


def pixels() -> Tensor:
    """Two pictures, (B, C, H, W)."""
    return torch.randn(ROWS, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@dataclass(frozen=True)
class Seeing:
    """A network for pictures: pixels → classes, or hidden states."""

    classes: bool = True
    prompt: None = None

    def theirs(self, model: Any) -> Answers:
        made = model(pixels())
        return {"logits": made.logits} if self.classes else {"hidden": made[0], "pooled": made.pooler_output}

    def ours(self, network: Any) -> Answers:
        made = network(pixels())
        return {"logits": made} if self.classes else {"hidden": made, "pooled": network.pooled(made)}


@dataclass(frozen=True)
class Meeting:
    """Two towers: a text and a picture → vectors of length 1. Texts end at different places and are padded behind."""

    padding: int = 0
    end: int = END
    """The largest id unless another is given."""
    prompt: None = None

    def _text(self) -> Tensor:
        text = padded(20, self.padding)
        text[0, -1] = text[1, -8] = self.end
        return text

    def theirs(self, model: Any) -> Answers:
        text = self._text()
        made = model(input_ids=text, attention_mask=(text != self.padding).long(), pixel_values=pixels())
        return {"text": made.text_embeds, "image": made.image_embeds}

    def ours(self, network: Any) -> Answers:
        return {"text": network.text(self._text()), "image": network.image(pixels())}


Asking = Continuing | Translating | Reading | Seeing | Meeting


@dataclass(frozen=True)
class Variant:
    """One member of a family."""

    family: str
    """As people call it."""
    build: Callable[[], nn.Module]
    """The independent network, its weights not chosen."""
    asking: Asking
    save: Callable[[Any, Path], None] = lambda model, folder: model.save_pretrained(folder)
    edit: Callable[[Path], None] = lambda folder: None
    """What is changed in the folder afterwards, such as names that older programs wrote."""

    def make(self, folder: Path, seed: int = 0) -> nn.Module:
        """Write the checkpoint; the independent network with its weights."""
        model = shaken(self.build(), seed)
        folder.mkdir(parents=True, exist_ok=True)
        self.save(model, folder)
        self.edit(folder)
        return model


def shaken(model: nn.Module, seed: int) -> nn.Module:
    """Every weight, bias and norm away from its neat first value, and large enough that answers differ."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.ndim > 1:
                weight.copy_(noise / weight.shape[-1] ** 0.5)
            elif weight.ndim == 1:
                weight.copy_(1 + 0.2 * noise if name.endswith("weight") else 0.2 * noise)
    return model.eval().requires_grad_(False)


@torch.no_grad()
def difference(variant: Variant, model: nn.Module, folder: Path) -> float:
    """The largest difference between what both answer, at float32."""
    theirs, ours = variant.asking.theirs(model), variant.asking.ours(load_network(folder))
    assert {name: its.shape for name, its in theirs.items()} == {name: its.shape for name, its in ours.items()}
    return max(float((theirs[name] - ours[name]).abs().max()) for name in theirs)


@torch.no_grad()
def greedy(following: Callable[[Tensor], Tensor], prompt: Tensor, steps: int = STEPS) -> Tensor:
    """The prompt (B, T) and the likeliest ids behind it. following: the logits behind some ids, (B, V)."""
    for _ in range(steps):
        prompt = torch.cat((prompt, following(prompt).argmax(-1, keepdim=True)), dim=1)
    return prompt


def same_greedy(variant: Variant, model: nn.Module, folder: Path) -> bool | None:
    """Whether both choose the same ids; None for networks that make no text."""
    asking = variant.asking
    if not isinstance(asking, (Continuing, Translating)):
        return None
    network = load_network(folder)
    theirs = greedy(lambda answer: asking.their_next(model, answer), asking.prompt)
    return torch.equal(theirs, greedy(lambda answer: asking.our_next(network, answer), asking.prompt))


def edit_config(folder: Path, **changed: Any) -> None:
    """Change words of config.json; `...` takes one out."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changed}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not ...}))


def edit_tensors(folder: Path, edit: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Write the folder's tensors as `edit` gives them back."""
    path = folder / "model.safetensors"
    save_file({name: its.clone() for name, its in edit(load_file(path)).items()}, path)
