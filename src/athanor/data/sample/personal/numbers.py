"""Identifiers that nobody has: from number ranges kept free for invention where there are any, with right check digits.

Telephones: the ranges Ofcom reserves for drama (United Kingdom), the unassigned 199 0000 block (China). Network
addresses: RFC 5737. Domains: RFC 2606 (.example). Resident IDs: GB 11643 (check digit ISO 7064 MOD 11-2). Credit
codes: GB 32100. Cards: Luhn. IBAN: ISO 13616 (MOD 97-10) with a bank that does not exist.
"""

from __future__ import annotations

import random
import string
from datetime import date, timedelta

REGIONS = ("110105", "310104", "330106", "350203", "350582", "370202", "440305", "460105", "500103", "210202")
CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = [pow(3, place, 31) for place in range(17)]
ID_WEIGHTS = [pow(2, 17 - place, 11) for place in range(17)]
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def digits(rng: random.Random, number: int) -> str:
    """So many random digits."""
    return "".join(rng.choice(string.digits) for _ in range(number))


def resident_id(rng: random.Random) -> str:
    """18 signs: region, birth date 1940 to 2004, sequence, check digit."""
    born = date(1940, 1, 1) + timedelta(days=rng.randrange(365 * 65))
    body = f"{rng.choice(REGIONS)}{born:%Y%m%d}{rng.randrange(1, 1000):03}"
    return body + resident_check(body)


def resident_check(body: str) -> str:
    """The 18th sign of a Chinese resident ID."""
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def credit_code(rng: random.Random) -> str:
    """18 signs of a unified social credit code of a company."""
    body = "91" + rng.choice(REGIONS) + "MA" + "".join(rng.choice(CREDIT_SIGNS) for _ in range(7))
    return body + credit_check(body)


def credit_check(body: str) -> str:
    """The 18th sign of a unified social credit code."""
    total = sum(CREDIT_SIGNS.index(sign) * weight for sign, weight in zip(body, CREDIT_WEIGHTS, strict=True))
    return CREDIT_SIGNS[(31 - total % 31) % 31]


def bank_card(rng: random.Random, chinese: bool) -> str:
    """A card number: 19 digits in China, 16 in four groups elsewhere."""
    if chinese:
        body = "622200" + digits(rng, 12)
        return body + luhn_check(body)
    body = "4000 00" + digits(rng, 9)
    body = "".join(body.split())
    whole = body + luhn_check(body)
    return " ".join(whole[start : start + 4] for start in range(0, 16, 4))


def luhn_check(body: str) -> str:
    """The last digit of a card number."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def iban(rng: random.Random) -> str:
    """A British IBAN of the bank XHBR, which does not exist, in groups of four."""
    account = "XHBR" + digits(rng, 14)
    whole = "GB" + iban_check("GB", account) + account
    return " ".join(whole[start : start + 4] for start in range(0, len(whole), 4))


def iban_check(country: str, account: str) -> str:
    """The two check digits of an IBAN."""
    number = "".join(str(int(sign, 36)) for sign in account + country + "00")
    return f"{98 - int(number) % 97:02}"


def phone(rng: random.Random, chinese: bool) -> str:
    """A telephone number of a reserved range."""
    if chinese:
        last = digits(rng, 4)
        return rng.choice((f"1990000{last}", f"199 0000 {last}", f"+86 199 0000 {last}"))
    last = digits(rng, 3)
    return rng.choice((f"07700 900{last}", f"020 7946 0{last}", f"01632 960{last}", f"+44 7700 900{last}"))


def ip(rng: random.Random) -> str:
    """An address of the three networks for documentation."""
    return f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randrange(1, 255)}"


def passport(rng: random.Random, chinese: bool) -> str:
    """A passport's number."""
    return ("E" + digits(rng, 8)) if chinese else "9" + digits(rng, 8)


def plate(rng: random.Random, chinese: bool) -> str:
    """A number plate."""
    letters = [rng.choice(PLATE_LETTERS) for _ in range(5)]
    if chinese:
        return f"{rng.choice('闽浙琼粤鲁')}{letters[0]}{letters[1]}{digits(rng, 4)}"
    return f"{letters[0]}{letters[1]}{rng.randrange(51, 75)} {''.join(letters[2:])}"
