"""The engine: answers in company are answers alone, seeds are obeyed, slots come back, every limit is kept.

Run: pytest tests/generate/test_engine.py
"""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from athanor.core.errors import InputError, UsageError
from athanor.generate import scheduler as scheduling
from athanor.generate.engine import Engine
from athanor.generate.request import Request, Settings
from athanor.generate.scheduler import Scheduler
from athanor.generate.step_torch import TorchStep

GREEDY = Settings(temperature=0, max_tokens=12)


def prompts(model, count: int, seed: int = 0) -> list[list[int]]:
    choose = random.Random(seed)
    lengths = [choose.choice([1, 2, 5, 17, 31, 32, 33, 60]) for _ in range(count)]
    return [[choose.randrange(3, model.spec.vocabulary) for _ in range(length)] for length in lengths]


def engine_of(model, slots: int = 64) -> Engine:
    return Engine(TorchStep(model.network, slots), model.tokenizer)


def alone(model, prompt, settings, ends=frozenset()) -> Request:
    request = Request(list(prompt), settings, ends)
    engine_of(model).complete([request])
    return request


def plain(model, prompt, count) -> list[int]:
    """Greedy ids by whole passes, without memory, engine or chunks."""
    ids = torch.tensor([prompt])
    for _ in range(count):
        with torch.no_grad():
            ids = torch.cat((ids, model.network(ids)[:, -1].argmax(-1, keepdim=True)), dim=1)
    return ids[0, len(prompt) :].tolist()


def empty(engine: Engine) -> bool:
    engine.complete([])
    scheduler = engine._scheduler
    return not (scheduler.running or scheduler.waiting or scheduler.read or engine._streams)


def test_greedy_is_the_plain_loop(model):
    for prompt in prompts(model, 12):
        found = alone(model, prompt, GREEDY)
        assert found.ids == plain(model, prompt, 12)
        logits = model.network(torch.tensor([[*prompt, *found.ids]]))[0].double().log_softmax(-1)
        wanted = [float(logits[len(prompt) - 1 + at, number]) for at, number in enumerate(found.ids)]
        assert found.logprobs == pytest.approx(wanted, abs=1e-4)
        assert found.text == model.tokenizer.decode(found.ids, specials=False)


@pytest.mark.parametrize("slots", [1, 3, 64])
@pytest.mark.parametrize("chunk", [7, 2048])
def test_in_company_as_alone(model, monkeypatch, slots, chunk):
    """40 requests of different lengths, few or many slots, prompts in chunks: the tokens of each one alone."""
    monkeypatch.setattr(scheduling, "PREFILL_TOKENS", chunk)
    texts = prompts(model, 40, seed=1)
    settings = [Settings(temperature=0, max_tokens=1 + n % 9) for n in range(40)]
    requests = [Request(list(text), setting) for text, setting in zip(texts, settings, strict=True)]
    engine = engine_of(model, slots)
    for request in requests:
        engine.submit(request)
    told: dict[int, str] = {}
    for request, news in engine.run():
        told[id(request)] = told.get(id(request), "") + news
    assert told == {id(request): request.text for request in requests}
    monkeypatch.undo()
    for text, setting, request in zip(texts, settings, requests, strict=True):
        lonely = alone(model, text, setting)
        assert request.ids == lonely.ids and request.finish_reason == "length"
        assert request.logprobs == pytest.approx(lonely.logprobs, abs=1e-5)
    assert empty(engine)


def test_arriving_while_others_run(model):
    engine = engine_of(model, 4)
    texts = prompts(model, 10, seed=2)
    requests = [Request(list(text), GREEDY) for text in texts]
    engine.submit(requests[0])
    for at, _ in enumerate(engine.run(), 1):
        if at < len(requests):
            engine.submit(requests[at])
    assert [request.ids for request in requests] == [alone(model, text, GREEDY).ids for text in texts]


def test_seed_is_obeyed(model):
    """Same seed the same text, alone and in company; another seed another."""
    prompt = prompts(model, 1)[0]
    warm = Settings(temperature=1.5, max_tokens=20, seed=5)
    first = alone(model, prompt, warm)
    assert alone(model, prompt, warm).ids == first.ids
    company = [Request(list(prompt), warm.with_seed(seed)) for seed in (1, 5, 2, 5)]
    engine_of(model).complete(company)
    assert company[1].ids == company[3].ids == first.ids
    assert company[0].ids != first.ids and company[2].ids != company[0].ids


