"""Sampling obeys its law: transformers' processors give the same probabilities, draws follow them (χ² p > 0.001).

Run: pytest tests/generate/test_sampling_law.py   (ATHANOR_DRAWS=100000 for the full count)
"""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from athanor.core.errors import UsageError
from athanor.generate.request import Request, Settings
from athanor.generate.sampling import choose, distribution, log_softmax, penalise

transformers = pytest.importorskip("transformers")
from transformers.generation import logits_process as theirs  # noqa: E402

DRAWS = int(os.environ.get("ATHANOR_DRAWS", "8000"))
LAWS = {
    "plain": Settings(),
    "cool": Settings(temperature=0.6),
    "hot": Settings(temperature=2.5),
    "top-k": Settings(top_k=4),
    "top-p": Settings(top_p=0.7),
    "min-p": Settings(min_p=0.15),
    "repetition": Settings(repetition_penalty=1.7),
    "repetition below 1": Settings(repetition_penalty=0.5),
    "all cuts": Settings(temperature=1.3, top_k=8, top_p=0.9, min_p=0.05, repetition_penalty=1.2),
    "more than there are": Settings(top_k=10_000, top_p=1.0),
}


def logits(seed: int = 0, count: int = 12) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=count) * 2).astype(np.float32)


def reference(scores: np.ndarray, law: Settings, seen: list[int]) -> np.ndarray:
    """Probabilities by transformers' processors, in their order."""
    steps = []
    if law.repetition_penalty != 1:
        steps.append(theirs.RepetitionPenaltyLogitsProcessor(law.repetition_penalty))
    if law.temperature != 1:
        steps.append(theirs.TemperatureLogitsWarper(law.temperature))
    if law.top_k:
        steps.append(theirs.TopKLogitsWarper(law.top_k))
    if law.top_p < 1:
        steps.append(theirs.TopPLogitsWarper(law.top_p))
    if law.min_p:
        steps.append(theirs.MinPLogitsWarper(law.min_p))
    found = torch.from_numpy(scores.copy())[None]
    for step in steps:
        found = step(torch.tensor([seen]), found)
    return found[0].double().softmax(-1).numpy()


def ours(scores: np.ndarray, law: Settings, request: Request) -> np.ndarray:
    return distribution(penalise(scores.astype(np.float64), request), law)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
