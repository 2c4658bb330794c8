"""A conversation keeps what was said, and nothing that was refused. Run: pytest tests/generate/test_talk.py"""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from athanor.cli.verbs.chat import command
from athanor.core.errors import InputError
from athanor.core.progress import Reporter
from athanor.generate.handle import Model
from athanor.generate.talk import WORDS, Talk, converse

LONG = "渡船七点开，" * 60


@pytest.fixture
def talk(model) -> Talk:
    return Talk(model, model.settings(temperature=0, max_tokens=4), None)


class Keys(io.StringIO):
    """Input that somebody types."""

    def isatty(self) -> bool:
        return True


def conversation(talk: Talk, source: io.StringIO) -> tuple[str, str]:
    """What a conversation writes: answers, words beside them."""
    sink, beside = io.StringIO(), io.StringIO()
    converse(talk, source, sink, Reporter(stream=beside))
    return sink.getvalue(), beside.getvalue()


def asked(talk: Talk) -> list[str]:
    return [turn["content"] for turn in talk.messages if turn["role"] == "user"]


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
    conversation(talk, io.StringIO(f"Who?\n{LONG}\nWhen?\n/exit\n"))
    assert asked(talk) == ["Who?", "When?"]


def test_a_refused_question_has_an_empty_line_for_an_answer_in_a_pipe(talk):
    assert conversation(talk, io.StringIO(f"{LONG}\n{LONG}\n"))[0] == "\n\n"
    assert "\n" not in conversation(talk, Keys(f"{LONG}\n"))[0]


def test_a_text_left_open_at_the_end_is_asked(talk):
    conversation(talk, io.StringIO('"""\nWho\nis it?\n'))
    assert asked(talk) == ["Who\nis it?"]


def test_only_lines_are_commands(talk):
    conversation(talk, io.StringIO('"""\n/exit\n/reset\n"""\nWhen?\n'))
    assert asked(talk) == ["/exit\n/reset", "When?"]


def test_in_a_pipe_what_is_no_command_is_a_question(talk):
    out, _ = conversation(talk, io.StringIO("/etc\n/help\n/exit now\nWho?\n"))
    assert asked(talk) == ["/etc"] and WORDS["en"]["help"] in out


def test_a_mistyped_command_is_asked_in_a_pipe_and_named(talk):
    _, beside = conversation(talk, io.StringIO("/rest\n/tmp/a\nreset\n"))
    assert asked(talk) == ["/rest", "/tmp/a", "reset"]
    assert beside.startswith("warning: /rest is no command and was asked as a question; did you mean /reset?\n")
    assert beside.count("did you mean") == 1


def test_a_mistyped_command_gets_help_where_somebody_types(talk):
    out, _ = conversation(talk, Keys("/rest\n"))
    assert asked(talk) == [] and WORDS["en"]["help"] in out


def test_a_system_text_that_is_not_read_is_named(model_folder, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "plain")
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": None}))
    model = Model.open(folder)
    plain = Talk(model, model.settings(max_tokens=1), "Be brief.")
    _, beside = conversation(plain, io.StringIO("/system Be long.\n/system\n"))
    ignored = f"warning: {WORDS['en']['ignored']}\n"
    assert beside == 2 * ignored + f"{WORDS['en']['removed']}\n"


def test_a_template_reads_the_system_text(talk):
    assert conversation(talk, io.StringIO("/system Be brief.\n"))[1] == f"{WORDS['en']['set']}\n"


def test_a_wrong_byte_costs_its_own_line_and_no_other(model_folder: Path):
    lines = [b"Who keeps the book?\n"] * 40
    lines[20] = b"Caf\xe9?\n"
    done = CliRunner().invoke(command, [str(model_folder), "--max-tokens", "1"], b"".join([*lines, b"/stats\n"]))
    assert "39 answers" in done.stdout.splitlines()[-1]
    assert done.stderr.count("warning: The prompt is no Unicode text") == 1


def test_a_conversation_with_a_wrong_byte_is_saved(talk, tmp_path):
    path = tmp_path / "talk.json"
    conversation(talk, io.StringIO(f"/system Caf\udce9\n/save {path}\n"))
    assert json.loads(path.read_text("utf-8"))["system"] == "Caf\udce9"
