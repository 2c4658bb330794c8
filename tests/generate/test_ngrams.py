"""N-gram bans: by hand, by definition, and in draws. Run: pytest tests/generate/test_ngrams.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.generate.engine import Engine
from athanor.generate.request import Request, Settings
from athanor.generate.sampling import repeating
from athanor.generate.step_torch import TorchStep


@pytest.mark.parametrize(
    ("ids", "size", "wanted"),
    [
        ([1, 2, 3, 1, 2], 3, {3}),
        ([1, 2, 3, 1, 2, 4, 1, 2], 3, {3, 4}),
        ([1, 2, 3, 1, 2], 2, {3}),
        ([1, 2, 3, 1, 2], 1, {1, 2, 3}),
        ([7, 7], 2, {7}),
        ([7, 8], 2, set()),
        ([7], 2, set()),
        ([7, 8], 3, set()),
        ([1, 1, 1], 0, set()),
    ],
)
def test_by_hand(ids, size, wanted):
    assert repeating(ids, size) == wanted


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 5))
def test_by_definition(ids, size):
    """An id is banned when with it the last n-gram occurs a second time."""

    def occurs_twice(number: int) -> bool:
        longer = [*ids, number]
        grams = [tuple(longer[at : at + size]) for at in range(len(longer) - size + 1)]
        return len(longer) >= size and grams.count(grams[-1]) > 1

    assert repeating(ids, size) == {number for number in range(4) if occurs_twice(number)}


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("temperature", [0, 0.3])
def test_no_answer_repeats(model, size, temperature):
    """With what the prompt says counted; without the ban the greedy one does."""
    prompt = [5, 6, 7, 5, 6]

    def repeats(chosen: int) -> int:
        asked = Settings(temperature=temperature, max_tokens=60, no_repeat_ngram_size=chosen)
        request = Request(list(prompt), asked)
        Engine(TorchStep(model.network), model.tokenizer).complete([request])
        ids = prompt[-size + 1 :] * (size > 1) + request.ids
        said = [tuple(ids[at : at + size]) for at in range(len(ids) - size + 1)]
        asked_for = {tuple(prompt[at : at + size]) for at in range(len(prompt) - size + 1)}
        return len(said) - len(set(said) - asked_for)

    assert repeats(size) == 0
    assert temperature or repeats(0) > 0
