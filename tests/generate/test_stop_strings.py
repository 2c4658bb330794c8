"""Stops: wherever the text is cut into pieces, nothing of a stop and nothing after it comes out, and all before does.

Run: pytest tests/generate/test_stop_strings.py
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from athanor.generate.stops import StopFinder

# Few letters, so that stops occur, overlap and nearly occur.
LETTERS = st.text("ab。\n", max_size=24)
STOPS = st.lists(st.text("ab。\n", min_size=1, max_size=5), max_size=4)


def fed(stops, text, cuts) -> tuple[str, bool, list[str]]:
    finder = StopFinder(stops)
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    parts = [finder.feed(text[a:b]) for a, b in pairwise(places)]
    parts.append(finder.finish())
    return "".join(parts), finder.stopped, parts


def wanted(stops, text) -> str:
    """By definition: the place where the first complete stop begins, reading letter by letter."""
    for end in range(len(text) + 1):
        begins = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if begins:
            return text[: min(begins)]
    return text


@settings(max_examples=1000)
@given(STOPS, LETTERS)
@example(["ab", "abb", "。\n"], "aab。\n")
def test_letter_by_letter(stops, text):
    found, stopped, parts = fed(stops, text, range(len(text)))
    assert found == wanted(stops, text)
    assert stopped == (found != text or any(stop in text for stop in stops))
    assert not any(stop in "".join(parts) for stop in stops)


@settings(max_examples=1000)
@given(STOPS, LETTERS, st.lists(st.integers(0, 30), max_size=6))
def test_any_cut(stops, text, cuts):
    """No stop and nothing behind the place where the earliest stop begins; all of the text before it."""
    found, stopped, _ = fed(stops, text, cuts)
    assert text.startswith(found)
    assert not any(stop in found for stop in stops)
    places = [text.find(stop) for stop in stops if stop in text]
    if places:
        assert stopped and len(found) >= min(places)
        assert any(text.startswith(stop, len(found)) for stop in stops)
    else:
        assert found == text and not stopped


@settings(max_examples=500)
@given(STOPS, LETTERS, st.lists(st.integers(0, 30), max_size=6))
def test_what_cannot_belong_to_a_stop_is_given_at_once(stops, text, cuts):
    """At most the longest stop less one letter is held."""
    finder = StopFinder(stops)
    shown = read = 0
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    for a, b in pairwise(places):
        shown += len(finder.feed(text[a:b]))
        read = b
        if not finder.stopped:
            assert read - shown <= max([len(stop) for stop in stops], default=1) - 1


@pytest.mark.parametrize("text", ["xab", "xabc", "xabcd"])
def test_overlapping_stops(text):
    """ "ab" is complete before "abc": the earliest wins, at every cut."""
    for cut in range(len(text) + 1):
        found, stopped, _ = fed(["abc", "ab"], text, [cut])
        assert (found, stopped) == ("x", True)


def test_after_a_stop_nothing_comes():
    finder = StopFinder(["。"])
    assert finder.feed("好。不") == "好"
    assert finder.feed("more") == "" and finder.finish() == "" and finder.stopped