def test_cancelled_frees_its_slot_and_harms_nobody(model):
    """One waiting, one that has begun; the slot goes to the next, the others' tokens stay."""
    engine = engine_of(model, 2)
    texts = prompts(model, 6, seed=3)
    settings = [Settings(temperature=1.0, max_tokens=40, seed=n) for n in range(6)]
    requests = [Request(list(text), setting) for text, setting in zip(texts, settings, strict=True)]
    for request in requests:
        engine.submit(request)
    for at, _ in enumerate(engine.run()):
        if at == 3:
            requests[0].cancelled = requests[5].cancelled = True
            assert 0 < len(requests[0].ids) < 40
    assert len(requests[0].ids) < 40 and requests[5].ids == [] and requests[0].finish_reason is None
    for number in range(1, 5):
        assert requests[number].ids == alone(model, texts[number], settings[number]).ids
    assert empty(engine)


def test_whoever_stops_listening_loses_nobody_s_tokens(model):
    """Leaving run() in the middle of a step, and beginning it again: every answer is whole."""
    engine = engine_of(model)
    texts = prompts(model, 5, seed=4)
    requests = [Request(list(text), GREEDY) for text in texts]
    for request in requests:
        engine.submit(request)
    for _ in range(200):
        if not engine._scheduler.busy:
            break
        for _ in engine.run():
            break
    assert [request.ids for request in requests] == [alone(model, text, GREEDY).ids for text in texts]


def test_two_streams_in_turns(model):
    """Each gives its own text, whichever is asked; closing one leaves the other whole."""
    settings = {"temperature": 0, "max_tokens": 15}
    wanted = [model.generate(prompt, **settings) for prompt in ("The", "渡船")]
    assert wanted[0] and wanted[1]
    one, two = model.stream("The", **settings), model.stream("渡船", **settings)
    found = ["", ""]
    for _ in range(40):
        found[0] += next(one, "")
        found[1] += next(two, "")
    assert found == wanted
    one, two = model.stream("The", **settings), model.stream("渡船", **settings)
    next(one)
    begun = next(two)
    one.close()
    assert begun + "".join(two) == wanted[1]
    assert empty(model.engine)


def test_max_tokens_nought_and_one(model):
    for count in (0, 1, 5):
        request = alone(model, [5, 6, 7], Settings(temperature=0, max_tokens=count))
        assert len(request.ids) == count and request.finish_reason == "length"
    engine = engine_of(model)
    nothing = Request([5], Settings(max_tokens=0))
    engine.complete([nothing, Request([5], GREEDY)])
    assert nothing.text == "" and empty(engine)


def test_an_end_stops_and_is_not_shown(model):
    ids = plain(model, [9, 8], 6)
    end = ids[4]
    request = alone(model, [9, 8], GREEDY, frozenset({end}))
    assert request.finish_reason == "stop" and request.ids == ids[: ids.index(end)]
    assert len(request.logprobs) == len(request.ids)


def test_min_tokens_holds_the_end_back(model):
    end = plain(model, [9, 8], 1)[0]
    settings = Settings(temperature=0, max_tokens=12, min_tokens=5)
    request = alone(model, [9, 8], settings, frozenset({end}))
    assert len(request.ids) >= 5 and end not in request.ids[:5]
    assert alone(model, [9, 8], GREEDY, frozenset({end})).ids == []


def test_bad_words_never_come(model):
    free = model.generate("The ferry", temperature=0, max_tokens=20)
    word = next(piece for piece in free.split() if len(piece) > 1)
    ids = model.tokenizer.encode(word)
    request = model.request("The ferry", model.settings(temperature=0, max_tokens=40, bad_words=(word,)))
    model.engine.complete([request])
    runs = [request.ids[at : at + len(ids)] for at in range(len(request.ids))]
    assert ids not in runs and len(request.ids) == 40


def test_bad_words_are_looked_for_in_the_text(model):
    """Whatever ids would write it, and also where it is a part of an id."""
    settings = {"temperature": 0, "max_tokens": 40}
    free = model.generate("The ferry", **settings)
    for at in range(0, len(free) - 2, 3):
        for word in (free[at], free[at : at + 2]):
            if word.strip() and "\ufffd" not in word:
                assert word not in model.generate("The ferry", bad_words=word, **settings)


def test_bad_words_with_a_space_before_them(model):
    """A word is one id with its space and others without it: none of them may come."""
    texts = {number: model.tokenizer.decode([number]) for number in range(model.spec.vocabulary)}
    spaced, text = next((number, text) for number, text in texts.items() if text[0] == " " and text[1:].isalpha())
    logits = np.zeros(model.spec.vocabulary, np.float32)
    logits[spaced] = 9

    class Says:
        context, slots = 50, 1

        def run(self, rows):
            return np.stack([logits] * len(rows))

    request = Request([5], Settings(temperature=0, max_tokens=3, bad_words=(text[1:],)))
    Engine(Says(), model.tokenizer).complete([request])
    assert len(request.ids) == 3 and spaced not in request.ids


