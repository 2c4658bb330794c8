"""Numbers of bank cards: an issuer's prefix, its length, grouping by spaces or dashes, Luhn's check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.checks import luhn
from athanor.data.redact.spans import Span

TYPE = "bank_card"
DIGITS = 13
_PATTERN = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9][.,\-])[1-6][0-9]{3}(?:[ \-]{0,2}[0-9]){9,15}(?![0-9A-Za-z]|[.\-][0-9])"
)
# Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay: ISO/IEC 7812 prefixes and lengths.
_ISSUERS = re.compile(
    r"(?:1800|2131)[0-9]{11}|4(?:[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}|"
    r"3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35(?:2[89]|[3-8][0-9])[0-9]{12}|"
    r"62[0-9]{14,17}|60[0-9]{14,17}|5[06-9][0-9]{14,17}"
)
_BREAK = re.compile("[ \\-]{1,2}")


def find(text: str) -> Iterator[Span]:
    """Every number whose prefix, length, grouping and check digit are a card's."""
    for match in _PATTERN.finditer(text):
        groups = _BREAK.split(match[0])
        digits = "".join(groups)
        if len(groups) > 6 or min(map(len, groups)) < 1 or (len(groups) > 2 and min(map(len, groups[:-1])) < 3):
            continue
        if _ISSUERS.fullmatch(digits) and len(set(digits)) > 1 and luhn(digits):
            yield Span(match.start(), match.end(), TYPE, 1.0)
