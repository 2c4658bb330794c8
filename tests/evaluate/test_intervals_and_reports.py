"""Intervals against known values and by coverage; reports parse in all their forms; question files name a bad row.

Run: pytest tests/evaluate/test_intervals_and_reports.py
"""

from __future__ import annotations

import json
import math
import re
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athanor.core.errors import InputError, NotFoundError
from athanor.evaluate import intervals, questions, report
from athanor.evaluate.questions import Question


def test_wilson_by_known_values():
    """Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81/263, 15/148, 0/20, 1/29."""
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
                               (1, 29, 0.0061, 0.1718)):  # fmt: skip
        found = intervals.share(hits, n)
        assert found["value"] == hits / n and found["n"] == n
        assert found["interval"] == pytest.approx([low, high], abs=5e-5)


@given(st.integers(2, 2000), st.data())
def test_wilson_holds_its_share(n, data):
    hits = data.draw(st.integers(0, n))
    low, high = intervals.share(hits, n)["interval"]
    assert 0 <= low <= hits / n <= high <= 1
    mirrored = intervals.share(n - hits, n)["interval"]
    assert mirrored == pytest.approx([1 - high, 1 - low])


def test_bootstrap_covers_the_mean():
    """Normal data: about the t interval; over 200 samples the true mean lies inside at least nine times in ten."""
    random = np.random.default_rng(0)
    found = intervals.mean(list(random.normal(5, 2, 400)))
    low, high = found["interval"]
    assert high - low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.15) and low < found["value"] < high
    inside = 0
    for _ in range(200):
        low, high = intervals.mean(list(random.normal(0, 1, 40)))["interval"]
        inside += low < 0 < high
    assert inside >= 180
    assert intervals.mean([1.0, 2.0, 4.0]) == intervals.mean([1.0, 2.0, 4.0])


def test_many_items_need_little_memory():
    """The draws of all resamples at once, as one array would give them; 20,000 items take 320 MB that way."""
    values = list(np.random.default_rng(1).normal(size=3000))
    draws = np.random.default_rng(0).integers(0, 3000, (intervals.RESAMPLES, 3000))
    low, high = np.quantile(np.asarray(values)[draws].mean(axis=1), (0.025, 0.975))
    assert intervals.mean(values)["interval"] == [low, high]
    tracemalloc.start()
    intervals.mean([0.0, 1.0] * 10_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_what_cannot_be_had_has_a_reason():
    assert intervals.share(0, 0)["value"] is None and intervals.share(0, 0)["reason"]
    assert intervals.mean([])["reason"] and intervals.single(math.nan)["reason"]
    assert intervals.mean([2.0]) == {"value": 2.0, "interval": None, "n": 1}
    assert intervals.share(1, 1)["interval"] is None


FIGURES = {
    "quality": {"exact_match": intervals.share(3, 9), "perplexity": intervals.missing("nothing was held out"),
                "repetition": intervals.mean([0.1, 0.4])},
    "diversity": {"distinct_2": intervals.single(0.75), "self_bleu": intervals.mean([0.2, 0.4, 0.3])},
    "speed": {"tokens_per_second": intervals.single(12_345.6)},
}  # fmt: skip


def a_report(**changed) -> report.Report:
    base = {
        "title": "Report | of harbour",
        "headline": "It answers 3 of 9 questions.",
        "figures": FIGURES,
        "sections": [report.Section("Answers", "Some.", [["question", "answer"], ["a | b\nc", "汉字"]])],
        "curve": [{"step": 0, "heldout_loss": 3.0}, *({"step": n, "loss": 3 - n / 10} for n in range(20)),
                  {"step": 5, "skipped": "x"}],
        "answers": [{"prompt": "谁？\u2028", "answer": "a\nb", "expected": "x", "score": 0.0}, {"prompt": "2"}],
        "data": {"model": "tiny"},
    }  # fmt: skip
    return report.Report(**{**base, **changed})


def test_a_report_parses_in_every_form(tmp_path):
    from PIL import Image

    report.write(a_report(), tmp_path / "report")
    folder = tmp_path / "report"
    found = json.loads((folder / "report.json").read_text("utf-8"))
    assert found["figures"] == FIGURES and found["data"] == {"model": "tiny"} and "answers" not in found
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text("utf-8").split("\n") if line]
    assert rows == list(a_report().answers)
    with Image.open(folder / "report.png") as picture:
        picture.load()
        assert picture.format == "PNG" and min(picture.size) > 300
    text = (folder / "report.md").read_text("utf-8")
    assert text.startswith("It answers 3 of 9 questions.\n")
    assert "| exact_match | 0.3333 | 0.1206 … 0.6458 | 9 |" in text
    assert "| perplexity | – | nothing was held out | 0 |" in text
    assert "| tokens_per_second | 12,346 |  | 1 |" in text
    assert "| a \\| b c | 汉字 |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    widths = {line.replace("\\|", "").count("|") for line in tables}
    assert widths == {5, 3}


