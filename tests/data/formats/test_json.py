"""JSON and JSON Lines: what rows become, wrapped, broken and long ones. `pytest tests/data/formats`."""

from __future__ import annotations

import io
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athanor.data import formats
from athanor.data.documents import Limits, RawDocument
from athanor.data.jsonvalues import values


def read(data: bytes | str, name: str, **limits: int) -> list[RawDocument]:
    data = data.encode() if isinstance(data, str) else data
    return list(formats.read(io.BytesIO(data), name, Limits(**limits)))


def texts(data: bytes | str, name: str, **limits: int) -> list[str | None]:
    return [document.reason or document.text for document in read(data, name, **limits)]


ROWS = [
    ({"text": "A text."}, "A text."),
    ({"content": "A content.", "id": 3}, "A content."),
    ({"en": "Hello.", "zh": "你好。"}, "en: Hello.\nzh: 你好。"),
    ("just a string", "just a string"),
]
CHATS = [
    {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]},
    {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
    {"question": "Q", "answer": "A"},
    {"instruction": "Q", "input": "", "output": "A"},
    {"prompt": "Q", "completion": "A"},
    {"turns": ["Q", "A"]},
]


@pytest.mark.parametrize(("row", "text"), ROWS)
def test_rows_that_are_texts(row: object, text: str) -> None:
    assert texts(json.dumps(row) + "\n", "a.jsonl") == [text]
    assert texts(json.dumps([row, row], indent=1), "a.json") == [text, text]


@pytest.mark.parametrize("row", CHATS)
def test_rows_that_are_chats(row: object) -> None:
    assert [document.messages for document in read(json.dumps(row), "a.jsonl")] == [[("user", "Q"), ("assistant", "A")]]


def test_instruction_with_input_and_system() -> None:
    row = {"instruction": "Add.", "input": "1 2", "output": "3"}
    assert read(json.dumps(row), "a.json")[0].messages == [("user", "Add.\n1 2"), ("assistant", "3")]
    row = {"system": "Be brief.", "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}
    assert read(json.dumps(row), "a.jsonl")[0].messages[0] == ("system", "Be brief.")  # type: ignore[index]


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        (
            {"instruction": "Q", "context": "C", "response": "A", "category": "qa"},
            [("user", "Q\nC"), ("assistant", "A")],
        ),
        ({"context": "C", "question": "Q", "answer": "A"}, [("user", "Q\nC"), ("assistant", "A")]),
        ({"text": "C", "question": "Q", "answer": "A"}, [("user", "Q\nC"), ("assistant", "A")]),
        ({"instruction": "Ask", "input": "", "output": "A", "text": "# Ask: A"}, [("user", "Ask"), ("assistant", "A")]),
        ({"input": "Q", "output": "A"}, [("user", "Q"), ("assistant", "A")]),
        ({"prompt": "Q", "response": "A", "system": "S"}, [("system", "S"), ("user", "Q"), ("assistant", "A")]),
        (
            {"system": "S", "history": [["1", "2"], ["3", "4"]], "instruction": "Q", "input": "I", "output": "A"},
            [("system", "S"), *zip(["user", "assistant"] * 3, ["1", "2", "3", "4", "Q\nI", "A"], strict=True)],
        ),
        (
            {"history": [{"role": "user", "content": "1"}], "question": "Q", "answer": "A"},
            [("user", "1"), ("user", "Q"), ("assistant", "A")],
        ),
    ],
)
def test_what_stands_beside_a_pair_is_part_of_it(row: object, messages: list[tuple[str, str]]) -> None:
    (document,) = read(json.dumps(row), "a.jsonl")
    assert document.messages == messages


@pytest.mark.parametrize(
    "history",
    [
        [[1, 2]], [["x", None]], [["u1", ""]], [["u1", "a1", "u2"]], [[]],
        ["the history of Rome"], ["u1", "a1"], "Rome",
        [{"question": "x", "answer": "y"}], [{"user": "x", "bot": "y"}], [{"role": "user", "content": " "}], [None],
        [], [["u1", "a1"], {"role": "user", "content": "x"}], [{"role": "stranger", "content": "x"}],
    ],
)  # fmt: skip
def test_a_pair_is_kept_without_a_history_that_is_no_chat(history: object) -> None:
    (document,) = read(json.dumps({"history": history, "question": "Q", "answer": "A"}), "a.jsonl")
    assert document.messages == [("user", "Q"), ("assistant", "A")]
    assert document.repaired == ({"histories": 1} if history and isinstance(history, list) else {})


def test_parts_of_a_message_are_its_text() -> None:
    def messages(content: object) -> list[RawDocument]:
        turns = [{"role": "user", "content": content}, {"role": "assistant", "content": "A"}]
        return read(json.dumps({"messages": turns}), "a.jsonl")

    for content in (["hi", "there"], [{"type": "text", "text": "hi"}, {"type": "image"}, "there"]):
        assert messages(content)[0].messages == [("user", "hi\nthere"), ("assistant", "A")]
    for content in ([{"type": "image"}], [3], 3, {"a": 1}):
        assert messages(content)[0].reason == "broken_chat"


