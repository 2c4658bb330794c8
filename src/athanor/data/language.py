"""A document's language: en, zh or other.

Chinese by its characters, English by its commonest words; py3langid (a model inside its package) only where neither
decides, because it takes half a second to load and is unsure of short texts.
"""

from __future__ import annotations

import re

from athanor.data.quality import count_han

LANGUAGES = ("en", "zh", "other")
HEAD = 20_000  # characters looked at
_KANA = re.compile("[\u3040-\u30ff\uac00-\ud7af]+")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z]+")
_OTHER_LETTER = re.compile("[^\\W\\d_A-Za-z\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_COMMON = (
    "the of and to in is that it for was on are as with his they at be this from have or by one had not but what all "
    "were when we there can an your which their said if do will each about how up out them then she many some so these "
    "would other into has more her two like him see time could no make than first been its who now my over did down "
    "only way find use may water long little very after words just where most know you he i me our"
)
_ENGLISH = frozenset(_COMMON.split())


def language(text: str) -> str:
    """`en`, `zh` or `other`."""
    head = text[:HEAD]
    han, kana = count_han(head), _count(_KANA, head)
    if kana > 0.1 * (han + kana):
        return "other"
    latin = _count(_LATIN, head)
    if han and han >= 0.3 * (han + latin / 3):
        return "zh"
    if not latin or _count(_OTHER_LETTER, head) > 0.5 * latin:
        return "other"
    words = [word.lower() for word in _WORD.findall(head) if word.isascii()]
    share = sum(word in _ENGLISH for word in words) / max(1, len(words))
    if share >= 0.15:
        return "en"
    return _classified(head)


def _classified(head: str) -> str:
    import py3langid

    found = py3langid.classify(head[:4000])[0]
    return found if found in LANGUAGES else "other"


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(map(len, pattern.findall(text)))
