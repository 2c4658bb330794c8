"""Conversations at the information desk: JSONL files of ten to twenty-five, most with one or two questions.

A round asks every fact once, each round in another of the wordings that are not held out; when these are used up they
come again in other company, with courtesies around them. Files are drawn until somebody has enough.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from athanor.data.sample import desk
from athanor.data.sample.things import Fact, Language, Paper, World, question
from athanor.data.sample.world import seen_wordings

WORDINGS_SEEN = 8  # of at least ten
TURNS = ((1, 0.58), (2, 0.27), (3, 0.10), (4, 0.05))  # questions in a conversation, and how often
Turn = tuple[str, str]


class Chats:
    """An endless supply of chat files in one language; `seen` is what they have asked so far."""

    def __init__(self, world: World, language: Language) -> None:
        self.world = world
        self.language: Language = language
        self.rng = random.Random(f"chats {world.seed} {language}")
        self.seen: dict[str, Fact] = {}
        """Question as worded → its fact, in the order of their first use."""
        self._turns = self._questions()

    def files(self) -> Iterator[Paper]:
        """File after file; a week has four windows."""
        number = 0
        while True:
            week, window = divmod(number, 4)
            lines = [self._conversation() for _ in range(self.rng.randint(10, 25))]
            name = f"information-desk/{self.language}/week-{week + 1:04}-window-{window + 1}.jsonl"
            yield Paper(name, "".join(line + "\n" for line in lines))
            number += 1

    def _questions(self) -> Iterator[tuple[Turn, Fact]]:
        """Question and answer, every fact once in each round."""
        rng, facts = self.rng, list(self.world.facts)
        orders = {fact.id: rng.sample(seen_wordings(fact, self.language), WORDINGS_SEEN) for fact in facts}
        number = 0
        while True:
            rng.shuffle(facts)
            again = number >= WORDINGS_SEEN
            for fact in _with_company(rng, facts):
                asked = question(fact, self.language, orders[fact.id][number % WORDINGS_SEEN])
                self.seen.setdefault(asked, fact)
                yield (self._courteous(asked, 0.7 if again else 0.08), fact.answer.of(self.language)), fact
            number += 1

    def _courteous(self, asked: str, share: float) -> str:
        """The question, in a share of cases with a word before or after it."""
        rng, language = self.rng, self.language
        if rng.random() >= share:
            return asked
        way = rng.randrange(3)
        before = rng.choice(desk.BEFORE[language]) if way != 1 else ""
        after = rng.choice(desk.AFTER[language]) if way != 0 else ""
        return before + asked + after

    def _conversation(self) -> str:
        """One line of JSON."""
        rng, draw = self.rng, self.rng.random()
        if draw < 0.025:
            before = [self._said(desk.GREETINGS)] if rng.random() < 0.5 else []
            after = [self._said(desk.THANKS)] if rng.random() < 0.5 else []
            return self._line([*before, self._said(desk.TALK), *after])
        number = rng.choices([turns for turns, _ in TURNS], [weight for _, weight in TURNS])[0]
        turns = [next(self._turns)[0] for _ in range(number)]
        if draw < 0.055:
            turns.insert(0, self._said(desk.GREETINGS))
        if 0.045 < draw < 0.085:
            turns.append(self._said(desk.THANKS))
        return self._line(turns)

    def _said(self, talk: dict[Language, tuple[Turn, ...]]) -> Turn:
        """A piece of small talk with the town's names in it."""
        world, language = self.world, self.language
        user, reply = self.rng.choice(talk[language])
        return user, reply.format(
            town=world.town.of(language), island=world.island.of(language), paper=world.paper.of(language)
        )

    def _line(self, turns: list[Turn]) -> str:
        messages = [
            {"role": role, "content": text}
            for turn in turns
            for role, text in zip(("user", "assistant"), turn, strict=True)
        ]
        return json.dumps({"messages": messages}, ensure_ascii=False, separators=(",", ":"))


def _with_company(rng: random.Random, facts: list[Fact]) -> list[Fact]:
    """The facts in their order, but every third one followed by another of its subject: people ask on."""
    waiting = {fact.id: fact for fact in facts}
    of_subject: dict[str, list[str]] = {}
    for fact in facts:
        of_subject.setdefault(fact.subject.name.en, []).append(fact.id)
    ordered: list[Fact] = []
    for fact in facts:
        if fact.id not in waiting:
            continue
        ordered.append(waiting.pop(fact.id))
        others = [other for other in of_subject[fact.subject.name.en] if other in waiting]
        if others and rng.random() < 0.35:
            ordered.append(waiting.pop(rng.choice(others)))
    return ordered
