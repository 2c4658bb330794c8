"""Chats made from the structure of documents, for folders that hold none: a heading and its section, a table's row and
its sentence, a question's line and the answer below it. Which wording a question gets follows from a hash, so that the
same document always gives the same chats."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from athanor.data.documents import Message
from athanor.data.quality import count_han
from athanor.data.tables import is_row, tables

SECTION = 600  # characters of a section that are taken, up to the end of a sentence
MIN_SECTION = {"en": 20, "zh": 8}  # a Chinese sentence takes fewer characters
MAX_ROWS = 200  # of one table
# Runs of blanks are possessive: where a line has thousands of them, giving back costs their square.
_HEADING = re.compile(r"^#{1,6}[ \t]++(.{1,120}?)[ \t#]*+$")
_FENCE = re.compile(r"[ \t]*(`{3,}+(?!.*`)|~{3,})")
_ASKED = re.compile(
    r"^[ \t>*_#-]{0,8}(?:Q(?:uestion)?|问|問|问题|提问)[ \t]*+[0-9]{0,3}+[ \t]*+[:：.、][ \t*_]*(.+)$", re.I
)
_ANSWERED = re.compile(
    r"^[ \t>*_-]{0,8}(?:A(?:nswer)?|答|回答|答案)[ \t]*+[0-9]{0,3}+[ \t]*+[:：.、][ \t*_]*(.+)$", re.I
)
_MARKED = re.compile(r"(?:^|\n)[ \t>*_#-]{0,8}(?:Q|问|問)", re.I)
_FIELD = re.compile(r"\w{1,20}[:：]")
_NO_PROSE = ("#", "|", "-", "```", '"', "“", "「", "'", "‘")
_NUMBERING = re.compile(r"^[0-9一二三四五六七八九十]{1,3}[.、)．]?[0-9.]{0,6}[ \t]*")
_MARKUP = re.compile(r"[*_`]{1,3}|!?\[([^\]]{0,200})\]\([^)]{0,400}\)")
_SENTENCE = re.compile(r"[。！？]|[.!?](?=\s|$)")

ABOUT = {
    "en": ("What can you tell me about {0}?", "Tell me about {0}.", "What is there to know about {0}?", "{0}?"),
    "zh": ("请介绍一下{0}。", "请讲讲{0}。", "关于{0}，你知道些什么？", "说说{0}。"),
}
ENTRY = {
    "en": ("What is the {1} of {0}?", "{0}: what is the {1}?", "Tell me the {1} of {0}.", "Which {1} does {0} have?"),
    "zh": ("{0}的{1}是{2}？", "请问{0}的{1}是{2}？", "请告诉我{0}的{1}。", "我想知道{0}的{1}。"),
}
_TIME = re.compile(
    r"(?<!\d)\d{1,2}[:：]\d{2}(?!\d)|\d(?:[点點时時月]|年(?![级級])|日(?!元))|月\d+[号號]|\d{4}-\d{1,2}-\d{1,2}"
)
_QUANTITY = re.compile(r"[约約¥￥$€£+−-]?\d[\d.,]*+ ?(?![号號])[^\d\s]{0,3}")
_HEADED = (
    "船舰艦机機校队隊市镇鎮乡鄉村县縣省州区區部院站所局会會馆館店家"
    "班排连連营營团團组組厂廠社司科处處厅廳行庭台学學首酋议議书書事"
)
"""What has a 长 at its head; other words that end in it are lengths and talents."""
_PERSON = re.compile(f"(?:人|员|員|者|师|師|主|[{_HEADED}][长長]|看守|姓名)$")
ENTRY_ANSWER = {"en": "The {1} of {0} is {2}.", "zh": "{0}的{1}是{2}。"}
ROW = {"en": ("What do you know about {0}?", "Tell me about {0}."), "zh": ("介绍一下{0}。", "关于{0}有哪些记载？")}


class Made(NamedTuple):
    """A chat of one question and its answer."""

    origin: str
    messages: list[Message]


def made(text: str) -> Iterator[Made]:
    """The chats that a document's structure gives."""
    language = "zh" if count_han(text[:20_000]) * 3 > min(len(text), 20_000) * 0.6 else "en"
    for origin, pairs in (
        ("heading", _headings(text, language)),
        ("table", _tables(text, language)),
        ("lines", _questions(text)),
    ):
        for question, answer in pairs:
            yield Made(origin, [("user", question), ("assistant", answer)])


def _wording(forms: tuple[str, ...], key: str) -> str:
    return forms[hashlib.sha256(key.encode("utf-8")).digest()[0] % len(forms)]


def _plain(text: str) -> str:
    return _MARKUP.sub(lambda match: match[1] or "", text).strip()


