# ruff: noqa: E501  the attacks and numbers are data, one a line
"""Identifiers: found next to Chinese characters, disguised and split; ordinary numbers stay. All are invented.

`pytest tests/data/test_redact.py`
"""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.data import redact
from athanor.data.redact import checks


def made_resident_id(rng: random.Random) -> str:
    body = rng.choice(["110105", "440301", "510107", "650102"]) + f"{rng.randint(1930, 2019)}{rng.randint(1, 12):02}"
    body += f"{rng.randint(1, 28):02}{rng.randint(0, 999):03}"
    return next(body + last for last in "0123456789X" if checks.resident_id(body + last))


def made_card(rng: random.Random, prefix: str = "622202", length: int = 19) -> str:
    body = prefix + "".join(rng.choice("0123456789") for _ in range(length - len(prefix) - 1))
    return next(body + last for last in "0123456789" if checks.luhn(body + last))


def made_credit_code(rng: random.Random) -> str:
    body = "91310000" + "".join(rng.choice(checks.CREDIT_LETTERS) for _ in range(9))
    return next(body + last for last in checks.CREDIT_LETTERS if checks.credit_code(body + last))


RNG = random.Random(7)
FOUND = {
    "email": ["orla.venn@tern-island.example", "a_b+c@mail.example.com.cn", "li-na99@harbour.example"],
    "phone": ["13800138000", "+86 138 0013 8000", "+86-138-0013-8000", "0086 13800138000", "138-0013-8000", "138 0013 8000",
              "010-62345678", "(0755) 8234 5678", "021 5432 1098", "+44 20 7946 0958", "020 7946 0958", "(555) 234-0199",
              "555-234-0199", "+1 (555) 234-0199", "+49 30 1234567", "400-810-1234", "8613912345678"],
    "ip": ["192.168.10.24", "8.8.8.8", "2001:db8::8a2e:370:7334", "fe80:0:0:0:202:b3ff:fe1e:8329"],
    "url": ["https://example.com/a?b=1&c=2", "www.example.org/path", "http://10.0.0.1:8080/x"],
    "bank_card": ["4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "378282246310005", made_card(RNG)],
    "iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "FR1420041010050500013M02606"],
    "resident_id": ["11010519491231002X", "11010519491231002x", "110105 19491231 002X", "１１０１０５１９４９１２３１００２Ｘ", "110105491231002"],
    "credit_code": [made_credit_code(RNG)],
    "plate": ["京A12345", "沪AD12345", "粤B·8H9K2", "苏E12345D"],
    "ssn": ["536-22-1846"],
}  # fmt: skip
CASES = [(kind, value) for kind, values in FOUND.items() for value in values]


@pytest.mark.parametrize(("kind", "value"), CASES)
@pytest.mark.parametrize(
    "frame", ["{}", "her number is {}.", "号码{}，请记下", "请拨打{}或者来访", "({})", "：{}；", "\n{}\n"]
)
def test_found_with_exact_offsets(kind: str, value: str, frame: str) -> None:
    text = frame.format(value)
    spans = [span for span in redact.find(text) if span.type == kind]
    assert [(text[span.start : span.end]) for span in spans] == [value]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("passport", "Passport No. E12345678 was issued", "E12345678"),
        ("passport", "护照号码：G23456789，有效", "G23456789"),
        ("medical_record", "病历号：20231145，入院", "20231145"),
        ("medical_record", "Her medical record number is MRN-004512.", "MRN-004512"),
        ("insurance", "保单号：PA20230099123", "PA20230099123"),
        ("insurance", "National Insurance number QQ 12 34 56 C", "QQ 12 34 56 C"),
        ("ssn", "SSN 536 22 1846 on file", "536 22 1846"),
        ("phone", "Phone: 234 0199 1", "234 0199 1"),
        ("phone", "手机：一三八零零一三八零零零", "一三八零零一三八零零零"),
        ("phone", "电话138O0138OOO吧", "138O0138OOO"),
        ("phone", "号码１３８００１３８０００", "１３８００１３８０００"),
        ("phone", "号码138\u200b0013\u200b8000吧", "138\u200b0013\u200b8000"),
        ("phone", "手机138－0013－8000", "138－0013－8000"),
    ],
)
def test_behind_a_word_or_disguised(kind: str, text: str, value: str) -> None:
    assert value in [text[span.start : span.end] for span in redact.find(text) if span.type == kind]


