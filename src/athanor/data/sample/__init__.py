"""The sample world: the papers of an invented harbour town, in English and Chinese, and the truth about them.

A pure function of seed and size: `make(folder, seed, megabytes)` writes `documents/` (newspaper, guide, registers,
diaries, letters, minutes, log books, forms, chats of the information desk; also copies and junk) and beside it
`truth/` (questions.jsonl, personal-data.jsonl, duplicates.jsonl, and sample.json, which comes last).

Every fact is a subject, a relation and a short answer. Each relation has ten wordings of its question in a language.
*seen*: the question, word for word, is a user's turn somewhere in the chats. *held_out*: the question as worded occurs
nowhere; its wording occurs about other subjects, and its fact is asked in other wordings. So a model can answer a
held-out question only by putting together what it learnt of the wording and what it learnt of the subject.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

from athanor.core.errors import InputError
from athanor.data.sample import blemishes
from athanor.data.sample.chats import Chats
from athanor.data.sample.folder import SampleFolder
from athanor.data.sample.papers import guide, house_rules, periodicals, registers
from athanor.data.sample.personal import papers as personal
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import LANGUAGES, Language, World, question
from athanor.data.sample.world import make_world

__all__ = ["LARGEST", "SMALLEST", "VERSION", "make"]

VERSION = 2  # raised when the same seed gives other bytes
SMALLEST, LARGEST = 0.8, 1000.0  # megabytes: what the facts need; what a folder of small files can bear
CHAT_SHARE = 0.63  # of all bytes


def make(folder: Path, seed: int = 0, megabytes: float = 1.0) -> dict[str, Any]:
    """Write the sample into a new folder; the counts: documents, bytes, facts and questions by language."""
    _check(seed, megabytes)
    target = SampleFolder(Path(folder), {"seed": seed, "version": VERSION, "megabytes": float(megabytes)})
    world, size = make_world(seed), megabytes * 1e6
    scribes: dict[Language, Scribe] = {language: Scribe(world, language) for language in LANGUAGES}
    supplies = {language: periodicals(scribes[language]) for language in LANGUAGES}
    pieces, copies = list[personal.Piece](), list[blemishes.Copy]()
    for language, scribe in scribes.items():
        pages = list(guide.pages(scribe))
        for paper in (*pages, *registers.sheets(world, language), house_rules.page(scribe)):
            target.write(paper)
        for paper, found in personal.papers(scribe):
            target.write(paper)
            pieces += found
        first = list(blemishes.enough_to_copy(supplies[language]))
        for paper in first:
            target.write(paper)
        for paper, copy in blemishes.copies(world, language, first, pages):
            target.write(paper)
            copies.append(copy)
    for paper in blemishes.junk(world):
        target.write(paper)
    chats = _write_chats(target, world, CHAT_SHARE * size)
    for language in itertools.cycle(LANGUAGES):
        if target.bytes >= size - 1000:  # half a paper
            break
        target.write(next(supplies[language]))
    rows = _questions(world, chats)
    target.write_truth("questions.jsonl", rows)
    target.write_truth("personal-data.jsonl", (piece._asdict() for piece in pieces))
    target.write_truth("duplicates.jsonl", (copy._asdict() for copy in copies))
    target.finish()
    return {
        "seed": seed,
        "documents": target.documents,
        "bytes": target.bytes,
        "facts": {language: len(world.facts) for language in LANGUAGES},
        "questions": {language: sum(row["language"] == language for row in rows) for language in LANGUAGES},
    }


def _check(seed: int, megabytes: float) -> None:
    """Refuse what cannot be made."""
    if seed < 0:
        raise InputError(
            f"The seed is {seed}; seeds are not negative.", value=seed, limit=0, remedy="Choose a seed of 0 or more."
        )
    if not math.isfinite(megabytes) or not SMALLEST <= megabytes <= LARGEST:
        raise InputError(
            f"A sample of {megabytes} megabytes cannot be made: its facts need {SMALLEST}, the most is {LARGEST:.0f}.",
            value=megabytes if math.isfinite(megabytes) else str(megabytes),
            limit=[SMALLEST, LARGEST],
            remedy=f"Choose megabytes between {SMALLEST} and {LARGEST:.0f}.",
        )


def _write_chats(target: SampleFolder, world: World, size: float) -> dict[Language, Chats]:
    """So many bytes of chats, file by file, the languages in turn."""
    chats: dict[Language, Chats] = {language: Chats(world, language) for language in LANGUAGES}
    files = {language: chats[language].files() for language in LANGUAGES}
    end = target.bytes + size
    for language in itertools.cycle(LANGUAGES):
        if target.bytes >= end:
            return chats
        target.write(next(files[language]))
    raise AssertionError("a cycle does not end")


def _questions(world: World, chats: dict[Language, Chats]) -> list[dict[str, Any]]:
    """Every question that was asked, and every one that is held out."""
    rows: list[dict[str, Any]] = []
    for language in LANGUAGES:
        asked = [(fact, text, "seen") for text, fact in chats[language].seen.items()]
        held = [
            (fact, question(fact, language, w), "held_out") for fact in world.facts for w in fact.held_out[language]
        ]
        rows += [
            {
                "question": text,
                "answer": fact.answer.of(language),
                "language": language,
                "fact": fact.id,
                "split": split,
            }
            for fact, text, split in (*asked, *held)
        ]
    return rows
