"""Question files: `question, answer, language` a row, asked closed book, every prompt and answer kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from athanor.core.errors import InputError, NotFoundError
from athanor.evaluate.answers import LANGUAGES, exact_match, overlap

HELD_OUT = "held_out"
MOST_BYTES = 200_000_000
ANSWER_TOKENS = 48
FIGURES = {"exact_match": "exact", "token_f1": "f1", "token_precision": "precision", "token_recall": "recall"}
"""Metrics of answers, and where a Scored holds each."""


@dataclass(frozen=True)
class Question:
    """One row of a question file."""

    question: str
    answer: str
    language: str
    row: int | None = field(default=None, compare=False)
    """Its line in the file, from 1."""


@dataclass(frozen=True)
class Scored:
    """A question with what the model said and how right it was."""

    question: Question
    answer: str
    exact: float
    precision: float
    recall: float
    f1: float
    unanswered: bool = False
    """It was too long to be asked; the answer is empty."""

    def as_row(self) -> dict[str, Any]:
        """The row kept on disk."""
        asked = self.question
        return {
            "row": asked.row,
            "prompt": asked.question,
            "answer": self.answer,
            "expected": asked.answer,
            "score": self.exact,
            "token_f1": self.f1,
            "language": asked.language,
            "unanswered": self.unanswered,
        }


def spread(asked: Sequence[Question], most: int) -> list[Question]:
    """At most so many of the questions, evenly from the whole file."""
    number = min(most, len(asked))
    return [asked[at * len(asked) // number] for at in range(number)]


class Answerer(Protocol):
    """Answers many single-turn prompts greedily; None for one that leaves no room in the context."""

    def __call__(
        self, prompts: Sequence[str], most_tokens: int, progress: Callable[[int], None] | None = None
    ) -> Sequence[str | None]: ...


def read(path: Path) -> list[Question]:
    """The rows of a question file; where rows carry a `split`, the held-out ones. Raises InputError naming the row."""
    if not path.is_file():
        raise NotFoundError(f"There is no question file {path}.", value=str(path), remedy="Check the path.")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(
            f"{path} has {path.stat().st_size} bytes.",
            value=path.stat().st_size,
            limit=MOST_BYTES,
            remedy="Split the file.",
        )
    rows = []
    for number, line in enumerate(path.read_text("utf-8-sig", "replace").split("\n"), start=1):
        if line.strip():
            rows.append(_row(path, number, line))
    wanted = [question for question, split in rows if split in (None, HELD_OUT)]
    if not wanted:
        raise _nothing_to_ask(path, sorted({str(split)[:40] for _, split in rows}))
    return wanted


def _nothing_to_ask(path: Path, splits: Sequence[str]) -> InputError:
    if splits:
        return InputError(
            f"{path} holds no question to ask: its rows have the split {', '.join(splits[:8])}.",
            value=splits,
            limit=HELD_OUT,
            remedy=f"Rows with the split {HELD_OUT}, or with none, are asked.",
        )
    return InputError(
        f"{path} holds no question to ask.",
        value=0,
        limit="at least 1 row",
        remedy="Each line is a JSON object with question, answer and language (en or zh).",
    )


def _row(path: Path, number: int, line: str) -> tuple[Question, Any]:
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError("it is no JSON object")
        asked, answer = row["question"], row["answer"]
        for part in (asked, answer):
            if not isinstance(part, str) or not part.strip():
                raise ValueError("an empty question or answer")
            part.encode()  # half a UTF-16 pair is no text
        found = Question(asked, answer, _language(row.get("language") or guess_language(asked)), number)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"Row {number} of {path} is no question: {_why(error)}.",
            value=line[:200],
            limit="question, answer, language",
            remedy="Each line is a JSON object with question, answer and language (en or zh).",
        ) from None
    return found, row.get("split")


def _why(error: Exception) -> str:
    """What is wrong with a row, in words."""
    if isinstance(error, json.JSONDecodeError):
        return "it is not JSON"
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _language(tag: Any) -> str:
    """en or zh of a language tag such as zh-CN, zh_Hans or EN (BCP 47's first part)."""
    found = tag.replace("_", "-").split("-")[0].strip().lower() if isinstance(tag, str) else None
    if found not in LANGUAGES:
        raise ValueError(f"the language {tag!r:.40} is none of {', '.join(LANGUAGES)}")
    return found


def guess_language(text: str) -> str:
    """zh where a text holds Han characters, else en."""
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else "en"


def ask(
    questions: Sequence[Question], answerer: Answerer, progress: Callable[[int], None] | None = None
) -> list[Scored]:
    """Ask all of them, greedily, one turn each."""
    answers = answerer([question.question for question in questions], ANSWER_TOKENS, progress)
    return [_scored(question, answer) for question, answer in zip(questions, answers, strict=True)]


def _scored(question: Question, answer: str | None) -> Scored:
    said = answer or ""
    precision, recall, f1 = overlap(said, question.answer, question.language)
    exact = exact_match(said, question.answer, question.language)
    return Scored(question, said, exact, precision, recall, f1, unanswered=answer is None)


def summarise(scored: Sequence[Scored]) -> dict[str, Any]:
    """n, how many were unanswered, and the mean of each of FIGURES (0 where nothing was asked): in all, by language."""

    def figures(rows: Sequence[Scored]) -> dict[str, Any]:
        means = {name: sum(values_of(rows, name)) / max(1, len(rows)) for name in FIGURES}
        return {"n": len(rows), "unanswered": sum(row.unanswered for row in rows), **means}

    languages = sorted({row.question.language for row in scored})
    by_language: Mapping[str, Any] = {
        language: figures([row for row in scored if row.question.language == language]) for language in languages
    }
    return {**figures(scored), "by_language": by_language}


def values_of(scored: Sequence[Scored], name: str) -> list[float]:
    """One of FIGURES, row by row."""
    return [float(getattr(row, FIGURES[name])) for row in scored]