def test_a_report_of_nothing(tmp_path):
    report.write(a_report(figures={}, sections=[], curve=[], answers=[]), tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["curve"] == []
    assert (tmp_path / "answers.jsonl").read_text() == ""


HOSTILE = (
    "![x](http://e.example/p.png)", "<img src=x onerror=y>", "<!-- gone", "[a](javascript:b)", "http://e.example",
    "www.e.example", "**bold**", "_slanted_", "`code`", "~~struck~~", "&lt;b&gt;", "a \\| b", "# head",
    "\\", "1 | 2",
)  # fmt: skip


def test_what_a_model_says_is_shown_and_does_nothing(tmp_path):
    """Rendered, every cell's text is what was said, without an element inside; and no bare link is left."""
    from markdown_it import MarkdownIt

    rows = [["question", "answer"], *([str(number), text] for number, text in enumerate(HOSTILE))]
    text = report.as_markdown(a_report(sections=[report.Section("Answers", table=rows)]))
    table = text.partition("## Answers")[2]
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(table)
    cells = [token.children for token in tokens if token.type == "inline"]
    assert {child.type for cell in cells for child in cell} == {"text"}
    assert ["".join(child.content for child in cell) for cell in cells][3::2] == [
        " ".join(text.split()) for text in HOSTILE
    ]
    assert not re.search(r"(?<!\\)://|www\.", table)


def test_what_cannot_be_seen_is_named(tmp_path):
    rows = [["answer"], ["\x1b[31mred\x00\u202eabc"], ["exact_match"], ["a\nb\tc"], ["渡船👩‍🚀"]]
    text = report.as_markdown(a_report(sections=[report.Section("Answers", table=rows)]))
    assert r"| \\x1b\[31mred\\x00\\u202eabc |" in text
    assert "| exact_match |" in text and "| a b c |" in text and "| 渡船👩‍🚀 |" in text


def test_a_title_in_any_script_is_drawn_without_warnings(tmp_path, monkeypatch):
    """With no font for it the rest is drawn, and where the whole stands; with one, all of it."""
    from matplotlib import font_manager

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report.draw(a_report(title="Build of 港口-1 $x_1$"), tmp_path / "here.png")
        monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
        report.draw(a_report(title="Build of 港口-1"), tmp_path / "none.png")
    assert report._drawable("Build of 港口-1")[0] == "Build of …-1 (whole title: report.md)"
    assert report._drawable("Build of town")[0] == "Build of town"


def test_a_long_curve_is_smoothed_as_a_short_one():
    values = list(np.random.default_rng(0).normal(3, 1, 500))
    wanted = [np.mean(values[max(0, at - 25) : at + 1]) for at in range(500)]
    assert report._trailing_means(values, 26) == pytest.approx(wanted)
    assert len(report._trailing_means([1.0] * 200_000, 10_000)) == 200_000


def test_a_picture_is_the_same_twice(tmp_path):
    for name in "ab":
        report.draw(a_report(), tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


GOOD = {"question": "Who?", "answer": "he", "language": "en"}


def write(path, rows) -> None:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize(
    "bad",
    [
        "{", "[]", "3", '"x"', "null", {"question": "q"}, {"answer": "a"}, {**GOOD, "answer": ""},
        {**GOOD, "answer": 7}, {**GOOD, "question": " "}, {**GOOD, "question": None}, {**GOOD, "language": 3},
        "[" * 50_000, json.dumps({**GOOD, "question": "\ud83d"}), json.dumps({**GOOD, "answer": "\udce9"}),
        {**GOOD, "language": "fr"}, {**GOOD, "language": "english"}, {**GOOD, "language": ["en"]},
    ],
)  # fmt: skip
def test_a_bad_row_is_named(tmp_path, bad):
    path = tmp_path / "questions.jsonl"
    write(path, [GOOD, "", GOOD, bad, GOOD])
    with pytest.raises(InputError, match="Row 4 of") as caught:
        questions.read(path)
    assert "question, answer and language" in caught.value.remedy
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("question,answer", "it is not JSON"),
        ('{"answer": "he"}', "it has no 'question'"),
        ("[1]", "it is no JSON object"),
    ],
)
def test_a_row_that_is_no_question_says_why(tmp_path, line, why):
    path = tmp_path / "questions.csv"
    path.write_text(line)
    with pytest.raises(InputError, match=f"Row 1 of .* is no question: {why}."):
        questions.read(path)