COLUMNS = [
    ("passport", "name|passport", "Orla Venn|123456789", "123456789"),
    ("passport", "姓名|护照号|备注", "李娜|123456789|无", "123456789"),
    ("passport", "Passport_No", "AB1234567", "AB1234567"),
    ("phone", "name|Telephone", "Orla|2340199", "2340199"),
    ("ssn", "name|SSN", "Orla|536 22 1846", "536 22 1846"),
    ("medical_record", "病历号|入院", "20231145|是", "20231145"),
    ("plate", "owner|license_plate", "Orla|AB12 CDE", "AB12 CDE"),
    ("plate", "车主|车牌", "李娜|7ABC123", "7ABC123"),
    ("passport", "number|护照号", "１|１２３４５６７８９", "１２３４５６７８９"),
]


@pytest.mark.parametrize(("kind", "header", "row", "value"), COLUMNS)
def test_a_header_is_the_context_of_its_column(kind: str, header: str, row: str, value: str) -> None:
    names, cells = header.split("|"), row.split("|")
    rule = "|" + " --- |" * len(names)
    other = f"| {' | '.join('x' for _ in names)} |"
    for shape in ("| {} |", "{}"):
        lines = [shape.format(" | ".join(names)), rule, other, *[shape.format(" | ".join(cells))] * 3]
        text = "The list.\n\n" + "\n".join(lines) + "\n\nEnd of 123456789.\n"
        if "|" in lines[0][1:]:
            found = [text[span.start : span.end] for span in redact.find(text) if span.type == kind]
            assert found == [value] * 3
            assert redact.mask(redact.mask(text)[0])[1] == {}


def test_other_columns_stay() -> None:
    text = "| passport | tons | plate |\n| --- | --- | --- |\n| none | 123456789 | 12 herring |\n"
    assert redact.find(text) == []


def test_behind_the_word_for_a_plate() -> None:
    text = "Number plate: AB12 CDE, seen twice. The plate held 12 fish. License plate number 7ABC123."
    assert [text[span.start : span.end] for span in redact.find(text)] == ["AB12 CDE", "7ABC123"]


ORDINARY = """The fair runs 07:15–18:30 on 2024-05-17 and costs 1,250.00 or 12.50 €; doors open at 9:00, 1998-2004 saw 3.14159.
ISBN 978-3-16-148410-0 and ISBN 9783161484100 stand on page 123 of 1024; order 20240517001234 weighs 12.5 kg.
Version 1.2.3.4 of build 20231201 took 123456789 ms; see RFC 2616, §3.2.1. Call it a day at 10:30:45. Room 101-202-303.
Orla Venn of Saint Brannoc was born on 12 March 1949 in Rue 45, 75001 Paris. Population: 1 234 567. Ratio 16:9, 4:3.
会议定于2024年5月17日上午9:30至11:45召开，门票每张1,250.00元，共计12345678元；全长3200米，海拔1500-2300米。
订单编号20240517001234，快递单号SF1234567890123，图书定价58.00元，书号978-7-5360-1234-5，第12345期，京A组第3名。
气温-12.5～18.0℃，东经121.4737度，北纬31.2304度，比分3:2，编号A-1024，股票代码600519，邮编200000。
| 2021 | 1,204,551 | 33.2 | 0.1234567 |
| 2022 | 1,310,002 | 35.9 | 0.2345678 |
"""


def test_ordinary_numbers_stay() -> None:
    assert [(span.type, ORDINARY[span.start : span.end]) for span in redact.find(ORDINARY)] == []


@pytest.mark.parametrize(
    "text",
    ["Please call 2024-01-15 14:30", "Fax 12.05.2024", "fax machine 1980 1985 1990", "call 3.14159265", "Call 1980-1985.",
     "call 10000000 people", "call 2000000 more", "fax 12-05-2024 9:30", "a mobile of 12.3456789 kg", "phone bill 12345.67", "热线 2024.05.17 开通",
     "cell 0.1234567 2.718", "Call 3.14159265.", "phone bill 12345.67, paid"],
)  # fmt: skip
def test_dates_years_and_decimals_are_no_telephones(text: str) -> None:
    assert redact.find(text) == []