def test_rows_in_a_wrapper_are_rows() -> None:
    rows = [{"name": f"Boat {n}", "berth": n} for n in range(3000)]
    found = read(json.dumps({"version": 2, "data": rows}, indent=1), "a.json")
    assert len(found) == 3001 and found[7].text == "name: Boat 7\nberth: 7" and found[-1].text == "version: 2"
    assert [document.place for document in found] == list(range(3001))
    assert read(json.dumps({"rows": [CHATS[2], CHATS[2]]}), "a.json")[1].messages == [
        ("user", "Q"),
        ("assistant", "A"),
    ]
    assert len(read(json.dumps({"text": "A text.", "data": rows}), "a.json")) == 1
    boat = {"name": "Tern", "berth": 7, "crew": [{"name": "Orla"}, {"name": "Bran"}]}
    assert len(read(json.dumps(boat), "a.json")) == 1 and len(read(json.dumps([boat, boat]), "a.json")) == 2


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"version": 2}, {}),
        ({"tags": ["a", "[{"], "a": {"b": [{}]}}, {"more": {"x": [1]}, "note": 'a "b": ]'}),
    ],
)
def test_a_long_wrapper_gives_the_rows_of_a_short_one(indent: int | None, before: dict, after: dict) -> None:
    rows = [{"name": f'Boat "{n}" ]}}', "crew": [{"x": n}]} for n in range(300)]
    source = json.dumps(before | {"data": rows} | after, indent=indent)
    short, long = read(source, "a.json"), read(source, "a.json", line_characters=1000)
    assert [row.text for row in long] == [row.text for row in short] and len(short) == 300 + bool(before)
    assert [row.place for row in long] == sorted({row.place for row in long})


def test_a_long_object_that_is_no_wrapper_is_one_long_line() -> None:
    rows = [{"name": f"Boat {n}"} for n in range(300)]
    for row in ({"text": "A text.", "data": rows}, {"numbers": list(range(900))}, {"messages": rows}):
        assert texts(json.dumps(row), "a.json", line_characters=1000) == ["too_long_line"]
    many = "\n".join(json.dumps({"name": "Tern", "crew": rows[:2]}) for _ in range(100))
    assert texts(many, "a.json", line_characters=1000) == texts(many, "a.jsonl")
    long = json.dumps({"data": [{"a": "x" * 2000}, {"a": "b"}], "other": rows})
    assert texts(long, "a.json", line_characters=1000) == ["too_long_line", "a: b", "too_long_line"]
    assert texts(json.dumps({"data": rows})[:-5], "a.json", line_characters=1000)[-1] == "broken_json"


def test_a_broken_row_costs_only_itself() -> None:
    bad = [
        '{"text": ',
        "[" * 100_000,
        '{"text": "a" "b"}',
        "nonsense",
        '{"a":' * 300 + "1" + "}" * 300,
        "1" * 1_000_000,
    ]
    data = "\n".join(['{"text": "first"}', *bad, "", '{"text": "last"}'])
    began = time.monotonic()
    found = texts(data, "a.jsonl")
    assert time.monotonic() - began < 1
    assert found[0] == "first" and found[-1] == "last" and len(found) == 8
    assert set(found[1:-1]) <= {"broken_json", "no_text"} and found.count("broken_json") >= 5


def test_a_broken_value_of_an_array_costs_only_itself() -> None:
    assert texts('[{"text": "one"}, {"text": }, {"text": "th\\"]ree"}]', "a.json") == ["one", "broken_json", 'th"]ree']
    assert texts('{"text": "one"}\n{"text": "two"}', "a.json") == ["one", "two"]
    assert texts('[{"text": "one"}, {"text": "tw', "a.json") == ["one", "broken_json"]
    assert texts("[" * 100_000, "a.json") == ["broken_json"]


def test_rows_above_the_limit_are_dropped_and_the_next_is_read() -> None:
    data = json.dumps({"text": "x" * 5000}) + "\n" + json.dumps({"text": "short"}) + "\n"
    assert texts(data, "a.jsonl", line_characters=1000) == ["too_long_line", "short"]
    assert texts(json.dumps([{"text": "x" * 5000}, {"text": "short"}]), "a.json", line_characters=1000) == [
        "too_long_line",
        "short",
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.recursive(st.text('ab"\\[]{},', max_size=6), lambda inner: st.lists(inner, max_size=3)), max_size=5),
    st.integers(1, 7),
)
def test_values_of_any_array_in_any_pieces(array: list[object], size: int) -> None:
    source = json.dumps(array)
    pieces = [source[n : n + size] for n in range(0, len(source), size)]
    assert [json.loads(value.text) for value in values(pieces, 10_000)] == array


def test_broken_bytes_are_counted_with_their_row() -> None:
    data = '{"text": "日本一个"}\n'.encode() * 3 + b'{"text": "bro\xffken"}\n'
    found = read(data, "a.jsonl")
    assert found[-1].text == "broken" and sum(document.repaired.get("bytes", 0) for document in found) == 1
