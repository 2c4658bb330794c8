"""International bank account numbers, ISO 13616, with the countries' lengths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athanor.data.redact.checks import iban
from athanor.data.redact.spans import Span

TYPE = "iban"
DIGITS = 8
_PATTERN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?:[ \-]?[0-9A-Z]){11,30}(?![0-9A-Za-z])", re.I)
# SWIFT's registry of IBAN formats.
LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Every account number; words in capitals behind one are not taken with it."""
    for match in _PATTERN.finditer(text):
        length = LENGTHS.get(match[0][:2].upper())
        if length is None:
            continue
        end, solid = match.start(), ""
        for character in match[0]:
            if len(solid) == length:
                break
            solid += character if character.isalnum() else ""
            end += 1
        whole = end == match.end() or not text[end].isalnum()
        if len(solid) == length and whole and iban(solid.upper()):
            yield Span(match.start(), end, TYPE, 1.0)