def test_question_files_that_are_read(tmp_path):
    path = tmp_path / "questions.jsonl"
    write(
        path,
        [{**GOOD, "split": "seen"}, {"question": "谁记\u2028账本？", "answer": "a\x85b", "split": "held_out"}, GOOD],
    )
    wanted = [Question("谁记\u2028账本？", "a\x85b", "zh"), Question("Who?", "he", "en")]
    assert questions.read(path) == wanted
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert questions.read(path) == wanted
    write(path, [{**GOOD, "split": "seen"}, {**GOOD, "split": "test"}, {**GOOD, "split": 3}])
    with pytest.raises(InputError, match=r"no question to ask.*3, seen, test") as caught:
        questions.read(path)
    assert "held_out" in caught.value.remedy
    path.write_text("")
    with pytest.raises(InputError, match="no question"):
        questions.read(path)
    with pytest.raises(NotFoundError, match=r"none\.jsonl"):
        questions.read(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("tag", "language"), [("zh-CN", "zh"), ("zh_Hans", "zh"), ("ZH", "zh"), ("en-US", "en"), (" En ", "en"), ("", "en")]
)
def test_language_tags_are_their_first_part(tmp_path, tag, language):
    path = tmp_path / "questions.jsonl"
    write(path, [{**GOOD, "language": tag}])
    assert [(found.language, found.row) for found in questions.read(path)] == [(language, 1)]


def test_a_question_that_could_not_be_asked_counts_as_wrong():
    asked = [Question("Who?", "he", "en", 1), Question("long", "it", "en", 7)]
    scored = questions.ask(asked, lambda prompts, most_tokens, progress=None: ["he", None])
    found = questions.summarise(scored)
    assert (found["n"], found["unanswered"], found["exact_match"]) == (2, 1, 0.5)
    row = scored[1].as_row()
    assert (row["row"], row["answer"], row["score"], row["unanswered"]) == (7, "", 0.0, True)


def test_asking_and_summing_up():
    """An oracle scores 1, a fool 0, and languages are counted apart."""
    asked = [Question("Who?", "the master", "en"), Question("谁？", "管理员", "zh"), Question("When?", "noon", "en")]
    right = {question.question: question.answer for question in asked}

    def oracle(prompts, most_tokens, progress=None):
        return [right[prompt] for prompt in prompts]

    def half(prompts, most_tokens, progress=None):
        return ["Master!" if prompt == "Who?" else "管理" if prompt == "谁？" else "" for prompt in prompts]

    best = questions.summarise(questions.ask(asked, oracle))
    assert (best["n"], best["exact_match"], best["token_f1"]) == (3, 1.0, 1.0)
    found = questions.summarise(questions.ask(asked, half))
    assert found["exact_match"] == pytest.approx(1 / 3)
    assert found["token_f1"] == pytest.approx((1 + 0.8 + 0) / 3)
    assert found["by_language"]["en"]["exact_match"] == 0.5 and found["by_language"]["zh"]["token_f1"] == 0.8
    row = questions.ask(asked, half)[1].as_row()
    assert row["prompt"] == "谁？" and row["answer"] == "管理" and row["expected"] == "管理员" and row["score"] == 0.0
