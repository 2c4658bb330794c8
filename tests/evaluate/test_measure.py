"""Figures of a tiny model: what is too long is passed by, and nothing waits in the engine afterwards.

Run: pytest tests/evaluate/test_measure.py
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from athanor.evaluate import measure, questions
from athanor.evaluate.questions import Question
from athanor.generate.handle import Model
from athanor.models.decoder import Decoder, initialise
from athanor.specs.decoder import DecoderSpec
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.tokenizers.train import train

LONG = "Who keeps the book of the harbour? " * 20


def model_of(folder: Path, context: int) -> Model:
    train(["Who keeps the book? The master keeps it.", "谁记账本？管理员记。"] * 20, 320, folder)
    spec = DecoderSpec(
        family="qwen3", vocabulary=Tokenizer.load(folder).vocabulary, width=16, layers=1, heads=2, kv_heads=1,
        head_width=8, inner=24, context=context,
    )  # fmt: skip
    network = Decoder(spec)
    initialise(network, 0)
    return Model(folder, network.eval().requires_grad_(False))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    return model_of(tmp_path_factory.mktemp("model"), 64)


def test_one_long_question_among_short_ones(model):
    asked = [Question(f"Who {n}?", "he", "en", n + 1) for n in range(20)]
    asked.insert(10, Question(LONG, "he", "en", 99))
    told = []
    scored = questions.ask(asked, measure.answerer(model), told.append)
    assert [row.question.row for row in scored if row.unanswered] == [99]
    assert told == list(range(1, 21)) and not model.engine._scheduler.busy
    alone = questions.ask(asked[:1], measure.answerer(model))
    assert scored[0].answer == alone[0].answer


def test_samples_pass_by_what_cannot_be_continued(model):
    found = measure.sample(model, ["Who", "", LONG, "谁"], seed=0)
    assert [item.prompt for item in found] == ["Who", "谁"]
    assert not model.engine._scheduler.busy


def test_two_measurements_are_equal(model):
    torch.manual_seed(0)
    one, two = (measure.sample(model, ["Who", "谁"], seed=4) for _ in range(2))
    assert one == two
    assert set(measure.variety(one)) == {"distinct_1", "distinct_2", "self_bleu"}


def test_the_speed_of_a_context_without_room_is_missing(tmp_path):
    """In a context of 1 nothing is answered; in one of 2 nothing comes after the first token."""
    one, two, more = (measure.speed(model_of(tmp_path, context), "Who?") for context in (1, 2, 3))
    assert one["first_token_seconds"]["value"] is None and "context of 1" in one["first_token_seconds"]["reason"]
    assert two["first_token_seconds"]["value"] > 0 and two["tokens_per_second"]["value"] is None
    assert more["tokens_per_second"]["value"] > 0 and one["peak_memory_bytes"]["value"] > 0
