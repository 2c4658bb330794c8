"""Right or wrong, and how much of it: exact match, token precision, recall and F1 of short answers.

English is normalised as SQuAD does (Rajpurkar et al. 2016, arXiv:1606.05250, official script): lower case, without
punctuation, articles and superfluous spaces. Chinese: NFKC, lower case, without spaces, punctuation and symbols but
for those that make a number another number (3.5, 50%, -5, 18+, 7:30, 1/2); its tokens are characters, and whole
numbers and Latin words.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = set(string.punctuation)
LANGUAGES = ("en", "zh")
# A sign stands before a number, % and + may follow it, the others stand between two digits. A comma there only parts
# thousands.
IN_NUMBERS = re.compile(r"(?<![a-z0-9])[+-](?=[0-9])|(?<=[0-9])[.:/~-](?=[0-9])|(?<=[0-9])[%‰+]")
CHINESE_TOKENS = re.compile(r"[0-9.:/~%‰+-]+|[a-zß-öø-ɏ]+|.")


def normalise(text: str, language: str) -> str:
    """The form in which two answers are compared."""
    if language == "zh":
        folded = "".join(unicodedata.normalize("NFKC", text).lower().replace("−", "-").split())
        kept = {found.start() for found in IN_NUMBERS.finditer(folded)}
        return "".join(c for at, c in enumerate(folded) if at in kept or unicodedata.category(c)[0] not in "PSC")
    lowered = "".join(c for c in text.lower() if c not in PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", lowered).split())


def tokens(text: str, language: str) -> list[str]:
    """What F1 counts: words; for Chinese characters, numbers and Latin words."""
    normal = normalise(text, language)
    return CHINESE_TOKENS.findall(normal) if language == "zh" else normal.split()


def exact_match(answer: str, expected: str, language: str) -> float:
    """1.0 where the two are the same after normalising, else 0.0."""
    return float(normalise(answer, language) == normalise(expected, language))


def overlap(answer: str, expected: str, language: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the answer's tokens."""
    found, wanted = tokens(answer, language), tokens(expected, language)
    if not found or not wanted:
        same = float(found == wanted)
        return same, same, same
    common = sum((Counter(found) & Counter(wanted)).values())
    precision, recall = common / len(found), common / len(wanted)
    return precision, recall, f1(precision, recall)


def f1(precision: float, recall: float) -> float:
    """Harmonic mean; 0 where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def accuracy(predicted: Sequence[object], wanted: Sequence[object]) -> float:
    """Share of equal pairs."""
    return sum(a == b for a, b in zip(predicted, wanted, strict=True)) / len(wanted)


def precision_recall_f1(predicted: Sequence[object], wanted: Sequence[object]) -> dict[str, float]:
    """Macro averages over the classes in either, and micro F1, as scikit-learn computes them (0 where undefined)."""
    classes = sorted(set(predicted) | set(wanted), key=str)
    rows = []
    for each in classes:
        hit = sum(p == each == w for p, w in zip(predicted, wanted, strict=True))
        named = sum(p == each for p in predicted)
        there = sum(w == each for w in wanted)
        precision, recall = hit / named if named else 0.0, hit / there if there else 0.0
        rows.append((precision, recall, f1(precision, recall)))
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return {
        "precision": means[0],
        "recall": means[1],
        "f1_macro": means[2],
        "f1_micro": accuracy(predicted, wanted),
    }
