"""SentencePiece's own cleaning of text: the rules of its `precompiled_charsmap`, and its spaces.

The rules are a double-array trie (Aoe 1989, as in s-yata/darts-clone) from UTF-8 to places in a block of strings that
end in NUL. The `tokenizers` library reads them too, but takes of several rules the shortest instead of the longest
(half-width kana with its mark, letters with two accents), so they are applied here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

SPACE = "\u2581"
"""What stands for a space inside pieces."""

LONGEST_KEY = 128
MOST_STEPS = 1_000_000
"""A walk through the rules of `nmt_nfkc`, which most models carry, takes about 260 000."""


@dataclass(frozen=True)
class Cleaning:
    """A text as a SentencePiece model wants to see it."""

    rules: Mapping[str, str] = field(default_factory=dict)
    """What each string becomes; where several begin at the same letter, the longest counts."""

    dummy_prefix: bool = True
    """A space goes before the text (behind it, where `suffix`)."""

    remove_extra_spaces: bool = True
    """Spaces at both ends go, runs of them become one."""

    suffix: bool = False
    """The model was trained with the space at a word's end."""

    symbols: tuple[str, ...] = ()
    """Strings that no rule touches."""

    def __call__(self, text: str) -> str:
        """The text as the pieces cover it."""
        if not text or (self.remove_extra_spaces and all(self.rules.get(letter, letter) == " " for letter in text)):
            return ""
        text = self._ruled(text)
        if self.remove_extra_spaces:
            text = re.sub(" {2,}", " ", text).lstrip(" ")
        if self.dummy_prefix and not self.suffix:
            text = " " + text
        text = text.replace(" ", SPACE)
        if self.remove_extra_spaces:
            text = text.rstrip(SPACE)
        return text + SPACE if self.dummy_prefix and self.suffix else text

    def _ruled(self, text: str) -> str:
        if not self.rules:
            return text
        if not self.symbols:
            return self._replaced(text)
        parts = self._symbol.split(text)
        return "".join(part if turn % 2 else self._replaced(part) for turn, part in enumerate(parts))

    def _replaced(self, text: str) -> str:
        out: list[str] = []
        at = 0
        while found := self._pairs.search(text, at):
            begin = found.start()
            out.append(text[at:begin].translate(self._single))
            for size in range(min(self._longest, len(text) - begin), 0, -1):
                key = text[begin : begin + size]
                if size == 1 or key in self.rules:
                    out.append(self.rules.get(key, key))
                    at = begin + size
                    break
        out.append(text[at:].translate(self._single))
        return "".join(out)

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.rules))

    @cached_property
    def _single(self) -> dict[int, str]:
        """The rules for single letters."""
        return {ord(key): value for key, value in self.rules.items() if len(key) == 1}

    @cached_property
    def _pairs(self) -> re.Pattern[str]:
        """Where a rule for several letters can begin: at the first letter of one before the second of one."""
        first, second = (_letters({key[place] for key in self.rules if len(key) > 1}) for place in (0, 1))
        return re.compile(f"{first}(?={second})")

    @cached_property
    def _symbol(self) -> re.Pattern[str]:
        return re.compile("(" + "|".join(map(re.escape, sorted(self.symbols, key=len, reverse=True))) + ")")


def _letters(letters: Iterable[str]) -> str:
    """A class of a regular expression; without letters one that nothing is in."""
    return "[" + ("".join(map(re.escape, sorted(letters))) or r"^\s\S") + "]"


def read_rules(raw: bytes) -> dict[str, str]:
    """The rules of a precompiled charsmap. Raises ValueError for what is none.

    Branches may share their ends, so that a small file can spell a great many keys, and a broken one goes in circles:
    the walk ends after MOST_STEPS, a key after LONGEST_KEY.
    """
    if not raw:
        return {}
    if len(raw) < 4 or (size := int.from_bytes(raw[:4], "little")) > len(raw) - 4 or size % 4 or not size:
        raise ValueError(f"its charsmap of {len(raw)} bytes has no room for its own trie")
    units = struct.unpack(f"<{size // 4}I", raw[4 : 4 + size])
    strings = raw[4 + size :]
    children: dict[int, list[int]] = {}
    for place, unit in enumerate(units[1:], 1):
        if not unit & 0x8000_0000 and (label := unit & 0xFF):
            children.setdefault(place ^ label, []).append(place)
    rules: dict[str, str] = {}
    todo: list[tuple[int, bytes]] = [(0, b"")]
    for _ in range(MOST_STEPS):
        if not todo:
            break
        place, key = todo.pop()
        base = place ^ _offset(units[place])
        if units[place] & 0x100:
            rules[key.decode("utf-8")] = _string(strings, units, base)
        if len(key) < LONGEST_KEY:
            todo += [(child, key + bytes([units[child] & 0xFF])) for child in children.get(base, ())]
        elif base in children:
            raise ValueError(f"a rule of its charsmap is for more than {LONGEST_KEY} bytes")
    else:
        raise ValueError(f"its charsmap has more than {MOST_STEPS} branches")
    rules.pop("", None)
    return rules


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & 0x200) >> 6)


def _string(strings: bytes, units: tuple[int, ...], leaf: int) -> str:
    """The string that a leaf unit points at."""
    start = units[leaf] & 0x7FFF_FFFF if leaf < len(units) else len(strings)
    end = strings.find(b"\0", start)
    if start >= len(strings) or end < 0:
        raise ValueError(f"a rule of its charsmap points at {start}, beyond {len(strings)} bytes")
    return strings[start:end].decode("utf-8")
