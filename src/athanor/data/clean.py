"""A text's canonical form: NFC, plain line ends, nothing that cannot be seen.

NFC and not NFKC, which would turn the full-width punctuation of Chinese into ASCII. Left out on purpose: joining
hyphenated lines, squeezing spaces inside a line (tables and code need them).
"""

from __future__ import annotations

import re
import unicodedata

# What is removed, by the word it is counted under.
SUSPICIOUS = {
    "control": re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"),
    "bidi": re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f]"),
    "zero_width": re.compile("[\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]"),
    "tag": re.compile("[\U000e0000-\U000e0fff]"),
    "undecodable": re.compile("[\ufffd\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"),
}
_ANY = re.compile("|".join(pattern.pattern for pattern in SUSPICIOUS.values()))
# Scripts whose letters a joiner joins: Arabic to Mongolian, and the pictures of emoji with their selectors.
_JOINED = "[\u0600-\u08ff\u0900-\u0dff\u0e00-\u109f\u1780-\u18af\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
_IDLE_JOINER = re.compile(f"(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})")
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile("\n{4,}")


def clean(text: str) -> tuple[str, dict[str, int]]:
    """(the text in its canonical form, how many suspicious characters were left out, by kind). Idempotent."""
    removed: dict[str, int] = {}
    text = _LINE_END.sub("\n", text) if not _only_newlines(text) else text
    if _ANY.search(text):
        for kind, pattern in SUSPICIOUS.items():
            text, number = pattern.subn("", text)
            if number:
                removed[kind] = number
    if not text.isascii():
        text, number = _IDLE_JOINER.subn("", text)
        if number:
            removed["zero_width"] = removed.get("zero_width", 0) + number
        text = unicodedata.normalize("NFC", text)
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    if "\n\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n\n", text)
    return text.strip("\n"), removed


def _only_newlines(text: str) -> bool:
    return text.isascii() and not ("\r" in text or "\x0b" in text or "\x0c" in text)
