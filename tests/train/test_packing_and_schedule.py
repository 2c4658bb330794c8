"""Packing: each piece once an epoch, no row too long, order by seed and epoch alone. Schedules by their formula.

Run: pytest tests/train/test_packing_and_schedule.py
"""

from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.train.packing import OPEN_ROWS, Sampler, batches, cut, in_order, long_chats, pack
from athanor.train.schedule import Schedule, for_steps, warm_up


@dataclass
class Corpus:
    """Documents of the given lengths; the ids count up through all of them."""

    sizes: list[int]

    def __post_init__(self):
        self.starts = np.cumsum([0, *self.sizes])
        self.ids = np.arange(self.starts[-1])
        self.learned = (self.ids % 3 > 0).astype(np.uint8)
        self.is_chat = np.zeros(len(self.sizes), dtype=np.bool_)

    def __len__(self):
        return len(self.sizes)

    def lengths(self):
        return np.diff(self.starts)


CORPORA = st.builds(Corpus, st.lists(st.integers(0, 70), min_size=1, max_size=40))


@given(CORPORA, st.integers(1, 33))
def test_pieces_cover_every_prediction_once(corpus, row_length):
    pieces = cut(corpus, row_length)
    covered = Counter()
    for document, start, length in zip(pieces.document, pieces.start, pieces.length, strict=True):
        assert 1 <= length <= row_length
        assert corpus.starts[document] <= start and start + length < corpus.starts[document + 1]
        covered.update(range(start + 1, start + length + 1))
    wanted = {at for n in range(len(corpus)) for at in range(corpus.starts[n] + 1, corpus.starts[n + 1])}
    assert covered == Counter(dict.fromkeys(wanted, 1))


@given(CORPORA, st.integers(1, 33), st.data())
def test_repeats(corpus, row_length, data):
    repeat = data.draw(st.lists(st.integers(0, 3), min_size=len(corpus), max_size=len(corpus)))
    once = list(zip(*vars(cut(corpus, row_length)).values(), strict=True))
    wanted = Counter({piece: repeat[piece[0]] for piece in once if repeat[piece[0]]})
    assert Counter(zip(*vars(cut(corpus, row_length, repeat)).values(), strict=True)) == wanted


@given(CORPORA, st.integers(1, 33), st.integers(0, 9))
def test_each_piece_once_an_epoch_and_no_row_too_long(corpus, row_length, seed):
    pieces = cut(corpus, row_length)
    if not len(pieces.length):
        return
    sampler = Sampler(pieces, row_length, seed)
    for epoch in range(3):
        rows = sampler.take(sampler.rows_an_epoch)
        assert sampler.epoch == epoch
        assert sorted(piece for row in rows for piece in row) == list(range(len(pieces.length)))
        assert all(pieces.length[row].sum() <= row_length for row in rows)
        assert all(rows)
        sampler.take(1)  # enter the next epoch
        sampler = Sampler(pieces, row_length, seed, epoch + 1)


@settings(max_examples=30)
@given(st.integers(0, 2**60), st.integers(0, 5))
def test_order_is_a_function_of_seed_and_epoch(seed, epoch):
    pieces = cut(Corpus([13, 40, 2, 30, 9, 21, 17, 33] * 4), 32)
    one = Sampler(pieces, 32, seed, epoch)
    walked = Sampler(pieces, 32, seed)
    while walked.epoch < epoch:
        walked.take(1)
    walked = Sampler(pieces, 32, seed, epoch) if walked.row else walked
    assert one.take(8) == walked.take(8)
    assert Sampler(pieces, 32, seed, epoch).take(8) != Sampler(pieces, 32, seed + 1, epoch).take(8)
    assert Sampler(pieces, 32, seed, epoch).take(8) != Sampler(pieces, 32, seed, epoch + 1).take(8)


def test_rows_are_nearly_full():
    """2000 documents of natural lengths: under 1 % of the positions stay empty."""
    lengths = np.random.default_rng(0).lognormal(4, 1, 2000).astype(np.int64).clip(1, 512)
    rows = pack(lengths, 512, np.arange(2000))
    assert lengths.sum() / (len(rows) * 512) > 0.99
    assert len(rows) > OPEN_ROWS