def test_probabilities_are_transformers(law):
    for seed in range(50):
        scores = logits(seed)
        request = Request([1, 2], law, ids=[2, 5, 5])
        np.testing.assert_allclose(ours(scores, law, request), reference(scores, law, [1, 2, 2, 5, 5]), atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**6), temperature=st.floats(0.05, 20), top_k=st.integers(0, 14),
    top_p=st.floats(0.01, 0.99), min_p=st.floats(0, 0.9),
)  # fmt: skip
def test_any_settings_are_transformers(seed, temperature, top_k, top_p, min_p):
    law = Settings(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    scores = logits(seed)
    mine, other = distribution(scores, law), reference(scores, law, [0])
    if ((mine > 0) != (other > 0)).any():
        # float32 sums may fall on the other side of a cut: then it is a near tie, or our arithmetic is wrong.
        differ = np.flatnonzero((mine > 0) != (other > 0))
        assert len(differ) == 1 and abs(mine - other).max() < 0.5
        return
    np.testing.assert_allclose(mine, other, atol=1e-5)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
def test_draws_follow_their_law(law):
    scores, request = logits(1), Request([1, 2], law, ids=[2, 5, 5])
    wanted = reference(scores, law, [1, 2, 2, 5, 5])
    generator = np.random.Generator(np.random.PCG64(11))
    drawn = [choose(scores, request, generator)[0] for _ in range(DRAWS)]
    counts = np.bincount(drawn, minlength=len(scores))
    assert not counts[wanted == 0].any()
    kept = wanted > 0
    assert kept.sum() > 1
    assert chisquare(counts[kept], wanted[kept] / wanted.sum() * DRAWS).pvalue > 0.001


def test_presence_and_frequency_by_hand():
    """OpenAI's formula: logit − presence · [count > 0] − frequency · count, over what was generated, not the prompt."""
    law = Settings(presence_penalty=0.5, frequency_penalty=0.25)
    scores = logits()
    found = penalise(scores.astype(np.float64), Request([3, 3], law, ids=[2, 5, 5]))
    wanted = scores.astype(np.float64)
    wanted[2] -= 0.75
    wanted[5] -= 1.0
    np.testing.assert_allclose(found, wanted)


@given(st.integers(0, 10**6), st.integers(0, 14), st.floats(0, 1), st.floats(0, 1))
def test_zero_temperature_is_argmax(seed, top_k, top_p, min_p):
    scores = logits(seed)
    law = Settings(temperature=0, top_k=top_k, top_p=top_p, min_p=min_p)
    generator = np.random.default_rng(0)
    number, logprob = choose(scores, Request([0], law), generator)
    assert number == scores.argmax()
    assert logprob == pytest.approx(float(torch.from_numpy(scores).double().log_softmax(-1)[number]), abs=1e-9)


def test_cuts_leave_at_least_the_likeliest():
    for law in (Settings(top_p=0.0), Settings(top_p=1e-9), Settings(min_p=1.0), Settings(top_k=1)):
        found = distribution(logits(4), law)
        assert found.argmax() == logits(4).argmax() and found.max() == pytest.approx(1.0)


def test_top_p_stops_where_p_is_reached():
    """½, ¼, ¼: half is reached by the first alone, three quarters by two."""
    scores = np.log(np.array([0.25, 0.5, 0.25]))
    assert (distribution(scores, Settings(top_p=0.5)) > 0).tolist() == [False, True, False]
    assert (distribution(scores, Settings(top_p=0.6)) > 0).sum() == 2


def test_banned_ids_never_come():
    scores = logits(2)
    best = int(scores.argmax())
    generator = np.random.default_rng(0)
    for law in (Settings(temperature=0), Settings(), Settings(top_k=1)):
        for _ in range(200):
            number, logprob = choose(scores, Request([0], law), generator, {best})
            assert number != best
            assert logprob == pytest.approx(float(log_softmax(scores)[number]))


def test_logits_are_left_as_they_are():
    scores = logits(3)
    before = scores.copy()
    law = Settings(temperature=0.5, top_k=3, repetition_penalty=2.0, presence_penalty=1.0)
    choose(scores, Request([1], law, ids=[2]), np.random.default_rng(0), {0})
    assert np.array_equal(before, scores)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("max_tokens", (-1, 10**9, math.nan, "5", None, True)), ("min_tokens", (-1, 129, [])),
        ("temperature", (-0.1, math.nan, math.inf, "hot")),
        ("top_k", (-1, 10**12)), ("top_p", (-0.1, 1.1, math.nan)), ("min_p", (-1, 2, math.nan)),
        ("repetition_penalty", (0, -1, math.inf)), ("presence_penalty", (math.nan, 1e9)), ("seed", (-1, 2**63)),
        ("stop", (("",), ("x",) * 17)), ("bad_words", (("",), 3, (b"x",))),
    ],
)  # fmt: skip
def test_numbers_are_bounded(name, values):
    for value in values:
        with pytest.raises(UsageError) as caught:
            Settings(**{name: value}).check()
        assert caught.value.remedy


def test_fewer_tokens_than_the_least_are_refused():
    with pytest.raises(UsageError, match=r"min-tokens is 10.*3"):
        Settings(min_tokens=10, max_tokens=3).check()
    Settings(min_tokens=3, max_tokens=3).check()


@pytest.mark.parametrize("temperature", [1e-310, 1e-30, 1e-7])
def test_next_to_no_temperature_is_greedy(temperature):
    scores = logits(6)
    law = Settings(temperature=temperature).check()
    assert choose(scores, Request([0], law), np.random.default_rng(0))[0] == scores.argmax()
