"""A hand that writes for the town's papers: facts in turning wordings, colour that is not repeated before its time."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence

from athanor.data.sample import colour
from athanor.data.sample.things import Fact, Language, World, capital, statement

SLOT = re.compile(r"\{(\w+)\}")


class Deck:
    """Deals cards in random order, and shuffles again only when all have been dealt."""

    def __init__(self, rng: random.Random, cards: Sequence[str]) -> None:
        self._rng = rng
        self._cards = cards
        self._left: list[str] = []

    def deal(self) -> str:
        """The next card."""
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()


class Scribe:
    """Writes in one language about one town; endless, and the same for the same seed."""

    def __init__(self, world: World, language: Language) -> None:
        self.world = world
        self.language: Language = language
        self.rng = random.Random(f"scribe {world.seed} {language}")
        self._decks = {kind: Deck(self.rng, lines) for kind, lines in colour.OF_KIND[language].items()}
        self._general = Deck(self.rng, colour.GENERAL[language])
        self._facts: dict[tuple[str, ...], Iterator[Fact]] = {}
        self._cards: dict[Sequence[str], Deck] = {}

    def fact(self, fact: Fact) -> str:
        """A sentence that says the fact; its relation comes in all wordings before one comes again."""
        patterns = fact.relation.of(self.language).statements
        return statement(fact, self.language, patterns.index(self._deck(patterns).deal()))

    def facts(self, number: int, *kinds: str) -> list[Fact]:
        """The next facts about subjects of these kinds; all come up before one comes again."""
        supply = self._facts.setdefault(kinds, self._endless(self.world.facts_of(*kinds)))
        return [next(supply) for _ in range(number)]

    def colour(self, kind: str | None = None) -> str:
        """A sentence that says nothing one could be asked."""
        deck = self._general if kind is None else self._decks[kind]
        return self.filled(deck.deal())

    def pick(self, lines: Sequence[str]) -> str:
        """One of the lines, its slots filled; all of them before one comes again."""
        return self.filled(self._deck(lines).deal())

    def _deck(self, lines: Sequence[str]) -> Deck:
        """The deck these lines are dealt from."""
        return self._cards.setdefault(lines, Deck(self.rng, lines))

    def filled(self, line: str) -> str:
        """The line with its slots filled: the town's names, or a word at random; `{Who}` begins a sentence."""
        world, slots = self.world, colour.SLOTS[self.language]
        names = {"town": world.town, "island": world.island, "paper": world.paper}

        def fill(found: re.Match[str]) -> str:
            slot = found[1]
            if slot in names:
                return names[slot].of(self.language)
            word = self.rng.choice(slots[slot.lower()])
            return capital(word) if slot[0].isupper() else word

        return SLOT.sub(fill, line)

    def passage(self, facts: Iterable[Fact], every: int = 2) -> str:
        """A paragraph: the facts, with colour after every so many of them."""
        sentences: list[str] = []
        for number, fact in enumerate(facts):
            sentences.append(self.fact(fact))
            if number % every == every - 1:
                sentences.append(self.colour(fact.subject.kind if self.rng.random() < 0.4 else None))
        return self.join(sentences)

    def join(self, sentences: Iterable[str]) -> str:
        """Sentences side by side."""
        return (" " if self.language == "en" else "").join(sentences)

    def _endless(self, facts: Sequence[Fact]) -> Iterator[Fact]:
        """All of the facts, again and again, in runs of up to three about one subject: papers keep to their point."""
        rng = self.rng
        while True:
            of_subject: dict[str, list[Fact]] = {}
            for fact in rng.sample(facts, len(facts)):
                of_subject.setdefault(fact.subject.name.en, []).append(fact)
            runs: list[list[Fact]] = []
            for found in of_subject.values():
                while found:
                    size = rng.randint(2, 3)
                    runs.append(found[:size])
                    del found[:size]
            rng.shuffle(runs)
            yield from (fact for run in runs for fact in run)