@settings(max_examples=40)
@given(CORPORA, st.integers(2, 20), st.integers(1, 5))
def test_batches_hold_what_the_documents_say(corpus, row_length, micro):
    """ids, next ids, weights, document numbers, positions from 0; the weight of the whole step in every micro-batch."""
    pieces = cut(corpus, row_length)
    rows = in_order(pieces, row_length)
    found = list(batches(corpus, pieces, rows, row_length, micro))
    assert len(found) == -(-len(rows) // micro)
    at = total = 0
    for batch in found:
        for line in range(len(batch.ids)):
            place = 0
            for order, piece in enumerate(rows[at], 1):
                start, length = int(pieces.start[piece]), int(pieces.length[piece])
                span = slice(place, place + length)
                assert batch.ids[line, span].tolist() == list(range(start, start + length))
                assert batch.targets[line, span].tolist() == list(range(start + 1, start + length + 1))
                assert batch.weights[line, span].tolist() == corpus.learned[start + 1 : start + length + 1].tolist()
                assert set(batch.documents[line, span].tolist()) == {order}
                assert batch.positions[line, span].tolist() == list(range(length))
                place += length
            assert not batch.weights[line, place:].any() and not batch.documents[line, place:].any()
            at += 1
        total += float(batch.weights.sum())
    assert all(batch.weight == max(1.0, total) for batch in found)


def test_schedule_by_hand():
    """Peak 1, 4 steps up, fall from step 10 over 4: 1/4 … 1, 1 …, then 4/5, 3/5, 2/5, 1/5, 0."""
    schedule = Schedule(1.0, 4, ((10, 4),))
    rates = [schedule.rate(step) for step in range(16)]
    assert rates == pytest.approx([0.25, 0.5, 0.75] + [1.0] * 7 + [0.8, 0.6, 0.4, 0.2, 0.0, 0.0])


@given(st.integers(1, 10_000), st.floats(1e-6, 1.0))
def test_schedule_of_a_known_length(steps, peak):
    schedule = for_steps(peak, steps)
    rates = [schedule.rate(step) for step in range(steps)]
    assert all(0 < rate <= peak for rate in rates)
    rise, fall = schedule.warm_up, schedule.falls[0][0]
    assert fall == steps - max(1, round(0.4 * steps)) and schedule.end == steps
    assert rates[: min(rise, fall)] == pytest.approx([peak * (n + 1) / rise for n in range(min(rise, fall))])
    assert all(rate == peak for rate in rates[rise:fall])
    last = rates[max(rise, fall) :]
    assert last == sorted(last, reverse=True) and schedule.rate(steps) == 0
    assert 1 <= warm_up(steps) <= 200


@given(st.integers(0, 50), st.integers(1, 50))
def test_a_fall_fixed_later_is_the_same_schedule(start, length):
    opened, fixed = Schedule(0.5, 5), Schedule(0.5, 5, ((start, length),))
    assert opened.falling(start, length) == fixed
    assert all(opened.rate(step) == fixed.rate(step) for step in range(start))
    assert Schedule(0.5, 0).rate(0) == 0.5


def test_a_fall_planned_anew_goes_on_from_where_it_is():
    """Half-way down, with twice the steps left: no jump, half the slope, zero at the new end."""
    once = Schedule(1.0, 0, ((10, 9),))
    anew = once.falling(15, 9)
    assert [anew.rate(step) for step in range(15)] == [once.rate(step) for step in range(15)]
    assert once.rate(14) == pytest.approx(0.5)
    assert [anew.rate(step) for step in (15, 16, 23, 24)] == pytest.approx([0.45, 0.4, 0.05, 0.0])
    assert anew.end == 24


def test_a_chat_is_never_cut_apart():
    """Long chats give their first positions when an answer lies in them, and nothing otherwise; texts are cut."""
    corpus = Corpus([40, 40, 40])
    corpus.is_chat = np.array([True, True, False])
    corpus.learned[:80] = 0
    corpus.learned[10:13] = corpus.learned[35:38] = 1  # the first chat answers early and again late
    corpus.learned[40 + 30 : 40 + 35] = 1  # the second only beyond a row of 16
    assert long_chats(corpus, 16) == ([0], [1])  # type: ignore[arg-type]
    pieces = cut(corpus, 16)  # type: ignore[arg-type]
    found = [tuple(map(int, piece)) for piece in zip(*vars(pieces).values(), strict=True)]
    assert found == [(0, 0, 16), (2, 80, 16), (2, 96, 16), (2, 112, 7)]
    assert long_chats(corpus, 64) == ([], [])  # type: ignore[arg-type]


def test_micro_batches_are_made_one_at_a_time():
    """A step of very many rows never lies in memory whole: 5,000 rows would be 11 MB."""
    corpus = Corpus([65])
    pieces = cut(corpus, 64)  # type: ignore[arg-type]
    tracemalloc.start()
    made = batches(corpus, pieces, [[0]] * 5000, 64, 2)  # type: ignore[arg-type]
    assert next(made).weight == 5000 * corpus.learned[1:].sum()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
