"""Duplicates: exact, near by the exact Jaccard, the first kept. `pytest tests/data/test_dedup.py`."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.data.dedup import (
    MISSED,
    PERMUTATIONS,
    Duplicates,
    exact_key,
    jaccard,
    rows_of_a_band,
    shingles,
    signature,
)

WORDS = [f"word{n}" for n in range(3000)]


def prose(seed: int, length: int = 300) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(WORDS) for _ in range(length)]


def kept(texts: list[str], threshold: float) -> list[int]:
    """Numbers of the texts that stay."""
    held: dict[int, str] = {}
    duplicates = Duplicates(threshold, held.__getitem__)
    for number, text in enumerate(texts):
        sketch = signature(shingles(text))
        if duplicates.is_exact(exact_key(text)) or (sketch and duplicates.is_near(sketch, text)):
            continue
        held[number] = text
        if sketch:
            duplicates.keep(number, sketch)
    return list(held)


def test_white_space_makes_no_difference() -> None:
    assert exact_key("a b\n\nc ") == exact_key(" a  b c") != exact_key("ab c")
    assert kept(["The sea.\n", "The  sea.", "The sea!"], 0.8) == [0, 2]


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9])
def test_the_exact_similarity_decides(threshold: float) -> None:
    base = prose(1)
    texts = [" ".join(base)]
    for changed in range(0, 60, 3):
        words = list(base)
        for place in random.Random(changed).sample(range(len(words)), changed):
            words[place] = "other"
        texts.append(" ".join(words))
    expected = [0]
    for number in range(1, len(texts)):
        own = shingles(texts[number])
        if all(jaccard(own, shingles(texts[other])) < threshold for other in expected):
            expected.append(number)
    assert kept(texts, threshold) == expected and 1 < len(expected) < len(texts)


def test_chinese_near_copies() -> None:
    rng = random.Random(2)
    page = "".join(rng.choice("老渔夫每天清晨记下潮水的高低他说大海从来不会骗人码头边茶馆卖奶") for _ in range(400))
    assert kept([page, page[:200] + "，完全" + page[200:], page[::-1]], 0.8) == [0, 2]


def test_short_texts_are_compared_exactly_only() -> None:
    assert shingles("The ferry leaves at nine.") == set() and signature(set()) is None
    assert kept(["Boat number 1 is painted blue.", "Boat number 2 is painted blue."], 0.5) == [0, 1]


def test_many_pages_of_one_form_cost_little() -> None:
    """Boilerplate shared by all pages makes candidates, not copies."""
    frame = " ".join(prose(3, 120))
    texts = [f"{frame} {' '.join(prose(100 + n, 120))}" for n in range(200)]
    assert len(kept(texts, 0.8)) == 200


def test_copies_among_pages_of_one_form_are_found_in_bounded_time() -> None:
    """1200 pages that share three quarters: each is a candidate of all others. Every page that comes again is found."""
    frame = prose(3, 300)
    texts = [" ".join([*frame[:120], *prose(100 + n, 60), *frame[180:]]) for n in range(1200)]
    again = [text.replace(" ", " changed ", 1) for text in texts[::20]]
    began = time.process_time()
    assert kept(texts + again, 0.8) == list(range(1200))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99])
def test_banding_misses_next_to_nothing_at_the_threshold(threshold: float) -> None:
    rows = rows_of_a_band(threshold)
    assert rows == 1 or (1 - threshold**rows) ** (PERMUTATIONS // rows) < MISSED


@settings(max_examples=50, deadline=None)
@given(st.sets(st.text(max_size=3)), st.sets(st.text(max_size=3)))
def test_jaccard_is_symmetric_and_within_bounds(one: set[str], other: set[str]) -> None:
    value = jaccard(one, other)
    assert 0 <= value <= 1 and value == jaccard(other, one)
    assert not one or jaccard(one, one) == 1
