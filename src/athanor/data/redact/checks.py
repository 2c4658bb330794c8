"""Check digits: Luhn, ISO 7064 (mod 11-2, mod 97-10), GB 32100."""

from __future__ import annotations

import datetime

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def luhn(digits: str) -> bool:
    """Bank cards: every second digit from the right doubled, the sum a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2:
            value = value * 2 - 9 * (value > 4)
        total += value
    return total % 10 == 0


def iban(word: str) -> bool:
    """ISO 13616: country and check digits to the end, letters as numbers, remainder 1 by 97."""
    return int("".join(str(int(letter, 36)) for letter in word[4:] + word[:4])) % 97 == 1


def resident_id(word: str) -> bool:
    """GB 11643: the 18th character follows from the 17 before it (ISO 7064, mod 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(word, _ID_WEIGHTS, strict=False))
    return word[17].upper() == "10X98765432"[total % 11]


def credit_code(word: str) -> bool:
    """GB 32100: the 18th character follows from the 17 before it, in 31 letters."""
    total = sum(CREDIT_LETTERS.index(letter) * weight for letter, weight in zip(word, _CREDIT_WEIGHTS, strict=False))
    return CREDIT_LETTERS[-total % 31] == word[17]


def is_date(year: int, month: int, day: int) -> bool:
    """Whether somebody could have been born then."""
    try:
        return datetime.date(1850, 1, 1) <= datetime.date(year, month, day) <= datetime.date(2100, 1, 1)
    except ValueError:
        return False
