"""Interruptions, refusals, broken numbers: the call that meets them ends in words, and nothing of it stays behind.

Run: pytest tests/generate/test_engine_faults.py
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from athanor.core.errors import InputError, ProofError, ResourceError
from athanor.generate import engine as module
from athanor.generate.engine import Engine
from athanor.generate.request import Request, Settings
from athanor.generate.step_torch import TorchStep
from athanor.models.decoder import Decoder
from athanor.specs.decoder import DecoderSpec

GREEDY = Settings(temperature=0, max_tokens=12)


def engine_of(model) -> Engine:
    return Engine(TorchStep(model.network), model.tokenizer)


def empty(engine: Engine) -> bool:
    return not engine._scheduler.busy and not engine._streams


def alone(model, prompt) -> list[int]:
    request = Request(list(prompt), GREEDY)
    engine_of(model).complete([request])
    return request.ids


def test_one_prompt_that_is_refused_leaves_nobody_behind(model):
    engine = engine_of(model)
    with pytest.raises(InputError, match="97 tokens"):
        engine.complete([Request([5], GREEDY), Request([5] * 97, GREEDY), Request([6], GREEDY)])
    assert not engine._scheduler.busy and not engine._streams


class Interrupting:
    """A step that is interrupted once, at its nth run."""

    def __init__(self, step: TorchStep, at: int) -> None:
        self._step, self._at, self.rows = step, at, []
        self.context, self.slots = step.context, step.slots

    def run(self, rows):
        self._at -= 1
        self.rows.append(len(rows))
        if self._at == 0:
            raise KeyboardInterrupt
        return self._step.run(rows)


@pytest.mark.parametrize("call", ["chat", "generate"])
def test_an_interrupted_call_is_over(model, call):
    """The next one runs alone and says what it would have said."""
    wanted = model.generate("The", temperature=0, max_tokens=5)
    step = Interrupting(TorchStep(model.network), 3)
    model.engine = Engine(step, model.tokenizer)
    prompt = [{"role": "user", "content": "Who?"}] if call == "chat" else "Who?"
    with pytest.raises(KeyboardInterrupt):
        getattr(model, call)(prompt, max_tokens=20, temperature=0)
    step.rows.clear()
    assert model.generate("The", temperature=0, max_tokens=5) == wanted
    model.engine.complete([])
    assert set(step.rows) == {1} and empty(model.engine)


def test_others_go_on_after_an_interruption_between_two_choices(model, monkeypatch):
    """The first row of a step has its id, the second has not: both answers are whole at the end."""
    engine, plain_choose, calls = engine_of(model), module.choose, []

    def once(*words):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return plain_choose(*words)

    monkeypatch.setattr(module, "choose", once)
    texts = [[5, 6, 7], [8, 9, 10]]
    requests = [Request(list(text), GREEDY) for text in texts]
    for request in requests:
        engine.submit(request)
    with pytest.raises(KeyboardInterrupt):
        for _ in engine.run():
            pass
    for _ in engine.run():
        pass
    monkeypatch.undo()
    assert [request.ids for request in requests] == [alone(model, text) for text in texts]


def test_a_prompt_that_is_no_unicode_text(model):
    for prompt in ("caf\udce9", [{"role": "user", "content": "\ud83d"}]):
        with pytest.raises(InputError, match=r"holds '\\ud[0-9a-f]{3}' at place \d") as caught:
            model.request(prompt, GREEDY)
        str(caught.value).encode()
    for prompt in (5, None, ["hello"]):
        with pytest.raises(InputError, match="a text or a chat's messages"):
            model.request(prompt, GREEDY)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_end_in_words(model, number):
    """The request is over, and the next one is served."""
    engine = engine_of(model)
    step, engine._step = engine._step, type("Broken", (), {
        "context": 50, "slots": 64, "run": lambda self, rows: np.full((len(rows), 9), number, np.float32),
    })()  # fmt: skip
    with pytest.raises(ProofError, match="weights are damaged"):
        engine.complete([Request([5], GREEDY)])
    engine._step = step
    following = Request([5, 6], GREEDY)
    engine.complete([following])
    assert following.ids == alone(model, [5, 6]) and empty(engine)


def test_everything_banned_ends_in_words(model):
    request = Request([5], Settings(max_tokens=9, min_tokens=9), frozenset(range(model.spec.vocabulary)))
    with pytest.raises(InputError, match="all 330 ids are banned"):
        engine_of(model).complete([request])


def test_a_request_that_was_cancelled_stays_so(model):
    """By whoever reads its stream, and while others are completed."""
    request = model.request("The", model.settings(temperature=0, max_tokens=40))
    for _ in model.stream_request(request):
        request.cancelled = True
    model.engine.complete([Request([5], GREEDY)])
    assert request.cancelled and len(request.ids) < 40 and empty(model.engine)
    requests = [Request([5], GREEDY), Request([6], GREEDY)]
    model.engine.complete(requests, lambda done: setattr(requests[1], "cancelled", True))
    assert requests[0].finish_reason and empty(model.engine)


def long_network(model) -> Decoder:
    """The tiny network with a context of 4,096 positions."""
    fields = {name: getattr(model.spec, name) for name in model.spec.__struct_fields__}
    network = Decoder(DecoderSpec(**{**fields, "context": 4096}))
    network.load_state_dict(model.network.state_dict())
    return network.eval().requires_grad_(False)


def test_the_memory_grows_with_the_text(model):
    """Across its growths the ids are those of whole passes; a short text has needed little of it."""
    network = long_network(model)
    step = TorchStep(network)
    engine = Engine(step, model.tokenizer)
    engine.complete([Request([5, 6], GREEDY)])
    assert step._memory.span == 512
    prompt = [5 + number % 300 for number in range(505)]
    requests = [Request(list(prompt), Settings(temperature=0, max_tokens=10)), Request([9] * 1100, GREEDY)]
    engine.complete(requests)
    assert 1100 < step._memory.span < 4096
    ids = torch.tensor([prompt])
    for _ in range(10):
        ids = torch.cat((ids, network(ids)[:, -1].argmax(-1, keepdim=True)), dim=1)
    assert requests[0].ids == ids[0, len(prompt) :].tolist()


def test_a_memory_that_the_machine_does_not_have(model, monkeypatch):
    step = TorchStep(long_network(model))

    def refuse(*words, **settings):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(torch, "zeros", refuse)
    with pytest.raises(ResourceError, match="1024 positions"):
        step._make_room(600)
    assert step._memory.span == 512
