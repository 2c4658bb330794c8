"""Which documents teach nothing: rules on shares and counts, each with the reason a dropped document is counted under.

In the manner of Gopher (Rae et al. 2021, arXiv 2112.11446, table A1) and of C4, with thresholds loose enough that
small ordinary pages, poems, price tables and lists pass in English and in Chinese. Long texts are judged by a sample:
eight pieces spread evenly, so that a gigabyte costs what a page costs.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter

MIN_CHARACTERS = 20  # visible characters, where there is no Chinese
MIN_HAN = 8  # Chinese characters say about three times as much
MAX_TWICE = 0.85  # share of characters in lines that stood before; manuals with examples in tabs reach 0.75
SAMPLE_OVER = 1 << 15  # characters
PIECES = 8
WORDS_A_LINK = 5  # beside links that fill half a page; a change log has more, a link farm fewer
MAX_FRAME = 6000  # characters; what is longer holds more than a frame

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN_WORD = re.compile("[A-Za-z]+")
_LONG_LUMP = re.compile(r"[A-Za-z0-9+/=_\-%]{60,}")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"'|，。]{1,2000}", re.I)
_SENTENCE_END = re.compile(r"[.!?。！？…]['\"’”」』）)]?(?:\s|$)|[。！？]")
_FIELD = re.compile(r"^[^:：\n]{1,30}[:：][ \t]*\S", re.M)
_FUNCTION_HAN = re.compile(
    "[的了是在不和有我他她它这那就也之与其而以为于又还都很把被让给从到向吗呢吧啊這與為於還從個个]"
)
_GRAMMAR = (
    "the of and a an to in is was are that it for on with as at be by he she they we you i not or from this his her"
)
_FUNCTION_WORDS = frozenset(_GRAMMAR.split())
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
# Words of frames around pages, not of pages; for text in lower case (the search skips faster without re.I).
_FRAME = re.compile(
    r"cookie|privacy (?:policy|notice|settings)|terms (?:of (?:use|service)|and conditions)|all rights reserved|"
    r"accept all|reject all|sign (?:in|up)\b|log ?in\b|log ?out\b|subscribe|newsletter|site ?map|"
    r"skip to (?:main )?content|back to top|home ?page|contact us|about us|read more|click here|follow us|"
    r"share (?:this|on)|javascript|copyright|©|首页|登录|登陆|注册|退出|版权所有|隐私(?:政策|声明|权)|使用条款|"
    r"服务条款|关于我们|联系我们|网站地图|返回顶部|上一页|下一页|上一篇|下一篇|更多|收藏本站|设为首页|友情链接|免责声明|"
    r"备案|京公网安备|icp|订阅|分享到|点击(?:这里|此处|查看)|扫一扫|加入购物车|同意并继续|全部接受|全部拒绝|您的浏览器|"
    r"首頁|登入|註冊|版權所有|隱私權|聯絡我們|關於我們|繁體|简体"
)


def count_han(text: str) -> int:
    """Number of Chinese characters."""
    return 0 if text.isascii() else sum(map(len, _HAN.findall(text)))


def judge(text: str) -> str | None:
    """The reason to drop a cleaned text, or None."""
    if not text or text.isspace():
        return "empty"
    sample = _sample(text)
    if _squeezes(sample):
        return "repetitive"
    solid = "".join(sample.split())
    han = count_han(solid)
    if len(solid) < MIN_CHARACTERS and han < MIN_HAN:
        return "too_short"
    if len(_PRIVATE.findall(solid)) > 0.1 * len(solid):
        return "binary"
    if _is_repetitive(sample, solid):
        return "repetitive"
    if _has_no_words(sample, solid, han):
        return "no_words"
    if len(text) < MAX_FRAME and _is_frame(sample, han):
        return "boilerplate"
    return None


def judge_chat(contents: list[str]) -> str | None:
    """Chats may be short; they must not be empty or one character over and over."""
    text = "\n".join(contents)
    if not text.strip():
        return "empty"
    solid = "".join(text.split())
    return "repetitive" if len(solid) >= 400 and _squeezes(text) else None


def _sample(text: str) -> str:
    if len(text) <= SAMPLE_OVER:
        return text
    size = SAMPLE_OVER // PIECES
    step = (len(text) - size) // (PIECES - 1)
    return "\n".join(text[n * step : n * step + size] for n in range(PIECES))


def _squeezes(text: str) -> bool:
    """Whether a compressor leaves next to nothing: ordinary prose keeps 30 to 60 %, a price table 10 to 25 %."""
    data = text.encode("utf-8", "replace")
    return len(data) >= 400 and len(zlib.compress(data, 1)) < 0.055 * len(data) + 30


def _is_repetitive(sample: str, solid: str) -> bool:
    most = Counter(solid).most_common(1)[0]
    if most[1] > 0.5 * len(solid) and most[0] not in "|-0":
        return True
    lines = [line.strip() for line in sample.split("\n") if line.strip()]
    if len(lines) >= 6:
        counts = Counter(lines)
        twice = sum(len(line) * (number - 1) for line, number in counts.items() if not _is_ruled(line))
        if twice > MAX_TWICE * len(solid):
            return True
    return 60 <= len(solid) < 1000 and _repeated_grams(solid) > 0.8


def _is_ruled(line: str) -> bool:
    return not any(character.isalnum() for character in line)


def _repeated_grams(solid: str) -> float:
    """Share of the 8-character pieces (8 apart from each other at most) that occurred before."""
    grams = [solid[n : n + 8] for n in range(len(solid) - 7)]
    return 1 - len(set(grams)) / len(grams)


def _has_no_words(sample: str, solid: str, han: int) -> bool:
    lumps = sum(len(lump) for lump in _LONG_LUMP.findall(sample))
    if lumps > 0.5 * len(solid):
        return True
    words = _WORD.findall(sample)
    links = _LINK.findall(sample)
    if len(links) >= 3 and sum(map(len, links)) > 0.5 * len(solid):
        beside = _LINK.sub(" ", sample)
        if len(_LATIN_WORD.findall(beside)) + han / 1.6 < WORDS_A_LINK * len(links):
            return True
    letters = sum(map(len, words))
    digits = sum(map(solid.count, "0123456789"))
    if letters + digits < 0.4 * len(solid) and letters < 0.3 * len(solid):
        return True
    return letters < 0.08 * len(solid) and han < MIN_HAN and not _is_table(sample)


def _is_frame(sample: str, han: int) -> bool:
    """Cookie notices, navigation, keyword lists: full of a frame's words, or words without anything said."""
    latin = _LATIN_WORD.findall(sample)
    words = han / 1.6 + len(latin)
    frame = len(set(_FRAME.findall(sample.lower())))  # different ones: a page about cookies says `cookie` often
    if (frame >= 3 and frame * 12 > words) or (frame >= 6 and frame * 25 > words):
        return True
    return words >= 40 and not _SENTENCE_END.search(sample) and _is_list_of_words(sample, han, latin)


def _is_list_of_words(sample: str, han: int, latin: list[str]) -> bool:
    """Keywords and tags: no figures, no fields, no table, and next to none of the small words that join others."""
    digits = sum(map(sample.count, "0123456789"))
    if digits * 25 > len(sample) or len(_FIELD.findall(sample)) >= 2 or _is_table(sample):
        return False
    if han > len(latin):
        return len(_FUNCTION_HAN.findall(sample)) < 0.02 * han
    return sum(word.lower() in _FUNCTION_WORDS for word in latin) < 0.05 * len(latin)


def _is_table(sample: str) -> bool:
    """Rows of as many cells each."""
    counts = [max(line.count("|"), line.count("\t"), line.count(",")) for line in sample.split("\n") if line.strip()]
    usual, number = Counter(counts).most_common(1)[0]
    return usual > 0 and number >= 3 and number * 2 > len(counts)
