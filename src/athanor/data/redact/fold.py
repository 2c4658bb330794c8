"""One form for disguised characters, with the way back: full-width digits, exotic dashes and spaces, letters between
digits, runs of Chinese digits, zero-width characters."""

from __future__ import annotations

import re

import msgspec

from athanor.data.redact.spans import Span

_FULL = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
# These end a token; ASCII's would join it to what follows.
_KEEP = {ord(mark) for mark in "，；！？（）［］｛｝＂＇＜＞"}
_TABLE = {code: to for code, to in _FULL.items() if code not in _KEEP}
_TABLE |= {ord(dash): ord("-") for dash in "‐‑‒–—―−﹣"}
_TABLE |= {
    ord(space): ord(" ")
    for space in "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
}
_CHINESE_DIGITS = {
    ord(digit): str(value)
    for digits in ("〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
    for value, digit in enumerate(digits)
}
_CHINESE_DIGITS[ord("○")] = "0"
_RUN = re.compile("[〇○零一二三四五六七八九壹贰叁肆伍陆柒捌玖0-9]{11,19}")
# Letters taken for digits: between digits, or in a run of the length of a number that is mostly digits.
_LETTER = re.compile("(?<=[0-9])[OoIl](?=[0-9])|(?<=[0-9][ -])[Oo](?=[0-9])")
_LETTERED = re.compile("(?<![0-9A-Za-z])[0-9OoIl]{10,19}(?![0-9A-Za-z])")
_LETTERS = {ord("O"): "0", ord("o"): "0", ord("I"): "1", ord("l"): "1"}
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]")
_FOLDABLE = re.compile(
    "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff20\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]|[0-9][\uff0d\u2010-\u2015\u2212"
    "\u00a0\u2000-\u200a\u3000\uff0eOolI]|[0-9][ -][Oo]|[〇○零一二三四五六七八九壹贰叁肆伍陆柒捌玖]{11}"
)


class Folded(msgspec.Struct, frozen=True):
    """The folded text and where its characters stood."""

    text: str
    places: list[int] | None = None
    """Place of each character in the original, and its length at the end; None where they are the same."""

    def back(self, span: Span) -> Span:
        """The span in the original text."""
        if self.places is None:
            return span
        return Span(self.places[span.start], self.places[span.end - 1] + 1, span.type, span.score)


def fold(text: str) -> Folded:
    """The text in the form that recognisers are given."""
    if not _FOLDABLE.search(text):
        return Folded(text)
    places = None
    if _INVISIBLE.search(text):
        places = [place for place, character in enumerate(text) if not _INVISIBLE.match(character)]
        text = "".join([text[place] for place in places])
    text = text.translate(_TABLE)
    text = _LETTER.sub(lambda found: found[0].translate(_LETTERS), text)
    text = _LETTERED.sub(_without_letters, text)
    text = _RUN.sub(lambda run: run[0].translate(_CHINESE_DIGITS), text)
    return Folded(text, places)


def _without_letters(run: re.Match[str]) -> str:
    digits = sum("0" <= character <= "9" for character in run[0])
    return run[0].translate(_LETTERS) if digits >= 5 else run[0]
