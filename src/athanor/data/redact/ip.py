"""IPv4 and IPv6 addresses. Version numbers have fewer parts or say so before them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from athanor.data.redact.spans import Span

TYPE = "ip"
HINTS = (".", "::", ":")
# Cheap signs of an address, searched first: they begin with a fixed character.
_DOTS = re.compile(r"\.[0-9]{1,3}\.")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_FOUR = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z]|\.[0-9])")
_SIX = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:]{2,39}(?:(?<=:)(?:[0-9]{1,3}\.){3}[0-9]{1,3})?(?![0-9A-Za-z:])")
_VERSION = re.compile(r"(?:version|release|\bv|版本|版)[ \t:：]{0,3}$", re.I)


def find(text: str) -> Iterator[Span]:
    """Every address that the standard library reads as one."""
    for match in _FOUR.finditer(text) if _DOTS.search(text) else ():
        if _is_address(match[0]) and not _VERSION.search(text[max(0, match.start() - 12) : match.start()]):
            yield Span(match.start(), match.end(), TYPE, 0.9)
    for match in _SIX.finditer(text) if _COLONS.search(text) else ():
        # A time has one or two colons, an address at least two and a letter, a double colon or seven.
        word = match[0]
        if word.count(":") >= 2 and len(word) > 5 and ("::" in word or word.count(":") == 7) and _is_address(word):
            yield Span(match.start(), match.end(), TYPE, 0.9)


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
