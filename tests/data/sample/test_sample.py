"""The sample world keeps its promises: pure, counted, held out, true offsets, right check digits, no accidental copies.

Run: pytest tests/data/sample
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from athanor.core.errors import InputError
from athanor.data.sample import SMALLEST, make
from athanor.data.sample.relations import relations
from athanor.data.sample.things import LANGUAGES
from athanor.data.sample.world import make_world

SEED = 5


class Town(NamedTuple):
    folder: Path
    counts: dict[str, Any]
    texts: dict[str, str]
    """Path below documents/ → decoded text."""

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "truth" / name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    return Town(folder, make(folder, SEED), read(folder / "documents"))


def read(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def spoken(path: str, text: str) -> str:
    """What a document says, without its format."""
    if path.endswith(".jsonl"):
        lines = [json.loads(line)["messages"] for line in text.splitlines()]
        return "\n".join(message["content"] for messages in lines for message in messages)
    return unescape(re.sub(r"<[^>]*>", " ", text)) if path.endswith(".html") else text


def plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower())


def test_same_seed_same_bytes_other_seed_other_answers(town: Town, tmp_path: Path) -> None:
    make(tmp_path / "again", SEED)
    make(tmp_path / "other", SEED + 1)
    assert read(tmp_path / "again") == read(town.folder)
    other = Town(tmp_path / "other", {}, {})
    first, second = ({row["answer"] for row in place.rows("questions.jsonl")} for place in (town, other))
    assert len(first & second) / len(second) < 0.5


def test_counts(town: Town) -> None:
    rows, size = town.rows("questions.jsonl"), sum(len(text.encode()) for text in town.texts.values())
    assert town.counts["bytes"] == size
    assert town.counts["documents"] == len(town.texts) >= 330
    assert 0.97e6 < size < 1.03e6
    assert len({plain(row["question"]) for row in rows}) == len(rows)
    for language in LANGUAGES:
        mine = [row for row in rows if row["language"] == language]
        assert town.counts["questions"][language] == len(mine)
        assert town.counts["facts"][language] == len({row["fact"] for row in mine}) >= 330
        for split in ("seen", "held_out"):
            part = [row for row in mine if row["split"] == split]
            assert Counter(plain(row["answer"]) for row in part).most_common(1)[0][1] / len(part) < 0.012
        held = Counter(row["fact"] for row in mine if row["split"] == "held_out")
        assert set(held.values()) == {2}


def test_a_fact_is_the_same_in_both_languages(town: Town) -> None:
    facts = {language: set[str]() for language in LANGUAGES}
    for row in town.rows("questions.jsonl"):
        facts[row["language"]].add(row["fact"])
    assert facts["en"] == facts["zh"]


def test_held_out_questions_occur_nowhere_and_seen_ones_do(town: Town) -> None:
    everything = plain("\n".join(spoken(path, text) for path, text in town.texts.items()))
    for row in town.rows("questions.jsonl"):
        assert (plain(row["question"]) in everything) == (row["split"] == "seen"), row
        assert plain(row["answer"]) in everything, row


def test_every_fact_is_stated_beside_the_chats(town: Town) -> None:
    for language in LANGUAGES:
        papers = [unescape(text) for path, text in town.texts.items() if path.startswith(f"town-guide/{language}/")]
        for fact in make_world(SEED).facts:
            name, answer = fact.subject.name.of(language), fact.answer.of(language)
            assert any(name in text and plain(answer) in plain(text) for text in papers), fact.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_wording_is_part_of_another(language: Any) -> None:
    for listed in relations().values():
        asked = [plain(q.format(s="xyzzy")) for relation in listed for q in relation.of(language).questions]
        said = [
            plain(s.format(s="xyzzy", S="xyzzy", a="q", A="q", an="a q"))
            for relation in listed
            for s in relation.of(language).statements
        ]
        assert not [(a, b) for a in asked for b in (*asked, *said) if a != b and a in b]
        assert len(set(asked)) == len(asked)
        assert all(len(relation.of(language).questions) >= 10 for relation in listed)


def test_answers_in_the_chats_are_the_short_answers(town: Town) -> None:
    answers = {row["question"]: row["answer"] for row in town.rows("questions.jsonl") if row["split"] == "seen"}
    given = 0
    for path, text in town.texts.items():
        if path.endswith(".jsonl"):
            for line in text.splitlines():
                messages = json.loads(line)["messages"]
                assert [message["role"] for message in messages] == ["user", "assistant"] * (len(messages) // 2)
                for asked, answer in zip(messages[::2], messages[1::2], strict=True):
                    if asked["content"] in answers:
                        given += 1
                        assert answer["content"] == answers[asked["content"]]
    assert given > 0.8 * len(answers)


def test_personal_data_stand_where_the_truth_says(town: Town) -> None:
    rows = town.rows("personal-data.jsonl")
    for row in rows:
        assert town.texts[row["file"]][row["start"] : row["end"]] == row["text"]
    kinds = Counter(row["type"] for row in rows)
    assert {"person", "address", "phone", "email", "resident_id"} <= set(kinds)
    assert len(rows) >= 80
    assert len({row["file"] for row in rows}) >= 25
    answers = {plain(row["answer"]) for row in town.rows("questions.jsonl")}
    assert not [row for row in rows if plain(row["text"]) in answers]


def test_check_digits(town: Town) -> None:
    found: dict[str, list[str]] = {}
    for row in town.rows("personal-data.jsonl"):
        found.setdefault(row["type"], []).append(re.sub(r"\s", "", row["text"]))
    for number in found["resident_id"]:
        # ISO 7064 MOD 11-2: the weighted sum with the check digit as first place leaves 1.
        digits = [10 if sign == "X" else int(sign) for sign in number]
        assert sum(digit * 2 ** (17 - place) for place, digit in enumerate(digits)) % 11 == 1
        assert 1940 <= int(number[6:10]) <= 2005
    for number in found["bank_card"]:
        doubled = [sum(divmod(int(sign) * (2 - place % 2), 10)) for place, sign in enumerate(reversed(number), 1)]
        assert sum(doubled) % 10 == 0
    for number in found["iban"]:
        assert int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1
    for number in found["credit_code"]:
        signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
        weights = [*(3**place for place in range(17)), 1]
        assert sum(signs.index(sign) * weight for sign, weight in zip(number, weights, strict=True)) % 31 == 0


def grams(path: str, text: str) -> set[Any]:
    said = spoken(path, text)
    units: Any = re.sub(r"\s", "", said) if "/zh/" in path else re.findall(r"\w+", said.lower())
    return {tuple(units[start : start + 5]) for start in range(len(units) - 4)}


def test_copies_are_copies_and_nothing_else_is(town: Town) -> None:
    copies = town.rows("duplicates.jsonl")
    pieces = {path: grams(path, text) for path, text in town.texts.items()}
    for row in copies:
        if row["kind"] == "exact":
            assert town.texts[row["file"]] == town.texts[row["of"]]
        else:
            assert 0.85 < jaccard(pieces[row["file"]], pieces[row["of"]]) < 1
    assert Counter(row["kind"] for row in copies) == {"exact": 12, "near": 18}
    planted = {row["file"] for row in copies}
    holders: dict[Any, list[str]] = {}
    for path in pieces.keys() - planted:
        for gram in pieces[path]:
            holders.setdefault(gram, []).append(path)
    shared = Counter(pair for paths in holders.values() if len(paths) < 40 for pair in pairs(paths))
    assert not [pair for pair, _ in shared.most_common(200) if jaccard(pieces[pair[0]], pieces[pair[1]]) >= 0.5]


def jaccard(one: set[Any], other: set[Any]) -> float:
    return len(one & other) / len(one | other)


def pairs(paths: list[str]) -> list[tuple[str, str]]:
    return [(a, b) if a < b else (b, a) for number, a in enumerate(paths) for b in paths[:number]]


def test_more_megabytes_say_more_and_nothing_else(town: Town, tmp_path: Path) -> None:
    more = make(tmp_path / "more", SEED, 3)
    assert 2.9e6 < more["bytes"] < 3.1e6
    assert more["facts"] == town.counts["facts"]
    answers = [
        {row["fact"] + row["language"]: row["answer"] for row in place.rows("questions.jsonl")}
        for place in (town, Town(tmp_path / "more", more, {}))
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("seed", "megabytes"), [(-1, 1.0), (0, float("nan")), (0, float("inf")), (0, SMALLEST / 2), (0, 1001.0), (0, -1.0)]
)
def test_refuses_what_cannot_be_made(tmp_path: Path, seed: int, megabytes: float) -> None:
    with pytest.raises(InputError) as caught:
        make(tmp_path / "town", seed, megabytes)
    assert caught.value.limit is not None
    assert caught.value.remedy
    assert str(seed if seed < 0 else megabytes) in str(caught.value)
    assert not (tmp_path / "town").exists()


def test_never_overwrites_what_is_no_sample(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError):
        make(tmp_path / "mine.txt")


def test_the_same_again_is_fine_and_another_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "town"
    make(folder, 1, SMALLEST)
    before = read(folder)
    make(folder, 1, SMALLEST)
    assert read(folder) == before
    with pytest.raises(InputError):
        make(folder, 2, SMALLEST)
    assert read(folder) == before


def test_a_killed_run_leaves_no_whole_sample_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real = tmp_path / "town", Path.write_bytes

    def breaks(path: Path, data: bytes) -> int:
        if path.name == "personal-data.jsonl":
            raise KeyboardInterrupt
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", breaks)
    with pytest.raises(KeyboardInterrupt):
        make(folder, 1, SMALLEST)
    assert not (folder / "truth/sample.json").exists()
    monkeypatch.undo()
    make(folder, 1, SMALLEST)
    assert json.loads((folder / "truth/sample.json").read_text())["seed"] == 1
    assert not (folder / "truth/unfinished.json").exists()
