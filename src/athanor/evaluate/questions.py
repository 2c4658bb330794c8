"""Question files: `question, answer, language` a row, asked closed book, every prompt and answer kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from athanor.core.errors import InputError, NotFoundError
from athanor.evaluate.answers import exact_match, overlap

HELD_OUT = "held_out"
MOST_BYTES = 200_000_000
ANSWER_TOKENS = 48


@dataclass(frozen=True)
class Question:
    """One row of a question file."""

    question: str
    answer: str
    language: str


@dataclass(frozen=True)
class Scored:
    """A question with what the model said and how right it was."""

    question: Question
    answer: str
    exact: float
    precision: float
    recall: float
    f1: float

    def as_row(self) -> dict[str, Any]:
        """The row kept on disk."""
        asked = self.question
        return {
            "prompt": asked.question,
            "answer": self.answer,
            "expected": asked.answer,
            "score": self.exact,
            "token_f1": self.f1,
            "language": asked.language,
        }


class Answerer(Protocol):
    """Answers many single-turn prompts greedily."""

    def __call__(
        self, prompts: Sequence[str], most_tokens: int, progress: Callable[[int], None] | None = None
    ) -> list[str]: ...


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
        raise InputError(
            f"{path} holds no question to ask.",
            value=len(rows),
            limit="at least 1 row",
            remedy="Each line is a JSON object with question, answer and language (en or zh).",
        )
    return wanted


def _row(path: Path, number: int, line: str) -> tuple[Question, str | None]:
    try:
        row = json.loads(line)
        found = Question(row["question"], row["answer"], row.get("language") or guess_language(row["question"]))
        if not all(isinstance(part, str) and part.strip() for part in (found.question, found.answer, found.language)):
            raise ValueError("an empty question, answer or language")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"Row {number} of {path} is no question: {error}.",
            value=line[:200],
            limit="question, answer, language",
            remedy="Each line is a JSON object with question, answer and language (en or zh).",
        ) from None
    return found, row.get("split")


def guess_language(text: str) -> str:
    """zh where a text holds Han characters, else en."""
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else "en"


def ask(
    questions: Sequence[Question], answerer: Answerer, progress: Callable[[int], None] | None = None
) -> list[Scored]:
    """Ask all of them, greedily, one turn each."""
    answers = answerer([question.question for question in questions], ANSWER_TOKENS, progress)
    return [_scored(question, answer) for question, answer in zip(questions, answers, strict=True)]


def _scored(question: Question, answer: str) -> Scored:
    precision, recall, f1 = overlap(answer, question.answer, question.language)
    exact = exact_match(answer, question.answer, question.language)
    return Scored(question, answer, exact, precision, recall, f1)


def summarise(scored: Sequence[Scored]) -> dict[str, Any]:
    """n, exact_match, token_f1 in all and by language."""

    def figures(rows: Sequence[Scored]) -> dict[str, Any]:
        count = max(1, len(rows))
        return {
            "n": len(rows),
            "exact_match": sum(row.exact for row in rows) / count,
            "token_f1": sum(row.f1 for row in rows) / count,
            "token_precision": sum(row.precision for row in rows) / count,
            "token_recall": sum(row.recall for row in rows) / count,
        }

    languages = sorted({row.question.language for row in scored})
    by_language: Mapping[str, Any] = {
        language: figures([row for row in scored if row.question.language == language]) for language in languages
    }
    return {**figures(scored), "by_language": by_language}
