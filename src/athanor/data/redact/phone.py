"""Telephone numbers: Chinese mobiles and landlines, international numbers with +, the written forms of the United
States and the United Kingdom. A bare run of digits of another length is an order number and stays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.spans import Span

TYPE = "phone"
DIGITS = 7
_HEAD = r"(?<![0-9A-Za-z])(?<![0-9][.,\-/:])"
_TAIL = r"(?![0-9A-Za-z]|[\-/:][0-9]|[.,][0-9])"
_CHINA = r"(?:(?:\(\+?86\)|\+86|0086)[ \-]{0,2}|86[ \-])?"
_PATTERNS = (
    # Mobiles: 1, an operator's digit, nine more; written whole, 3-4-4 or 3-3-5.
    (rf"{_HEAD}(?:{_CHINA}|86)1[3-9][0-9](?:[0-9]{{8}}|[ \-.\n][0-9]{{4}}[ \-.\n]?[0-9]{{4}}|"
     rf"[ \-][0-9]{{3}}[ \-][0-9]{{5}}){_TAIL}", 0.9),
    # Landlines: area code with 0 in or without brackets, seven or eight digits, perhaps an extension.
    (rf"{_HEAD}{_CHINA}(?:\(0[1-9][0-9]{{1,2}}\)[ \-]?|0[1-9][0-9]{{1,2}}[ \-])[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}"
     rf"(?:(?:转|轉|分机|-|ext\.?)[ ]?[0-9]{{1,6}})?{_TAIL}", 0.85),
    (rf"{_HEAD}(?:010|02[0-9])[2-9][0-9]{{7}}{_TAIL}", 0.7),
    (rf"{_HEAD}(?:\+|00)86[ \-]?[1-9][0-9]{{1,2}}[ \-][2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}{_TAIL}", 0.85),
    (rf"{_HEAD}[48]00[ \-][0-9]{{3}}[ \-][0-9]{{4}}{_TAIL}|{_HEAD}[48]00-[0-9]{{4}}-[0-9]{{3}}{_TAIL}", 0.8),
    # International: + or 00, country, seven to thirteen digits in groups.
    (r"(?<![0-9A-Za-z])\+[1-9][0-9]{0,2}(?:[ \-.]{0,2}(?:[0-9]{1,5}|\([0-9]{1,5}\))){2,6}(?![0-9A-Za-z])", 0.85),
    # North America: (555) 123-4567, 555-123-4567, 555.123.4567, with or without 1.
    (rf"{_HEAD}(?:1[ \-.])?(?:\([2-9][0-9]{{2}}\)[ \-]?|[2-9][0-9]{{2}}[\-.])[2-9][0-9]{{2}}[\-. ][0-9]{{4}}"
     rf"(?:[ ]?(?:x|ext\.?)[ ]?[0-9]{{1,6}})?{_TAIL}", 0.85),
    # United Kingdom: 020 7946 0958, 01632 960 123, 07700 900123.
    (rf"{_HEAD}(?:\(0[1-9][0-9]{{1,4}}\)|0[1-9][0-9]{{1,4}})[ \-][0-9]{{3,4}}[ \-]?[0-9]{{3,4}}{_TAIL}", 0.75),
    (rf"{_HEAD}0(?:7[0-9]{{3}}[ ]?[0-9]{{6}}|20[ ]?[378][0-9]{{3}}[ ]?[0-9]{{4}}){_TAIL}", 0.75),
)  # fmt: skip
_COMPILED = [(re.compile(pattern), score) for pattern, score in _PATTERNS]
# A short or odd number is a telephone's only behind a word that says so.
WORD = re.compile(
    r"(?:(?<![A-Za-z])(?:tel(?:ephone)?|phone|mobile|cell|fax|call|whatsapp)(?![A-Za-z])|"
    r"电话|手机|传真|热线|座机|電話|手機)"
    r"[^0-9\n+(]{0,12}",
    re.I,
)
_ANY = re.compile(r"[+(]?[0-9](?:[ \-.()]{0,2}[0-9]){6,14}(?![0-9A-Za-z])")
# What begins like this is none even there: a day, years, a decimal. 347.1234567, 71.123456, 1.5551234567, 06.12345678
# and what goes on in groups of digits are written for telephones; what is in doubt is taken for one.
_YEAR = r"(?:1[5-9][0-9]{2}|20[0-3][0-9])"
_DAY = r"[12][0-9]{3}([\-.])[01]?[0-9]\1[0-3]?[0-9]|[0-3]?[0-9]([\-.])[01]?[0-9]\2[12][0-9]{3}"
_DECIMAL = (
    r"(?!0[0-9])(?:[0-9]{1,2}\.[0-9]+[ ]?(?:[ckm]?m|k?g|%)(?![A-Za-z])|"
    r"(?:[02-9]\.[0-9]{5,9}(?![0-9])|[0-9]+\.[0-9]{1,2})(?!\.[0-9]|[ \-.()]{1,2}[0-9](?!\.[0-9])))"
)
_ORDINARY = re.compile(rf"(?:{_DAY}|{_YEAR}(?:[ ]?-[ ]?|[ ]){_YEAR}|{_DECIMAL})(?![0-9])")
# People are called too, in round numbers: `call 5000000 people`.
_LITTLE = "now|today|tonight|for|to|and|or|if|at|in|on|any|about|with|from|between|before|after|when|then|please"
_COUNTED = re.compile(rf"[Cc]all [1-9][0-9]{{0,2}}0{{5,}} (?!(?:{_LITTLE})\b)[a-z]")


def find(text: str) -> Iterator[Span]:
    """Every number in one of the written forms, and any number of 7 to 15 digits behind a word for telephone."""
    for pattern, score in _COMPILED:
        for match in pattern.finditer(text):
            digits = sum("0" <= character <= "9" for character in match[0])
            if 7 <= digits <= 21 and not _is_span_of_years(match[0]):
                yield Span(match.start(), match.end(), TYPE, score)
    for match in WORD.finditer(text):
        found = _ANY.match(text, match.end())
        if found and not _COUNTED.match(text, match.start()) and not _ORDINARY.match(text, found.start()):
            yield Span(found.start(), found.end(), TYPE, 0.8)


def _is_span_of_years(word: str) -> bool:
    return bool(re.fullmatch(r"[12][0-9]{3} ?- ?[12][0-9]{3}|[12][0-9]{3}-[01][0-9]-[0-3][0-9]", word))
