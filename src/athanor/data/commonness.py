"""How ordinary decoded Chinese, Japanese or Korean looks: the judge between encodings that share most byte sequences.

Nearly every pair of high bytes is a character in GB18030, Big5, EUC-JP and CP949 alike, so validity says little; what
a wrong choice gives are rare characters. The classes: the most frequent characters of running text (own lists), the
first level of GB 2312, Big5 and JIS X 0208 and the syllables of KS X 1001 (the standards' own lists of common
characters), all others. Kana are ordinary in Japanese only, and no Japanese text is without them.
"""

from __future__ import annotations

import functools

# The most frequent characters of modern written Chinese, in both scripts, about the first four hundred by rank.
FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
    "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明"
    "性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位"
    "次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感"
    "建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色"
    "路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运每天早晚雨风花茶店街船岸桥钟客请谢您吗呢吧"
    "這個們來為國說時會對於著過發後裡種經麼學現當沒動還進樣開實軍無長機華業將兩間問並應戰頭體見產話內門兒東聲處義幾認條氣題爾別"
    "變總電數報結務場計許統區隊馬書聽達強難權設記類據邊張該規萬術領確傳師觀讓識帶導爭運風鐘請謝嗎點關與從給員論兒樂愛寫買賣讀飯"
    "館頁號線網費價車錢錄檔務醫師們麵雞魚鳥龍門間閉陽陰陳雲電靈響項順須願類顧飛飲餐養館驗體高麗黃點齊"
    "我你他她它喝吃奶鹽鎮港碼頭漁夫貓狗收网潮整敲停燈塔灯渔"
)
# The most frequent syllables of running Korean: particles, endings, and what common words are made of.
SYLLABLES = frozenset(
    "이다는의에을가고하지한로은기사를도서리어대나자인시아일그정스해수들부전보주과있게제여라상구으비장원동면만성우오경"
    "관할된것조국위유공화신마무안소내세연년학없었중도습니까요겠됐했각물말문생적방간실바더음와모금진선람래회민또럽"
)
MARKS = frozenset("，。、；：？！“”‘’（）《》「」『』【】—…·　０１２３４５６７８９％～")
WEIGHTS = {"frequent": 2.5, "mark": 1.5, "common": 0.8, "kana": 0.3, "rare": -1.5, "other": -2.0}
MIN_KANA = 1 / 8  # of a Japanese text's characters beyond ASCII
_GAP = -6.0  # a character that could not be decoded, more than a rare one
_CONTROL = -4.0


def _level(codec: str, rows: range, cells: list[int]) -> str:
    """The characters of some rows of a standard."""
    return bytes(byte for row in rows for cell in cells for byte in (row, cell)).decode(codec, "ignore")


_CELLS = list(range(0xA1, 0xFF))
_HIRAGANA = "".join(map(chr, range(0x3041, 0x3097)))
_KATAKANA = "".join(map(chr, range(0x30A1, 0x30FB)))


@functools.cache
def _weights(language: str) -> dict[str, float]:
    """What each ordinary character of a language weighs; characters that are not listed are rare or of no language."""
    if language == "ja":
        kanji = _level("euc_jp", range(0xB0, 0xD0), _CELLS)  # level 1
        lists = (("common", kanji + _KATAKANA + "ー々"), ("mark", MARKS), ("frequent", _HIRAGANA))
    elif language == "ko":
        hangul = _level("euc_kr", range(0xB0, 0xC9), _CELLS)
        lists = (("common", hangul), ("mark", MARKS), ("frequent", SYLLABLES))
    else:
        simplified = _level("gb2312", range(0xB0, 0xD8), _CELLS)  # level 1
        traditional = _level("big5", range(0xA4, 0xC7), [*range(0x40, 0x7F), *_CELLS])
        kana = "".join(map(chr, range(0x3040, 0x3100)))
        lists = (("kana", kana), ("common", simplified + traditional), ("mark", MARKS), ("frequent", FREQUENT))
    return {character: WEIGHTS[name] for name, characters in lists for character in characters}


def commonness(text: str, broken: int = 0, language: str = "zh") -> float:
    """Mean weight of the characters beyond ASCII; about 2 for ordinary text, below 0.5 for most wrong decodings.

    broken: characters that could not be decoded. language: zh, ja or ko. No character beyond ASCII: 0.
    """
    weights = _weights(language)
    total, number, kana = _GAP * broken, broken, 0
    for character in text[: 1 << 14]:
        if character <= "\x7f":
            if character < "\t" or "\r" < character < " ":
                total += _CONTROL
                number += 1
            continue
        number += 1
        kana += "\u3040" <= character <= "\u30ff"
        weight = weights.get(character)
        if weight is None:
            weight = WEIGHTS["rare" if "\u4e00" <= character <= "\u9fff" else "other"]
        total += weight
    if not number or (language == "ja" and kana < MIN_KANA * number):
        return 0.0
    return total / number