def _headings(text: str, language: str) -> Iterator[tuple[str, str]]:
    for title, body in _sections(text):
        section = _section(body)
        name = _NUMBERING.sub("", _plain(title))
        if name and len(section) >= MIN_SECTION[language]:
            asked = name if name[-1] in "?？" else _wording(ABOUT[language], name + section).format(name)
            yield asked, section


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """(heading, lines below it); what looks like a heading in fenced code is a comment."""
    title, body, fence = "", [], ""
    for line in text.split("\n"):
        fence = _fence_behind(line, fence)
        found = None if fence else _HEADING.match(line)
        if found:
            yield title, body
            title, body = found[1], []
        else:
            body.append(line)
    yield title, body


def _fence_behind(line: str, fence: str) -> str:
    """The fence that is open behind a line, given the one before it; empty where there is none."""
    if not fence:
        found = _FENCE.match(line)
        return found[1] if found else ""
    bare = line.strip()
    return "" if bare.startswith(fence) and not bare.strip(fence[0]) else fence


def _section(lines: list[str]) -> str:
    """The prose of a section, up to the last sentence that ends within SECTION characters."""
    pairs = {number for question, answer, _, _ in _marked(lines) for number in (question, answer)}
    kept = [
        line
        for number, line in enumerate(lines)
        if not is_row(line)
        and not line.startswith(("```", "    ", "![", "<"))
        and number not in pairs  # these are chats of their own
    ]
    text = _plain("\n".join(kept).strip())
    if len(text) <= SECTION:
        return text
    ends = [match.end() for match in _SENTENCE.finditer(text, 0, SECTION)]
    return text[: ends[-1]].strip() if ends else ""


def _tables(text: str, language: str) -> Iterator[tuple[str, str]]:
    if "|" not in text:
        return
    for header, rows in tables(text):
        names = [_plain(cell) for cell in header]
        for row in rows[:MAX_ROWS]:
            cells = [_plain(cell) for cell in row]
            if len(cells) >= 2 and cells[0] and names[0]:
                yield from _row(names, cells, language)


def _row(names: list[str], cells: list[str], language: str) -> Iterator[tuple[str, str]]:
    known = [(name, cell) for name, cell in zip(names[1:], cells[1:], strict=False) if name and cell]
    for name, cell in known:
        subject = name.lower() if language == "en" and name[1:].islower() else name
        asked = _wording(ENTRY[language], cells[0] + name).format(cells[0], subject, _interrogative(name, cell))
        yield asked, ENTRY_ANSWER[language].format(cells[0], subject, cell)
    if len(known) > 1:
        sentence = "; ".join(f"{name}: {cell}" for name, cell in known)
        if language == "zh":
            sentence = "；".join(f"{name}：{cell}" for name, cell in known) + "。"
        yield _wording(ROW[language], cells[0]).format(cells[0]), sentence


def _interrogative(name: str, cell: str) -> str:
    """The Chinese word that asks for such a cell: when, how much, who, or what."""
    if _TIME.search(cell):
        return "什么时候"
    if any(letter.isdigit() for letter in cell):
        return "多少" if _QUANTITY.fullmatch(cell) else "什么"
    return "谁" if _PERSON.search(name) else "什么"


def _questions(text: str) -> Iterator[tuple[str, str]]:
    """`Q:` and `A:` lines, and a paragraph of one question with the paragraph below it."""
    if "?" not in text and "？" not in text and not _MARKED.search(text):
        return
    lines = [line.strip() for line in text.split("\n")]
    for _, _, question, answer in _marked(lines):
        yield _plain(question), _plain(answer)
    for n, line in enumerate(lines[:-1]):
        if line.endswith(("?", "？")) and (n == 0 or not lines[n - 1]) and not _ASKED.match(line):
            answer = lines[_next(lines, n)]
            if _is_pair(line, answer):
                yield _plain(line.lstrip("#>* ")), _plain(answer)


def _marked(lines: list[str]) -> Iterator[tuple[int, int, str, str]]:
    """(line of the question, line of the answer, question, answer) of each `Q:` with its `A:`."""
    for n, line in enumerate(lines[:-1]):
        asked = _ASKED.match(line)
        if asked:
            after = _next(lines, n)
            answered = _ANSWERED.match(lines[after])
            if answered:
                yield n, after, asked[1], answered[1]


def _next(lines: list[str], n: int) -> int:
    """The line behind line n, past up to two empty ones."""
    after = n + 1
    while after < len(lines) - 1 and not lines[after].strip() and after - n <= 2:
        after += 1
    return after


def _is_pair(question: str, answer: str) -> bool:
    """Whether a line is one question and the next a statement, and not a page of dialogue or a list of fields."""
    if question.startswith(_NO_PROSE) or "|" in question or len(question) > 160 or _FIELD.match(answer):
        return False
    if len(_SENTENCE.findall(question)) != 1 or answer.endswith(("?", "？")) or answer.startswith(_NO_PROSE):
        return False
    return 2 <= len(answer) <= SECTION
