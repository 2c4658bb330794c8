"""Bytes to text: which encoding a file has, and its characters piece by piece in bounded memory.

In order: byte-order mark; ISO 2022 where its escapes stand; ASCII as far as it goes; strict UTF-8; UTF-16 and the
encodings of Chinese, Japanese and Korean, whichever reads as the most ordinary text (`commonness`); UTF-8 with a few
broken bytes; an 8-bit code page (`codepages`). What reads as none of them is refused, for a wrong guess would teach
mojibake. Broken bytes are left out and counted, so U+FFFD never reaches a corpus. What holds control characters is
`binary`. Left out on purpose: HZ, whose `~{` also stands in ordinary sources, where any ASCII would read as Chinese.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from athanor.data.codepages import MAX_BEFORE, best_page
from athanor.data.commonness import commonness
from athanor.data.documents import Unusable

CHUNK = 1 << 20
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NARROW = {
    "gb18030": "zh", "big5": "zh", "cp950": "zh", "big5hkscs": "zh",
    "euc_jp": "ja", "cp932": "ja",
    "cp949": "ko",
}  # fmt: skip
"""Encodings of one and two bytes a character, and the language that is written in them."""

WIDE = ("utf-16-le", "utf-16-be")
MIN_COMMONNESS = 0.5  # ordinary text in its own encoding scores 1.2 to 2.2, what is neither Chinese nor kin below 0.2
HEAD = 1 << 16  # bytes by which encodings are compared
ESCAPED = ("iso2022_kr", "iso2022_jp_2", "iso2022_jp_ext")
"""Encodings of seven bits, the strictest first: the second takes the escape of the first for one of its own."""

# To two bytes a character, or to kana; those of terminals are others.
_ESCAPE = re.compile(rb"\x1b(?:\$[@AB(]|\$\)C|\(I)")
_ASCII = bytes(range(128))
_ASCII_RUN = re.compile(rb"[\x00-\x7f]+")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_PAIR = re.compile(rb"[\x80-\xff]{2}")
# The beginning of one, at the end of a piece.
_ESCAPE_BEGUN = re.compile(rb"\x1b(?:\$\)?|\()?\Z")
# High bytes that may be signs or accents. With an ASCII byte behind them 0x83 (ƒ) is half of the katakana of Shift_JIS,
# 0x82 its wide letters, 0xA4 and 0xA5 (¤, ¥) are Big5's simplest characters. A few of its others alone read as signs.
_ALONE = re.compile(rb"(?<![\x80-\xff])(?:[\x80\x81\x84-\xa3\xa6-\xff]|[\xa4\xa5](?![@-~]))(?![\x80-\xff])")
MAX_ALONE = 0.75  # of the high bytes of a text in characters of two; in Big5, with the most ASCII among them, about 0.1
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b\x08"))


class CharacterStream:
    """The characters of a binary stream in pieces of about a mebibyte; `broken` counts what was left out so far."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.broken = 0

    def __iter__(self) -> Iterator[str]:
        data = self._stream.read(CHUNK)
        # Sniff where the first other byte stands: a megabyte of English may open a file in GB18030.
        while data.isascii() and len(data) == CHUNK and _plain(data) and not _ESCAPE.search(data):
            begun = _ESCAPE_BEGUN.search(data)
            kept = begun[0] if begun else b""
            yield data[: CHUNK - len(kept)].decode("ascii")
            data = kept + self._stream.read(CHUNK - len(kept))
        if not data:
            return
        name, skip = sniff(data, whole=len(data) < CHUNK)
        decoder = codecs.getincrementaldecoder(name)("replace")
        data = data[skip:]
        while data:
            if b"\0" in data and name not in WIDE and not name.startswith("utf-32"):
                _refuse_binary(data)
            text, broken = _without_marks(decoder.decode(data))
            self.broken += broken
            yield text
            data = self._stream.read(CHUNK)
        text, broken = _without_marks(decoder.decode(b"", final=True))
        self.broken += broken
        if text:
            yield text


