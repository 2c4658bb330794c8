"""A conversation keeps what was said, and nothing that was refused. Run: pytest tests/generate/test_talk.py"""

from __future__ import annotations

import io

import pytest

from athanor.core.errors import InputError
from athanor.core.progress import Reporter
from athanor.generate.talk import Talk, converse

LONG = "渡船七点开，" * 60


@pytest.fixture
def talk(model) -> Talk:
    return Talk(model, model.settings(temperature=0, max_tokens=4), None)


def test_a_refused_turn_was_never_said(talk):
    list(talk.answer("Who?"))
    before = list(talk.messages)
    with pytest.raises(InputError, match="tokens"):
        list(talk.answer(LONG))
    assert talk.messages == before and talk.forgotten == 0 and talk.turns == 1
    list(talk.answer("When?"))
    assert [turn["role"] for turn in talk.messages] == ["user", "assistant"] * 2


def test_a_turn_that_is_no_text_was_never_said(talk):
    with pytest.raises(InputError):
        list(talk.answer("\ud83d"))
    assert talk.messages == []


def test_the_newest_question_is_always_asked(talk, monkeypatch):
    """However the history grows, the request ends with the last turn and forgets no more than all others."""
    asked = []
    plain = talk.model.request
    monkeypatch.setattr(talk.model, "request", lambda turns, settings: (asked.append(turns), plain(turns, settings))[1])
    for number in range(12):
        list(talk.answer(f"Who keeps the book {number}?"))
        assert asked[-1][-1]["content"] == f"Who keeps the book {number}?"
        assert talk.forgotten < len(talk.messages)
    assert talk.forgotten


def test_a_closed_answer_stays_as_far_as_it_came(talk):
    answer = talk.answer("Who?")
    said = next(answer)
    answer.close()
    assert talk.messages[-1]["role"] == "assistant" and talk.messages[-1]["content"].startswith(said)


def test_conversing_goes_on_after_a_refusal(talk):
    sink = io.StringIO()
    converse(talk, io.StringIO(f"Who?\n{LONG}\nWhen?\n/exit\n"), sink, Reporter(quiet=True))
    assert [turn["content"] for turn in talk.messages[::2]] == ["Who?", "When?"]
