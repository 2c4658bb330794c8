"""Encodings: the text as it was written, or a refusal; never mojibake. `pytest tests/data/test_encoding.py`."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.data.documents import Unusable
from athanor.data.encoding import CHUNK, CharacterStream, sniff

SIMPLIFIED = "老渔夫每天清晨记下潮水的高低。他说，大海从来不会骗人。"
TRADITIONAL = "碼頭邊的茶館賣一種加了海鹽的奶茶。老闆娘說這是祖母留下的配方。"
ENGLISH = "The fog bell rings eleven times. Nobody in the harbour counts them."


def decode(data: bytes) -> tuple[str, int]:
    """(text, broken bytes left out) of a whole file."""
    stream = CharacterStream(io.BytesIO(data))
    return "".join(stream), stream.broken


@pytest.mark.parametrize("name", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk"])
@pytest.mark.parametrize("text", [SIMPLIFIED, ENGLISH + "\n" + SIMPLIFIED, "价格：25元，数量：3。\n谢谢您的光临！"])
def test_simplified_chinese_in_every_encoding(name: str, text: str) -> None:
    assert decode(text.encode(name)) == (text, 0)


@pytest.mark.parametrize("name", ["utf-8", "utf-16-le", "big5", "cp950", "big5hkscs", "gb18030"])
def test_traditional_chinese_in_every_encoding(name: str) -> None:
    assert decode(TRADITIONAL.encode(name)) == (TRADITIONAL, 0)


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好。我们去海边散步。",
        "会议改到周三下午。请各位准时参加。",
        "小明有三个苹果。他给了妹妹一个。",
        "本店周一休息。",
    ],
)
def test_two_short_sentences_of_gb18030(text: str) -> None:
    assert decode(text.encode("gb18030"))[0] == text


@pytest.mark.parametrize(
    "text", ["今天天氣很好。我們去海邊散步。", "會議改到週三下午。請各位準時參加。", "小明有三個蘋果。他給了妹妹一個。"]
)
def test_two_short_sentences_of_big5(text: str) -> None:
    assert decode(text.encode("big5"))[0] == text


def test_characters_of_gb18030_alone() -> None:
    text = "𠮷野家的招牌是绿色的，㐂字写得很大。"
    assert decode(text.encode("gb18030")) == (text, 0)


def test_utf16_of_english_without_a_mark() -> None:
    for name in ("utf-16-le", "utf-16-be"):
        assert decode(ENGLISH.encode(name)) == (ENGLISH, 0)


def test_western_code_page() -> None:
    text = "Le café près du port sert des crêpes à toute heure, même l’été."
    assert decode(text.encode("cp1252")) == (text, 0)


WRITTEN = {
    "cp1251 koi8_r iso8859_5 cp866 mac_cyrillic": "Гавань просыпается рано. Старый рыбак записывает уровень воды.",
    "cp1251 koi8_u": "Старий рибалка щоранку записує висоту води у зелену книгу.",
    "cp1253 iso8859_7": "Το λιμάνι ξυπνά νωρίς. Ο γέρος ψαράς γράφει κάθε πρωί το ύψος του νερού.",
    "cp949 euc_kr": "늙은 어부는 매일 새벽 물의 높이를 적는다. 바다는 사람을 속이지 않는다.",
    "euc_jp cp932": "老いた漁師は毎朝、潮の高さを書き留める。海は人をだまさないと彼は言う。",
    "euc_jp shift_jis": "コンピュータのプログラムをインストールしてください。",
    "cp1250 iso8859_2": "Stary rybak każdego ranka zapisuje wysokość wody. Mówi, że łódź się nie boi.",
    "cp1254 iso8859_9": "Yaşlı balıkçı her sabah suyun yüksekliğini yeşil deftere yazar.",
    "cp1252 iso8859_1": "Die Fähre fährt früh über das grüne Wasser. Müde Möwen zählen Boote.",
    "cp1252": "It’s a quarter past nine – “late”, says the keeper, at ½ speed.",
    "cp1255": "הדייג הזקן רושם בכל בוקר את גובה המים בספר ירוק.",
    "cp1256": "يكتب الصياد العجوز كل صباح ارتفاع الماء في كتاب أخضر.",
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for names, text in WRITTEN.items() for name in names.split()])
@pytest.mark.parametrize("times", [1, 9])
def test_prose_in_the_code_page_of_its_language(name: str, text: str, times: int) -> None:
    assert decode("\n".join([text] * times).encode(name)) == ("\n".join([text] * times), 0)
    mixed = f"The notice of the harbour master, in his words:\n{text}\n{text}\n"
    assert decode(mixed.encode(name)) == (mixed, 0)


SIGNS = (
    "The ferry costs £5.", "The ferry costs £5 and a “return” £9, at 20° or less.", "© 2020 the harbour: £12 a berth.",
    "It paid ¥500 for the bell.", "The cistern holds 30 m³.", "The cistern holds 30 m³ of water, 5 cm³ of salt.",
    "The tide is 3 ± 1 hours late, ±2 at most.", "El nº 5 de la calle, 1ª planta.", "El nº 5 está en la 1ª planta.",
    "Fica no 3º andar, 1ª porta.", "A reunião é no 3º andar, 1ª porta à esquerda.", "5 × 6 mm²", "5 × 6 mm² a tile",
    "Add 1½ cups of salt, ¼ of rum and ¾tsp of tar.",
    "The bell¹ and the rope² are the keeper’s³.", "¡Hola! ¿Qué tal? ¡Adiós!",
    "«Le café du port»", "«SNCF» et «Bonjour»", "©Harbour Press®", "Mª Luisa, nº 7, 8º B",
    "The tank holds 35 ft³ of water.", "2 yd³ of gravel at £40", "300 hm³, 90 µm³, 5 in³", "500 Nm³ of gas",
    "Rate ¥USD ¥EUR ¥GBP per day", "The function ƒx and ƒy grow.", "Sold for ¤A or ¤B apiece",
    "The crate holds 5dm³ of salt.", "So y = x³ at most.",
    "20 µm at 5 °C.", "At 45°N 12°E, 90°F", "The ±x of it", "©Ahoy", "¶ A paragraph of §A", "¡Hola! ¡Adios!",
)  # fmt: skip


@pytest.mark.parametrize("text", SIGNS)
def test_signs_of_windows_1252_are_no_letters(text: str) -> None:
    assert decode(text.encode("cp1252")) == (text, 0)
    assert decode(f"{ENGLISH}\n{text}\n".encode("cp1252")) == (f"{ENGLISH}\n{text}\n", 0)


@pytest.mark.parametrize("name", ["cp1250", "iso8859_2"])
@pytest.mark.parametrize(
    "text",
    [
        "Był tam wąski dom i stara łódka.",
        "Kot spał na podłodze.",
        "Łódź płynie.",
        "Žena píše dopis, kůň pije vodu.",
        "Cena: 5 zł",
        "Cena: 5 zł\n" * 30,
        "Kot był tu.",
        "Ktoś tu żył.",
        "To jest artykuł, a nie film",
    ],
)
def test_a_few_words_of_central_europe(name: str, text: str) -> None:
    assert decode(text.encode(name)) == (text, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iso2022_jp", "老いた漁師は毎朝、潮の高さを書き留める。\nABC\n海は人をだまさない。\n"),
        ("iso2022_jp_ext", "老いた漁師ﾊ毎朝\n"),
        ("iso2022_kr", "늙은 어부는 매일 새벽 물의 높이를 적는다.\n바다는 사람을 속이지 않는다.\n"),
    ],
)
@pytest.mark.parametrize("times", [1, 40_000])
def test_seven_bits_of_japanese_and_korean(name: str, text: str, times: int) -> None:
    assert decode((text * times).encode(name)) == (text * times, 0)


def test_escapes_of_a_terminal_are_none_of_an_encoding() -> None:
    for text in (
        "\x1b[31mred\x1b[0m and plain text of a log",
        "\x1b(B\x1b[m done, and plain text of a log",
        "a ~{b} ~{cd~}",
    ):
        assert decode(text.encode()) == (text, 0)
    with pytest.raises(Unusable, match="binary"):
        decode(b"plain \x1b$B~~~~\x1b(B text")


@pytest.mark.parametrize("escape", ["$B", "$)C", "(I"])
def test_an_escape_on_the_border_of_two_pieces(escape: str) -> None:
    words = {"$B": "海は人をだまさない。", "$)C": "바다는 사람을 속이지 않는다.\n", "(I": "ｱｲｳ"}[escape]
    name = {"$B": "iso2022_jp", "$)C": "iso2022_kr", "(I": "iso2022_jp_ext"}[escape]
    for before in range(len(escape) + 2):
        ascii_text = "a" * (CHUNK - before)
        text = ascii_text + words
        written = words.encode(name)
        assert written.startswith(f"\x1b{escape}".encode())
        assert decode(ascii_text.encode() + written) == (text, 0)
    log = "a" * (CHUNK - 1) + "\x1b"
    assert decode(log.encode()) == (log, 0) and decode((log + "[0m").encode()) == (log + "[0m", 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cp932", "id,name,city,price\n1,サトウ,トウキョウ,100\n2,スズキ,オオサカ,200\n"),
        ("cp932", "CPU,アクセス\nHDD,アイコン\nRAM,アクセス\n"),
        ("big5", "一,one\n二,two\n三,three\n大,large\n小,small\n"),
        ("big5", "北,north\n左,left\n右,right\n上,above\n下,below\n"),
    ],
)
def test_characters_with_an_ascii_byte_among_ascii(name: str, text: str) -> None:
    assert decode(text.encode(name)) == (text, 0)
    assert decode((text * 9).encode(name)) == (text * 9, 0)


@pytest.mark.parametrize("name", ["cp850", "mac_roman", "cp500"])
@pytest.mark.parametrize(
    "text",
    [
        "Die Fähre fährt früh über das grüne Wasser. Müde Möwen zählen Boote.",
        "Le café près du port a été fermé. Les crêpes étaient à la carte.",
    ],
)
def test_an_unknown_code_page_is_refused(name: str, text: str) -> None:
    with pytest.raises(Unusable, match="binary"):
        decode(text.encode(name))


def test_a_few_broken_bytes_are_left_out_and_counted() -> None:
    data = ENGLISH.encode() + b" The loft smells of tar \xff\xfe\xc3 and oranges.\n" + SIMPLIFIED.encode()
    text, broken = decode(data)
    assert "tar  and oranges" in text and SIMPLIFIED in text and "\ufffd" not in text
    assert broken == 3
    text, broken = decode(ENGLISH.encode() + b" The loft smells of tar \xff\xfe\xc3 and oranges.\n")
    assert text.endswith("tar  and oranges.\n") and broken == 3


def test_gb18030_with_a_broken_byte_stays_chinese() -> None:
    data = (SIMPLIFIED * 5).encode("gb18030") + b"\xff" + (SIMPLIFIED * 5).encode("gb18030")
    text, broken = decode(data)
    assert text.count("渔夫") == 10 and broken >= 1


@pytest.mark.parametrize("data", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + bytes(300), b"\x00\x01\x02\x03" * 50])
def test_binary_is_refused(data: bytes) -> None:
    with pytest.raises(Unusable, match="binary"):
        decode(data)


def test_compressed_noise_is_refused() -> None:
    import random

    with pytest.raises(Unusable, match="binary"):
        decode(random.Random(1).randbytes(50_000))


def test_english_first_and_chinese_after_a_mebibyte() -> None:
    text = "The keeper writes the tide into a green book.\n" * 30_000 + SIMPLIFIED * 20_000
    stream = CharacterStream(io.BytesIO(text.encode("gb18030")))
    assert "".join(stream) == text and stream.broken == 0


def test_a_character_on_the_border_of_two_pieces() -> None:
    for shift in range(4):
        text = "x" * shift + SIMPLIFIED * 40_000
        for name in ("utf-8", "gb18030", "utf-16-le"):
            stream = CharacterStream(io.BytesIO(text.encode(name)))
            assert "".join(stream) == text and stream.broken == 0


chinese = st.text(
    st.sampled_from(sorted(set(SIMPLIFIED + "今天气很好我们去海边散步会议改到周三下午请各位准时参加"))),
    min_size=12,
    max_size=60,
)
traditional = st.text(
    st.sampled_from(sorted(set(TRADITIONAL + "今天氣很好我們去海邊散步會議改到請各位準時參加"))),
    min_size=12,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(chinese, st.sampled_from(["gb18030", "utf-8", "utf-16"]))
def test_simplified_round_trip(text: str, name: str) -> None:
    assert decode(text.encode(name)) == (text, 0)


@settings(max_examples=60, deadline=None)
@given(traditional)
def test_traditional_round_trip(text: str) -> None:
    assert decode(text.encode("big5")) == (text, 0)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd\ufeff"), max_size=200))
def test_any_utf8_is_itself(text: str) -> None:
    assert decode(text.encode()) == (text, 0)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_text_without_replacement_characters_or_a_refusal(data: bytes) -> None:
    try:
        assert "\ufffd" not in decode(data)[0]
    except Unusable as error:
        assert error.reason == "binary"


def test_the_mark_is_skipped() -> None:
    assert sniff(b"\xef\xbb\xbfabc") == ("utf-8", 3)