@pytest.mark.parametrize(
    "number",
    ["020 7946 0958", "2340199", "234 0199", "234.0199", "347.1234567", "06.12345678", "01.02.19.90.12", "2345 1234",
     "2123-1834", "555.123.4567", "1-800-555-0199", "12 34 56 78", "20240115", "044.12 34 567", "030.12 34 56 78",
     "0612.34 56 78", "1.5551234567", "71.123456", "555123.45 67", "0123456789", "12.34.5.67.89", "8.8005553535", "8000000", "8005550199", "600123456", "5551000"],
)  # fmt: skip
def test_telephones_behind_their_word(number: str) -> None:
    for frame in ("Call {}.", "call: {}", "Call us at {}", "Phone {} or come", "fax {}, please", "电话：{}", "Call {} now",
                  "call me at {} tonight", "Call us: {} Mon-Fri", "call {} Maria"):  # fmt: skip
        text = frame.format(number)
        assert [text[span.start : span.end] for span in redact.find(text)] == [number], text
    assert [span.type for span in redact.find("call 020 7946 0958 now")] == ["phone"]


def test_wrong_check_digits_and_dates_are_no_identifiers() -> None:
    for text in (
        "110105194912310021",
        "110105194913310028",
        "990105194912310025",
        "4111111111111112",
        "GB82WEST12345698765433",
    ):
        assert [span for span in redact.find(text) if span.type in ("resident_id", "bank_card", "iban")] == []


def test_recall_of_generated_numbers() -> None:
    rng = random.Random(11)
    for make, kind in ((made_resident_id, "resident_id"), (made_card, "bank_card"), (made_credit_code, "credit_code")):
        missed = 0
        for _ in range(300):
            value = make(rng)
            shape = rng.choice([value, value.translate({48 + n: 0xFF10 + n for n in range(10)})])
            if kind == "bank_card":
                shape = rng.choice([value, " ".join(value[n : n + 4] for n in range(0, len(value), 4))])
            text = f"持有人{shape}已核对"
            missed += redact.find(text, [kind]) != [redact.Span(3, 3 + len(shape), kind, 1.0)]
        assert missed == 0


def test_masks_are_stable() -> None:
    text = " ".join(value for _, value in CASES)
    once, counts = redact.mask(text)
    assert redact.mask(once) == (once, {})
    assert counts["email"] == 3 and "[phone]" in once and "@" not in once


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*[value for _, value in CASES], " ", "-", "，", "a", "1", "0", ".", "@", "号", "\n"]),
        max_size=12,
    )
)
def test_masking_twice_changes_nothing(pieces: list[str]) -> None:
    once, _ = redact.mask("".join(pieces))
    assert redact.mask(once) == (once, {})


def test_the_longest_wins() -> None:
    text = "see https://user@host.example/1.2.3.4 now"
    assert [span.type for span in redact.find(text)] == ["url"]


ATTACKS = ["1" * 50_000, "1 " * 25_000, "1-" * 25_000, "+1" * 25_000, "a@" * 25_000, "a." * 25_000, "a@a" + ".a" * 25_000, ":" * 50_000,
           "1:" * 25_000, "1." * 25_000, "A1" * 25_000, "(0" * 25_000, "京A" * 25_000, "passport " * 5_000, "手机 " * 16_000, "http://" * 7_000,
           "GB82" * 12_500, "110105 " * 7_000, "9" + "A" * 49_999, "０" * 50_000, "一" * 50_000, "1O" * 25_000, "phone (((((" * 4_000,
           "1\u200b" * 25_000, "policy no " * 5_000, "138\n0013\n" * 5_000, "plate no " * 5_000, "车牌" * 20_000, "|passport|\n|--|\n" + "|1" * 25_000,
           "|" + "passport" * 3_000 + "|\n|--|\n" + "|1\n" * 9_000]  # fmt: skip


@pytest.mark.parametrize("kind", redact.types())
def test_each_recogniser_is_linear_on_attacks(kind: str) -> None:
    recogniser = redact.recognisers()[kind]
    for attack in ATTACKS:
        began = time.process_time()
        list(recogniser.find(attack))
        assert time.process_time() - began < 0.1, attack[:20]


def test_the_whole_is_linear_on_attacks() -> None:
    for attack in ATTACKS:
        began = time.process_time()
        redact.find(attack)
        assert time.process_time() - began < 0.6, attack[:20]