def test_min_tokens_holds_stop_strings_back(model):
    free = alone(model, [9, 8], Settings(temperature=0, max_tokens=30))
    stop = next(letter for letter in free.text if letter.strip())
    found = alone(model, [9, 8], Settings(temperature=0, max_tokens=30, min_tokens=10, stop=(stop,)))
    assert len(found.ids) >= 10 and found.ids == free.ids[: len(found.ids)]
    assert found.text.startswith(model.tokenizer.decode(free.ids[:9], specials=False).rstrip("\ufffd"))


@pytest.mark.parametrize("extra", [-1, 0, 1, 900])
def test_prompts_around_the_context(model, extra):
    """ctx − 1 is answered with one token; ctx and more are refused with both numbers, and the next is served."""
    context = model.spec.context
    prompt = [5] * (context + extra)
    engine = engine_of(model)
    request = Request(prompt, GREEDY)
    if extra < 0:
        engine.complete([request])
        assert len(request.ids) == 1 and request.finish_reason == "length"
    else:
        with pytest.raises(InputError, match=f"{len(prompt)} tokens.*{context}") as caught:
            engine.submit(request)
        assert (caught.value.value, caught.value.limit) == (len(prompt), context - 1)
    following = Request([5, 6], GREEDY)
    engine.complete([following])
    assert following.ids == plain(model, [5, 6], 12) and empty(engine)


def test_an_empty_prompt_is_refused(model):
    with pytest.raises(InputError, match="empty"):
        engine_of(model).submit(Request([], GREEDY))


@pytest.mark.parametrize("length", [1, 31, 32, 33, 90])
def test_the_context_s_end_gives_length(model, length):
    prompt = [7] * length
    request = alone(model, prompt, Settings(temperature=0, max_tokens=1000))
    assert request.finish_reason == "length" and request.length == model.spec.context
    assert request.ids == plain(model, prompt, model.spec.context - length)


def test_stop_strings_end_the_text(model):
    """At every place of the free text: nothing of the stop, reason stop, and streamed as whole."""
    free = model.generate("The", temperature=0, max_tokens=30)
    for at in range(0, len(free) - 3, 3):
        stop = free[at : at + 3]
        request = model.request("The", model.settings(temperature=0, max_tokens=30, stop=stop))
        parts = list(model.stream_request(request))
        assert "".join(parts) == request.text == free[: free.index(stop)]
        assert request.finish_reason == "stop"


def test_streamed_is_whole_and_has_no_half_characters(model):
    """Random weights say random bytes: what is no UTF-8 comes as U+FFFD, and joined it is the unstreamed text."""
    for seed in range(8):
        settings = {"temperature": 2.0, "max_tokens": 60, "seed": seed}
        parts = list(model.stream("渡", **settings))
        assert all(parts) and "".join(parts) == model.generate("渡", **settings)


def test_unknown_settings_are_refused(model):
    with pytest.raises(UsageError, match="temprature"):
        model.generate("x", temprature=1)


def test_scheduler_admits_in_order_and_never_shares_a_slot():
    """Pure bookkeeping, 200 random rounds."""
    choose = random.Random(0)
    scheduler = Scheduler(slots=3)
    requests = [Request([1] * choose.randint(1, 9), Settings()) for _ in range(40)]
    for request in requests:
        scheduler.submit(request)
    started: list[int] = []
    for _ in range(400):
        scheduler.release_finished()
        rows = scheduler.next()
        assert len({row.slot for row in rows}) == len(rows) <= 3
        assert len({len(row.ids) > 1 for row in rows}) <= 1
        for request in scheduler.running.values():
            if id(request) not in started:
                started.append(id(request))
        scheduler.advance(rows)
        for row in rows:
            assert row.ready
            row.request.ids.append(1)
            if choose.random() < 0.3:
                row.request.finish_reason = "stop"
            elif choose.random() < 0.05:
                row.request.cancelled = True
        if not scheduler.busy:
            break
    assert started == [id(request) for request in requests] and not scheduler.running


def test_padding_of_short_rows_writes_nothing_foreign(model):
    """Rows of 2 and 30 ids in one step: the short one's memory holds its two positions and nothing after them."""
    step = TorchStep(model.network, 4)
    rows = [scheduling.Work(Request([1], GREEDY), 0, 0, [5, 6]), scheduling.Work(Request([1], GREEDY), 1, 0, [7] * 30)]
    step.run(rows)
    assert step._memory.keys[:, 0, :, :2].abs().sum() > 0 and not step._memory.keys[:, 0, :, 2:].any()
    assert np.isfinite(step.run(rows)).all()
