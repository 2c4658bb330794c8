"""Beam search by definition: every sequence tried, memories that hold what was read, and what ends in words.

Run: pytest tests/generate/test_beams.py
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athanor.core.errors import InputError, ProofError, ResourceError, UsageError
from athanor.generate.beams import best_first
from athanor.generate.engine import Engine
from athanor.generate.request import Request, Settings
from athanor.generate.scheduler import Work
from athanor.generate.sequences import answers_of, check_number, requests_for
from athanor.generate.step_torch import TorchStep
from athanor.generate.step_translate import TranslateStep
from athanor.models.recurrent import Recurrent
from athanor.specs.recurrent import RecurrentSpec

VOCABULARY = 4


class Remembering:
    """A table of random logits by the last ids. It fails where a slot holds other ids than its row has read."""

    context = 40

    def __init__(self, slots: int, seed: int = 0) -> None:
        self.slots, self._seed, self.held = slots, seed, {}
        self.rows: list[int] = []

    def run(self, rows):
        self.rows.append(len(rows))
        assert len({row.slot for row in rows}) == len(rows)
        for row in rows:
            whole = row.request.prompt + row.request.ids
            held = self.held.get(row.slot, [])[: row.start] + row.ids
            assert held == whole[: row.start + len(row.ids)]
            self.held[row.slot] = held
        return np.stack([self.logits(self.held[row.slot]) for row in rows])

    def fork(self, pairs):
        assert not {source for source, _ in pairs} & {target for _, target in pairs}
        for source, target in pairs:
            self.held[target] = list(self.held[source])

    def logits(self, ids) -> np.ndarray:
        chance = np.random.default_rng([self._seed, *ids[-3:]])
        return chance.normal(size=VOCABULARY).astype(np.float32) * 2


def best_by_trying(step, prompt: list[int], end: int, most: int) -> tuple[list[int], float]:
    """Of all sequences that end, or have `most` ids, the likeliest."""
    found: dict[tuple[int, ...], float] = {}
    for ids in itertools.product(range(VOCABULARY), repeat=most):
        cut = ids[: ids.index(end) + 1] if end in ids else ids
        score = 0.0
        for at, number in enumerate(cut):
            row = step.logits([*prompt, *cut[:at]]).astype(np.float64)
            score += row[number] - np.log(np.exp(row).sum())
        found[cut] = score
    best = max(found, key=lambda cut: found[cut])
    return [number for number in best if number != end], found[best]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("early", [False, True])
def test_a_search_as_wide_as_all_sequences_finds_the_likeliest(model, seed, early):
    step = Remembering(2, seed)
    asked = Settings.of({"num_beams": 64, "max_tokens": 3, "length_penalty": 0.0, "early_stopping": early})
    request = Request([1, 2], asked, frozenset({0}))
    Engine(step, model.tokenizer).complete([request])
    ids, score = best_by_trying(step, [1, 2], 0, 3)
    assert request.ids == ids and request.beams[0].score == pytest.approx(score)
    scores = [beam.score for beam in request.beams]
    assert scores == sorted(scores, reverse=True) and len({tuple(beam.ids) for beam in request.beams}) == len(scores)
    # A search over 64 of 4 · 4 · 4 sequences: what has ended before and what has three ids.
    assert len(scores) == 1 + 3 + 9 + 27


@pytest.mark.parametrize("attention", ["none", "bahdanau", "luong"])
def test_states_fork_too(model, attention):
    """A recurrent network, whose memory is its state: of all sequences the likeliest, as whole passes say."""
    torch.manual_seed(0)
    network = Recurrent(RecurrentSpec(
        source_vocabulary=9, vocabulary=VOCABULARY, width=8, hidden=8, layers=2, attention=attention,
    )).requires_grad_(False)  # fmt: skip
    for parameter in network.parameters():
        parameter.mul_(4)

    class Whole:
        def logits(self, ids):
            return network(torch.tensor([[5, 2, 7]]), torch.tensor([ids]))[0, -1].numpy()

    wish = Settings.of({"num_beams": 64, "max_tokens": 3, "length_penalty": 0.0})
    request = Request([1], wish, frozenset({0}), source=[5, 2, 7])
    Engine(TranslateStep(network), model.tokenizer).complete([request])
    ids, score = best_by_trying(Whole(), [1], 0, 3)
    assert request.ids == ids and request.beams[0].score == pytest.approx(score, abs=1e-4)
    for beam in request.beams[:20]:
        rows = network(torch.tensor([[5, 2, 7]]), torch.tensor([[1, *beam.ids]]))[0].log_softmax(-1)
        wanted = [float(rows[at, number]) for at, number in enumerate(beam.ids)]
        assert beam.logprobs == pytest.approx(wanted, abs=1e-4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(0, 9), st.integers(0, 2), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 8),
)
def test_every_slot_holds_what_its_beam_has_read(model, wishes, slots):
    """Searches and plain requests over few slots: memories are right at every step, answers those of each alone."""

    def request(beams: int, length: int, most: int, size: int, early: bool) -> Request:
        size *= beams > 1  # one id after another would be banned until none is left
        wish = {"num_beams": beams, "max_tokens": most, "no_repeat_ngram_size": size, "early_stopping": early}
        return Request([3] * length, Settings.of({"temperature": 0, **wish}), frozenset({0}))

    together = [request(*wish) for wish in wishes]
    engine = Engine(Remembering(slots), model.tokenizer)
    engine.complete(together)
    assert not (engine._scheduler.running or engine._scheduler.read or engine._searches or engine._streams)
    for wish, found in zip(wishes, together, strict=True):
        lonely = request(*wish)
        Engine(Remembering(64), model.tokenizer).complete([lonely])
        assert found.ids == lonely.ids and found.finish_reason == lonely.finish_reason
        assert [beam.ids for beam in found.beams] == [beam.ids for beam in lonely.beams]


def test_a_search_that_loses_beams(model):
    """No pair of ids twice: beams come to where nothing may follow, their slots make no rows, the others go on."""
    lost = 0
    for seed in range(20):
        step = Remembering(8, seed)
        request = Request([3], asked(num_beams=5, max_tokens=15, no_repeat_ngram_size=2))
        Engine(step, model.tokenizer).complete([request])
        lost += any(after < before for before, after in pairwise(step.rows))
        said = [[*request.prompt, *beam.ids] for beam in request.beams]
        assert all(len(ids) == len(set(pairwise(ids))) + 1 == 16 for ids in said)
    assert lost > 5


@given(st.lists(st.one_of(st.integers(-3, 3), st.just(-np.inf)), min_size=1, max_size=40), st.integers(1, 9))
def test_best_first_is_a_sort(numbers, part):
    array = np.array(numbers, np.float64)
    found = [int(place) for place in best_first(array, part)]
    assert [array[place] for place in found] == sorted(array[array > -np.inf], reverse=True)
    assert len(set(found)) == len(found)


def test_forked_memory_goes_on_as_its_own(model):
    """A prompt in slot 0, copied to slots that are and that are not there yet: all go on as whole passes would."""
    step = TorchStep(model.network, 2)
    prompt = [5, 6, 7, 8, 9]
    step.run([Work(Request(prompt, Settings()), 0, 0, prompt)])
    step.fork([(0, 1), (0, 6)])
    going = {0: 11, 1: 12, 6: 13}
    found = step.run([Work(Request(prompt, Settings(), ids=[n]), slot, 5, [n]) for slot, n in going.items()])
    wanted = model.network(torch.tensor([[*prompt, number] for number in going.values()]))[:, -1]
    assert np.abs(found - wanted.detach().numpy()).max() < 1e-3
    assert not step._memory.keys[:, 1, :, 6:].any() and not step._memory.keys[:, 2:6].any()


def asked(**chosen) -> Settings:
    return Settings.of({"num_beams": 3, "max_tokens": 12, **chosen})


def run(model, request: Request, slots: int = 64) -> Request:
    Engine(TorchStep(model.network, slots), model.tokenizer).complete([request])
    return request


def test_answers_of_a_real_network_in_company(model):
    """Beams beside draws and other searches, fewer slots than wanted: as alone."""
    wishes = [asked(), Settings(temperature=1, seed=5, max_tokens=9), asked(num_beams=7, max_tokens=5)] * 3
    requests = [Request([5 + at, 9, 30 - at], wish) for at, wish in enumerate(wishes)]
    engine = Engine(TorchStep(model.network, 4), model.tokenizer)
    engine.complete(requests)
    for request in requests:
        lonely = run(model, Request(request.prompt, request.settings))
        assert request.ids == lonely.ids and [b.ids for b in request.beams] == [b.ids for b in lonely.beams]


def test_logprobs_are_the_model_s_and_the_score_is_their_sum(model):
    request = run(model, Request([5, 6, 7], asked(length_penalty=2.0)))
    logits = model.network(torch.tensor([[5, 6, 7, *request.ids]]))[0].double().log_softmax(-1)
    wanted = [float(logits[2 + at, number]) for at, number in enumerate(request.ids)]
    assert request.logprobs == pytest.approx(wanted, abs=1e-4)
    assert request.beams[0].score == pytest.approx(sum(wanted) / len(wanted) ** 2, abs=1e-4)


def test_the_stream_gives_the_best_once(model):
    best = model.generate("The ferry", num_beams=3, max_tokens=12)
    assert list(model.stream("The ferry", num_beams=3, max_tokens=12)) == [best]
    request = model.request("The ferry", model.settings(num_beams=3, max_tokens=12))
    model.engine.complete([request])
    assert request.text == best == model.tokenizer.decode(request.ids, specials=False)
    assert [request.text, request.finish_reason] == [request.beams[0].text, "length"]


def test_the_context_s_end_and_no_tokens(model):
    context = model.spec.context
    request = run(model, Request([7] * (context - 4), asked(max_tokens=50)))
    assert len(request.ids) == 4 and request.finish_reason == "length" and len(request.beams) == 3
    nothing = run(model, Request([7], asked(max_tokens=0)))
    assert (nothing.text, nothing.ids, nothing.finish_reason) == ("", [], "length")
    assert [beam.ids for beam in nothing.beams] == [[]]


def test_a_beam_ends_at_a_stop_string(model):
    """Nothing of the stop in any answer; not within min_tokens."""
    free = run(model, Request([9, 8], asked()))
    stop = next(letter for letter in free.text[1:] if letter.strip() and letter != "\ufffd")
    found = run(model, Request([9, 8], asked(stop=(stop,))))
    assert all(stop not in beam.text for beam in found.beams)
    assert "stop" in {beam.finish_reason for beam in found.beams}
    late = run(model, Request([9, 8], asked(stop=(stop,), min_tokens=12)))
    assert late.ids == free.ids and late.text == free.text and late.finish_reason == "length"


def test_no_answer_holds_a_bad_word(model):
    free = run(model, Request([9, 8], asked()))
    words = tuple({letter for beam in free.beams for letter in beam.text[2:9] if letter not in " \ufffd"})
    found = run(model, Request([9, 8], asked(bad_words=words)))
    assert words and not any(word in beam.text for beam in found.beams for word in words)
    assert len(found.ids) == 12


def test_cancelled_frees_all_its_slots(model):
    """While it waits and in the midst of it; who is behind it is served."""
    engine = Engine(TorchStep(model.network, 4), model.tokenizer)
    searches = [Request([5, 6, 7], asked(max_tokens=40)) for _ in range(2)]
    plain = Request([5, 6], Settings(temperature=0, max_tokens=20))
    behind = Request([5, 6], asked())
    for request in (plain, *searches, behind):
        engine.submit(request)
    for at, _ in enumerate(engine.run()):
        if at == 5:
            searches[0].cancelled = searches[1].cancelled = True
    assert not (engine._scheduler.running or engine._scheduler.read or engine._searches)
    assert searches[0].ids == [] and searches[0].finish_reason is None
    assert behind.ids == run(model, Request([5, 6], asked())).ids and len(plain.ids) == 20


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers(model, number):
    step = Remembering(8)
    step.logits = lambda ids: np.full(VOCABULARY, number, np.float32)  # type: ignore[method-assign]
    engine = Engine(step, model.tokenizer)
    with pytest.raises(ProofError, match="weights are damaged"):
        engine.complete([Request([1], asked())])
    del step.logits
    engine.complete([Request([1], asked())])
    assert not engine._searches


def test_logits_that_break_after_an_answer(model):
    """The answer that is there is no excuse."""
    step = Remembering(8)
    step.logits = lambda ids: np.array([1, 2, 0, 0], np.float32) * (1 if len(ids) < 4 else np.nan)  # type: ignore
    with pytest.raises(ProofError, match="weights are damaged"):
        Engine(step, model.tokenizer).complete([Request([1], asked(), frozenset({0}))])


def test_a_memory_that_cannot_be_had_is_nobody_else_s_trouble(model):
    step = Remembering(8)

    def refuse(pairs):
        raise ResourceError("There is not enough memory.", value=3)

    step.fork = refuse  # type: ignore[method-assign]
    engine = Engine(step, model.tokenizer)
    with pytest.raises(ResourceError):
        engine.complete([Request([1], asked())])
    plain = Request([1], Settings(temperature=0, max_tokens=5))
    engine.complete([plain])
    assert len(plain.ids) == 5 and not engine._scheduler.forks and not engine._searches


def test_everything_banned(model):
    """From the beginning it is refused; later what has ended is the answer."""
    request = Request([1], asked(min_tokens=5), frozenset(range(VOCABULARY)))
    with pytest.raises(InputError, match="all 4 ids are banned"):
        Engine(Remembering(8), model.tokenizer).complete([request])
    short = Request([1], asked(no_repeat_ngram_size=1), frozenset({0}))
    Engine(Remembering(8), model.tokenizer).complete([short])
    assert 1 <= len(short.beams) <= 3 and all(set(beam.ids) <= {2, 3} for beam in short.beams)


def test_settings_that_do_not_go_together(model):
    with pytest.raises(UsageError, match=r"--num-beams is 0; it must be between 1 and 64"):
        Settings.of({"num_beams": 0})
    with pytest.raises(UsageError, match=r"--temperature is 0\.7; it must be 0 with --num-beams 2"):
        Settings.of({"num_beams": 2, "temperature": 0.7})
    with pytest.raises(UsageError, match=r"--length-penalty is nan"):
        Settings.of({"num_beams": 2, "length_penalty": float("nan")})
    # The model's own temperature gives way, what was chosen does not.
    assert model.settings().temperature == 0.5 and model.settings(num_beams=2).temperature == 0
    with pytest.raises(UsageError, match="temperature"):
        model.settings(num_beams=2, temperature=0.5)


def test_several_answers(model):
    with pytest.raises(UsageError, match="is 3, but --num-beams 2"):
        check_number(3, Settings.of({"num_beams": 2}))
    with pytest.raises(UsageError, match="is 2, but without chance"):
        check_number(2, Settings(temperature=0))
    check_number(2, Settings.of({"num_beams": 2}))
    warm = Request([5, 6], Settings(temperature=1, seed=7, max_tokens=8))
    requests = requests_for(warm, 3)
    Engine(TorchStep(model.network), model.tokenizer).complete(requests)
    assert [answer.ids for answer in answers_of(requests, 3)] == [
        run(model, replace(warm, settings=warm.settings.with_seed(seed), ids=[], logprobs=[])).ids for seed in (7, 8, 9)
    ]
    search = requests_for(Request([5, 6], asked()), 2)
    Engine(TorchStep(model.network), model.tokenizer).complete(search)
    assert len(search) == 1 and answers_of(search, 2) == search[0].beams[:2]
