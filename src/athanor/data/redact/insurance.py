"""Numbers of insurance policies and members, behind a word that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.context import find_after
from athanor.data.redact.spans import Span

TYPE = "insurance"
HINTS = (
    *("insurance policy", "insurance id", "insurance no", "insurance number", "insurance card", "policy no"),
    *("policy number", "member id", "member no", "member number", "nino", "national insurance", "health plan"),
    *(
        "保单号",
        "保單號",
        "保单编号",
        "社保号",
        "社会保障号",
        "社保卡号",
        "医保号",
        "医保卡号",
        "医保编号",
        "参保号",
        "健保卡號",
    ),
)
WORD = re.compile("|".join(rf"(?<![A-Za-z]){hint}" for hint in HINTS), re.I)
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?:[A-Z]{2}[ ]?[0-9]{2}[ ]?[0-9]{2}[ ]?[0-9]{2}[ ]?[A-D]|[A-Z]{0,5}-?[0-9]{5,18}(?:-[0-9]{1,8})?)"
    r"(?![0-9A-Za-z])",
    re.I,
)


def find(text: str) -> Iterator[Span]:
    """The number behind the word."""
    yield from find_after(text, WORD, _NUMBER, TYPE, 0.8)
