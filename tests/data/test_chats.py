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


def test_a_section_loses_only_what_became_a_chat() -> None:
    """Lists by letters, initials, and a marked question whose answer is not marked."""
    for body in (
        "a. Boil the water first.\nb. Add the leaves to the pot.",
        "A. Lincoln was a keeper of the light.\nHe lived in the harbour for years.",
        "Q: When does it open?\n\nIt opens at six in the morning.",
    ):
        ((_, answer),) = pairs(f"## Tea\n\n{body}\n", "heading")
        assert answer == body
    text = "## Hours\n\nQ: When does it open?\nA: At six.\n\nOn feast days it opens at eight.\n"
    assert [answer for _, answer in pairs(text, "heading")] == ["On feast days it opens at eight."]
    assert pairs(text, "lines") == [("When does it open?", "At six.")]


def test_dialogue_and_poems_are_not_questions() -> None:
    assert pairs("“Where to?”\nShe laughed.\n", "lines") == []
    assert pairs("日暮乡关何处是？\n烟波江上使人愁。\n春花秋月何时了？\n往事知多少。", "lines")[1:] == []
    assert pairs("en: Where?\nzh: 哪里？", "lines") == []


def test_the_same_text_gives_the_same_chats() -> None:
    text = "# A heading\n\nA section of some length, with words.\n"
    assert list(made(text)) == list(made(text))


def test_chinese_cells_are_asked_for_by_the_word_that_fits():
    """Who for persons, when for times, how much for numbers, what for the rest."""
    rows = [f"| 灯塔{n} | 老陈 | 7:30 | {n}00米 | 白色 |" for n in range(12)]
    table = "\n".join(["| 灯塔 | 看守 | 点灯 | 高度 | 颜色 |", "|---|---|---|---|---|", *rows])
    asked = " ".join(asked for asked, _ in pairs(table, "table"))
    for right in ("看守是谁", "点灯是什么时候", "高度是多少", "颜色是什么"):
        assert right in asked
    for wrong in ("看守是什么", "看守是多少", "颜色是多少", "高度是谁"):
        assert wrong not in asked


@pytest.mark.parametrize(
    ("word", "cells"),
    [
        (
            "什么",
            "地址|中山路0号; 门牌|磨坊巷12号; 型号|3号机; 房间|301号; 车牌|京A12345号; 编号|第12号; "
            "比例|3:1; 特长|修船; 专长|修船; 成长|很快; 身长|很长; 长|很长",
        ),
        (
            "谁",
            "船长|王芳; 校长|王芳; 隊長|王芳; 秘书长|王芳; 家长|王芳; 店主|王芳",
        ),
        (
            "什么时候",
            "开门|7:30; 开门|上午９：30; 开门|9点; 建成|1949年; 节日|5月3号; 建成|2024-05-17",
        ),
        (
            "多少",
            "价格|100日元; 价格|￥12.50; 年级|3年级; 价格|1,200元; 票价|3枚铜币; 重量|约12公斤; "
            "湿度|45%; 人口|1204; 面积|30 m²; 航程|3小时",
        ),
    ],
)
def test_the_word_that_asks_for_a_chinese_cell(word: str, cells: str) -> None:
    for name, cell in (pair.split("|") for pair in cells.split("; ")):
        rows = [f"| 店{n} | {cell} |" for n in range(12)]
        table = [f"| 店 | {name} |", "|---|---|", *rows, "", "渡轮每天从北码头出发，请提前到达码头候船。" * 20]
        asked = " ".join(asked for asked, _ in pairs("\n".join(table), "table"))
        assert f"的{name}是{word}？" in asked


def test_short_chinese_sections_and_question_lines_below_a_heading() -> None:
    ((question, answer),) = pairs("## 口腔科由谁负责？\n\n口腔科由何文丽负责。\n", "heading")
    assert (question, answer) == ("口腔科由谁负责？", "口腔科由何文丽负责。")
    text = "## Bakery\n\nThe bakery opens at six and smells of cinnamon.\n\nQ: When does it open?\nA: 06:15\n"
    assert [answer for _, answer in pairs(text, "heading")] == ["The bakery opens at six and smells of cinnamon."]
    assert pairs(text, "lines") == [("When does it open?", "06:15")]
