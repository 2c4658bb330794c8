"""Which 8-bit code page a text was written in, judged by the letters of the languages that use it.

A code page decodes nearly any bytes, so validity says nothing. Latin alphabets show themselves by high bytes that stand
alone among ASCII letters: there all of them must be letters of one language. Other alphabets write whole words of high
bytes: there the frequent letters must be frequent, and capitals must not follow small letters (the same letters stand
elsewhere in KOI8, ISO 8859 and Windows). A sign of one Latin page is a letter of another, £ or Ł, º or ş, ³ or ł: so a
letter at a word's border proves no more than a sign, except ł behind a word, where a cube is none. Of equals
Windows-1252 is taken, which stands first. Left out on purpose: guesses. What reads as no language is refused.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import msgspec

MIN_SCORE = 0.6  # ordinary prose in its own code page has 0.7 to 1, in a wrong one below 0.5
SAMPLE = 1 << 12  # characters beyond ASCII that are judged
MARKS = frozenset("’‘“”„‚–—…•€£¤ƒ§©®°·«»¿¡№½¼¾×±²³µ¶¹ºª¥\xa0\xad")
# Marks that another Latin page has for letters: before a word, behind one.
LEADING, TRAILING = frozenset("£¥¼¾¿¡©«±µ¶"), frozenset("ªº¹³®»")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_HIGH_WORD = re.compile(rb"[\x80-\x84\x86-\x90\x98-\x9f\xa1-\xb6\xb8-\xff]{3,}")  # marks left out
# Polish words end in ł, and ³ stands behind a number, a unit or a single letter: m³, x³, but 5 zł.
_CUBED = re.compile(r"(?<![^\W\d_])(?:[cdhkmnµ]?m|ft|in|yd|[a-y])\Z", re.I)
MAX_BEFORE = 3  # characters before one that say what it is
_WEIGHTS = {"frequent": 1.0, "letter": 0.3, "mark": 0.7, "other": -1.0, "capital inside": -1.5}


class Alphabet(msgspec.Struct, frozen=True):
    """The letters of a language, or of several close ones, that are not ASCII."""

    codecs: tuple[str, ...]
    frequent: str
    """Small letters that make up most of a text; in Latin alphabets all of them."""

    others: str = ""


LATIN = (
    Alphabet(("cp1252",), "éèêëàâäáãåçñíìîïóòôöõúùûüßæøœ"),
    Alphabet(("cp1250", "iso8859_2"), "ąćęłńóśźż"),
    Alphabet(("cp1250", "iso8859_2"), "áčďéěíĺľňóôŕřšťúůýžä"),
    Alphabet(("cp1250", "iso8859_2"), "áéíóöőúüű"),
    Alphabet(("cp1250", "iso8859_2"), "čćđšž"),
    Alphabet(("cp1250", "iso8859_2"), "ăâîşţ"),
    Alphabet(("cp1254",), "çğıöşüâîûi̇"),
    Alphabet(("cp1252",), "áéíóúýðþæö"),
    Alphabet(("cp1257",), "ąčęėįšųūžāēģīķļņõäöü"),
)
OTHERS = (
    Alphabet(
        ("cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp866", "mac_cyrillic"),
        "оеаинтсрвл",
        "кмдпуяыьгзбчйхжшюцщэфъёіїєґў",
    ),
    Alphabet(("cp1251", "iso8859_5"), "аоеинтсрвј", "кмдпугзбчхжшцфљњћђџѓќѕ"),
    Alphabet(("cp1253", "iso8859_7"), "αοιετσνηυρπκς", "μλωδγχθφβξζψάέήίόύώϊϋΐΰ"),
    Alphabet(("cp1255",), "יוהלאמרתבשנ", "עכדקפטגחזסצםןךףץ"),
    Alphabet(("cp1256",), "اليمنوترب", "ةعدسفهكقحجشصطخزضثذغظءآأإؤئىپچژگًٌٍَُِّْ،؛؟"),
    Alphabet(("cp874",), "านรอกเงมยลวดท", "สตะปบคหแจพชขใไโซผธถณฐศษภฉฎฏฑฒฌญฆฝฟฮฤฬิีึืุูั่้๊๋็์ำๆฯ"),
)


def best_page(data: bytes) -> str | None:
    """The codec that reads the bytes as a language does; None where none does."""
    high = sum(byte > 0x7F for byte in data)
    in_words = sum(map(len, _HIGH_WORD.findall(data)))
    alphabets, class_of = (LATIN, _class_among_ascii) if 2 * in_words < high else (OTHERS, _class_of)
    pages = [(name, alphabet) for alphabet in alphabets for name in alphabet.codecs]
    scored = [(_score(data.decode(name, "replace"), alphabet, class_of), name) for name, alphabet in pages]
    best, name = max(scored, key=lambda pair: pair[0])  # the first of equals
    return name if best >= MIN_SCORE else None


def _score(text: str, alphabet: Alphabet, class_of: Callable[[str, int, Alphabet], str]) -> float:
    """Mean weight of the characters beyond ASCII."""
    found = itertools.islice(_BEYOND_ASCII.finditer(text), SAMPLE)
    weights = [_WEIGHTS[class_of(text, match.start(), alphabet)] for match in found]
    return sum(weights) / len(weights) if weights else 0.0


def _class_of(text: str, place: int, alphabet: Alphabet) -> str:
    """The class of the character at a place."""
    character = text[place]
    if character in MARKS:
        return "mark"
    small = character.lower()
    if small not in alphabet.frequent and small not in alphabet.others:
        return "other"
    if character != small and text[max(0, place - 1) : place].islower():
        return "capital inside"
    return "frequent" if small in alphabet.frequent else "letter"


def _class_among_ascii(text: str, place: int, alphabet: Alphabet) -> str:
    """The class of a character whose neighbours are ASCII mostly, as in Latin alphabets."""
    kind, character = _class_of(text, place, alphabet), text[place]
    behind_letter, before_letter = text[max(0, place - 1) : place].isalpha(), text[place + 1 : place + 2].isalpha()
    if (character in LEADING and behind_letter) or (character in TRAILING and before_letter):
        return "letter"
    if character == "ł" and behind_letter and not _CUBED.search(text[max(0, place - MAX_BEFORE) : place]):
        return kind
    return "mark" if kind == "frequent" and not (behind_letter and before_letter) else kind