def sniff(data: bytes, whole: bool = True) -> tuple[str, int]:
    """(codec name, bytes of the mark to skip). whole: False when the data may end inside a character."""
    for mark, name in MARKS:
        if data.startswith(mark):
            return name, len(mark)
    if data.isascii() and _ESCAPE.search(data):
        return _escaped(data, whole), 0
    if data.isascii() and b"\0" not in data:
        _refuse_binary(data)
        return "utf-8", 0
    if b"\0" not in data and _decodes(data, "utf-8", whole):
        _refuse_binary(data)
        return "utf-8", 0
    best, score = _best_of(data, whole)
    if score >= _least_commonness(data):
        return best, 0
    _refuse_binary(data)
    return _code_page_or_broken(data), 0


def _decodes(data: bytes, name: str, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(name)("strict").decode(data, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _escaped(data: bytes, whole: bool) -> str:
    """The encoding of ISO 2022 that the bytes are in. Raises Unusable("binary") where they are in none."""
    for name in ESCAPED:
        if _decodes(data, name, whole):
            return name
    raise Unusable("binary")


def _best_of(data: bytes, whole: bool) -> tuple[str, float]:
    """The encoding of Chinese, Japanese or Korean, or wide one, that reads best, and how well."""
    first = _HIGH.search(data)
    narrow = data[first.start() :] if first else data  # judge by what is not ASCII, however late it comes
    scored: list[tuple[str, float]] = []
    for name in WIDE if _stand_alone(data) else (*NARROW, *WIDE):
        head = (data if name in WIDE else narrow)[:HEAD]
        if _may_be_wide(head, name) if name in WIDE else b"\0" not in head:
            final = whole and len(head) < HEAD
            text, broken = _without_marks(codecs.getincrementaldecoder(name)("replace").decode(head, final=final))
            score = commonness(text, broken, NARROW.get(name, "zh"))
            scored.append((name, max(score, _english(text)) if name in WIDE else score))
    # The first of equals: `big5` before its extensions, which read the same text.
    return max(scored, key=lambda pair: pair[1], default=("utf-8", 0.0))


def _stand_alone(data: bytes) -> bool:
    """Whether high bytes stand among ASCII one by one, as signs and accents do: `°C` is also a character of Big5."""
    high = len(data.translate(None, _ASCII))
    return len(data) > 3 * high and len(_ALONE.findall(data)) > MAX_ALONE * high


def _least_commonness(data: bytes) -> float:
    """What a text must score to be believed: more where not two high bytes stand together, and few at all."""
    few = len(data) > 6 * len(data.translate(None, _ASCII)) and not _HIGH_PAIR.search(data)
    return 2 * MIN_COMMONNESS if few else MIN_COMMONNESS


def _may_be_wide(data: bytes, name: str) -> bool:
    """Whether 16-bit units are worth a try: text has spaces, line ends or ASCII, whose high byte is zero."""
    high = data[1::2] if name == "utf-16-le" else data[0::2]
    return b"\0" in high or high.count(0x30) + high.count(0xFF) > len(high) // 200


def _english(text: str) -> float:
    """1 and above where nearly all characters are ASCII text."""
    if not text:
        return 0.0
    plain = sum(map(text.count, "etaoinshrdlu \n"))
    return 2.0 * plain / len(text) if text.isascii() or plain > len(text) * 0.4 else 0.0


def _code_page_or_broken(data: bytes) -> str:
    """UTF-8 with broken bytes, or a code page. Raises Unusable("binary") where the bytes read as neither."""
    # A blank for each run of ASCII, for bytes from before and behind it are no character.
    text, broken = _without_marks(_ASCII_RUN.sub(b" ", data).decode("utf-8", "replace"))
    if len(text.replace(" ", "")) > 4 * broken:
        return "utf-8"
    first = len(data) - len(data.lstrip(_ASCII))
    page = best_page(data[max(0, first - MAX_BEFORE) :][: 4 * HEAD])
    if page is None and broken * 33 > len(data):
        raise Unusable("binary")
    return page or "utf-8"


def _plain(data: bytes) -> bool:
    return len(data.translate(None, _CONTROL)) == len(data)


def _refuse_binary(data: bytes) -> None:
    """Raise Unusable("binary") where control characters are more than a slip."""
    control = len(data) - len(data.translate(None, _CONTROL))
    if control > max(2, len(data) // 100) or data.count(0) > max(2, len(data) // 500):
        raise Unusable("binary")


def _without_marks(text: str) -> tuple[str, int]:
    """The text without U+FFFD, and how many there were."""
    broken = text.count("\ufffd")
    return (text.replace("\ufffd", ""), broken) if broken else (text, 0)
