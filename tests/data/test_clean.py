"""Cleaning: canonical, idempotent, and nothing visible is lost. `pytest tests/data/test_clean.py`."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.data.clean import clean

AWKWARD = (
    "ae\u0301 \t\r\n\u2028\x85\x0b\x0c\u200b\u200c\u200d"
    "\u202e\u2066\ufeff\U000e0041\x00\x07\ud800\ufffd\u3000\xa0👩🏽\u0915\u094d，ｆ"
)


def test_line_ends_spaces_and_blank_lines() -> None:
    assert clean("a\r\nb \t\r\rc\n\n\n\n\n\nd\u2028e　\n\n")[0] == "a\nb\n\nc\n\n\nd\ne"


def test_suspicious_characters_go_and_are_counted() -> None:
    text, removed = clean("pay\u202eload\u202c \U000e0068\U000e0069 a\x00b\x1bc z\u200bw \ufeff x\ufffd")
    assert text == "payload  abc zw  x"
    assert removed == {"bidi": 2, "tag": 2, "control": 2, "zero_width": 2, "undecodable": 1}


def test_joiners_stay_where_they_join() -> None:
    family, indic = "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈", "क्\u200dष می\u200cخواهم"
    assert clean(family) == (family, {})
    assert clean(indic)[0] == indic
    assert clean("pass\u200dword 银\u200d行")[0] == "password 银行"


def test_chinese_punctuation_and_full_width_letters_stay() -> None:
    text = "他说：“好！”（ＡＢＣ１２３）——完。"
    assert clean(text) == (text, {})


def test_the_first_line_keeps_its_indentation() -> None:
    assert clean("\n\n    code()\n")[0] == "    code()"


@settings(max_examples=300, deadline=None)
@given(st.text(st.one_of(st.sampled_from(AWKWARD), st.characters()), max_size=60))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text)[0]
    assert clean(once) == (once, {})
    assert unicodedata.is_normalized("NFC", once)
    once.encode("utf-8")
