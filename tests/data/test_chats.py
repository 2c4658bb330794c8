"""Chats made from structure: headings, tables, question lines. `pytest tests/data/test_chats.py`."""

from __future__ import annotations

import pytest

from athanor.data.chats import SECTION, made


def pairs(text: str, origin: str) -> list[tuple[str, str]]:
    return [(chat.messages[0][1], chat.messages[1][1]) for chat in made(text) if chat.origin == origin]


def test_a_heading_and_its_section() -> None:
    text = (
        "# Ferries\n\nThe ferry leaves at nine from the *north quay*.\n\n"
        "## 2.1 Where is the office?\n\nIt stands beside the [lighthouse](x.md).\n"
    )
    first, second = pairs(text, "heading")
    assert "Ferries" in first[0] and first[1] == "The ferry leaves at nine from the north quay."
    assert second == ("Where is the office?", "It stands beside the lighthouse.")


@pytest.mark.parametrize(("opened", "closed"), [("```sh", "```"), ("~~~", "~~~~"), ("  ````", "````"), ("```", None)])
def test_a_comment_in_code_is_no_heading(opened: str, closed: str | None) -> None:
    code = f"{opened}\n# install the bells, all of them\nring --loud --all --the --time\n"
    below = "\n## After\n\nThe bells ring at noon, and again at nine.\n"
    found = pairs(f"# Bells\n\nSet up first:\n\n{code}" + (f"{closed}\n{below}" if closed else ""), "heading")
    assert len(found) == (2 if closed else 1) and not any("install" in question for question, _ in found)
    inline = pairs(f"```one``` two three, and some more words.\n{below}", "heading")
    assert len(inline) == 1


def test_a_chinese_heading_is_asked_in_chinese() -> None:
    ((question, answer),) = pairs(
        "## 一、渡轮时刻\n\n渡轮每天九点从北码头出发，周一停航，请提前到达码头候船。\n", "heading"
    )
    assert "渡轮时刻" in question and "一、" not in question and not question.isascii()
    assert answer.startswith("渡轮每天九点")


def test_long_sections_end_with_a_sentence() -> None:
    ((_, answer),) = pairs("# Gulls\n\n" + "The gulls count the boats. " * 60, "heading")
    assert len(answer) <= SECTION and answer.endswith("boats.")


def test_a_table_row() -> None:
    found = pairs("| Ship | Captain | Year |\n| --- | --- | --- |\n| Mirabel | Orla Venn | 1949 |\n", "table")
    assert ("Orla Venn" in found[0][1]) and "Mirabel" in found[0][0] and "captain" in found[0][0]
    assert found[2][1] == "Captain: Orla Venn; Year: 1949"
    assert "船长" in pairs("| 船名 | 船长 |\n|---|---|\n| 海燕号 | 王芳 |\n", "table")[0][0]


def test_a_chinese_cell_is_asked_for_whatever_it_is() -> None:
    rows = "".join(f"| 灯塔{n} | 王芳{n} | 9:{n} | {n}元 | 北码头{n} |\n" for n in range(10, 40))
    found = pairs(f"| 名称 | 看守 | 开放时间 | 票价 | 位置 |\n|---|---|---|---|---|\n{rows}", "table")
    questions = [question for question, answer in found if "；" not in answer]
    assert len(questions) == 120 and len({question.replace(question[2:4], "") for question in questions}) > 8
    assert not any(word in question for question in questions for word in ("什么", "多少", "谁", "几"))
    assert not any("有哪些信息" in question for question, _ in found)


@pytest.mark.parametrize("mark", ["Q", "A", "问", "答", "#", "# x", "`" * 500_000])
def test_a_line_of_blanks_ends_at_all(mark: str) -> None:
    blanks = " \t" * 500_000
    assert list(made(f"Q: Where?\n{mark}{blanks}x\n{mark} 1{blanks}{'y' * 200}")) == []


def test_question_lines() -> None:
    assert pairs("Q: When does it open?\nA: At ten.\n\n**Q2:** And Sundays?\n**A2:** At noon.", "lines") == [
        ("When does it open?", "At ten."), ("And Sundays?", "At noon."),
    ]  # fmt: skip
    assert pairs("问：几点开门？\n答：十点。", "lines") == [("几点开门？", "十点。")]
    assert pairs("Intro.\n\nWhere is the office?\n\nBeside the lighthouse.\n", "lines") == [
        ("Where is the office?", "Beside the lighthouse.")
    ]


def test_dialogue_and_poems_are_not_questions() -> None:
    assert pairs("“Where to?”\nShe laughed.\n", "lines") == []
    assert pairs("日暮乡关何处是？\n烟波江上使人愁。\n春花秋月何时了？\n往事知多少。", "lines")[1:] == []
    assert pairs("en: Where?\nzh: 哪里？", "lines") == []


def test_the_same_text_gives_the_same_chats() -> None:
    text = "# A heading\n\nA section of some length, with words.\n"
    assert list(made(text)) == list(made(text))
