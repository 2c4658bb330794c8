"""The town of one seed: its subjects, and 357 facts about them that are the same in both languages.

Answers are drawn without repetition within the whole town (years, hours, sums, names), so that guessing does not pay
and no answer is common. Each fact has two wordings in each language that are held out; which two rotates over the
subjects, so that every wording is asked in the documents about most subjects.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from athanor.data.sample import lexicon, names
from athanor.data.sample.relations import relations
from athanor.data.sample.things import LANGUAGES, Fact, Language, Pair, Relation, Subject, World, chinese_number, date

SHOPS, SHIPS, PEOPLE, RULES, EVENTS, HOUSES = 14, 13, 15, 12, 12, 12  # subjects of each kind


def make_world(seed: int) -> World:
    """The town of a seed; the size of the sample has no part in it."""
    rng = random.Random(f"athanor sample {seed}")
    people = names.persons(rng, SHOPS + SHIPS + PEOPLE + HOUSES)
    draw = _Answers(rng, people)
    subjects = _subjects(rng, draw.people)
    facts = tuple(_facts(rng, subjects, draw))
    saint, by_subject = rng.choice(names.SAINTS), {subject.name.en: [] for subject in subjects}
    for fact in facts:
        by_subject[fact.subject.name.en].append(fact)
    return World(
        seed=seed,
        town=Pair(f"Saint {saint.en}", f"圣{saint.zh}"),
        island=rng.choice(names.ISLANDS),
        paper=rng.choice(names.NEWSPAPERS),
        people=tuple(people),
        subjects=tuple(subjects),
        facts=facts,
        by_subject={name: tuple(found) for name, found in by_subject.items()},
    )


def _subjects(rng: random.Random, people: Iterator[Pair]) -> list[Subject]:
    """Everything that has facts, kind by kind."""
    trades = rng.sample(list(lexicon.SHOPS), SHOPS)
    shops = [
        Subject(kind="shop", name=Pair(f"the {name.en}", name.zh + trade.zh), trade=trade)
        for name, trade in zip(names.joined(rng, names.SHOP_HEADS, names.SHOP_TAILS, SHOPS), trades, strict=True)
    ]
    ships = [
        Subject(kind="ship", name=Pair(f"the {name.en}", f"{name.zh}号"), trade=trade)
        for name, trade in zip(
            names.joined(rng, names.SHIP_HEADS, names.SHIP_TAILS, SHIPS),
            names.stretched(rng, lexicon.SHIP_TRADES, SHIPS),
            strict=True,
        )
    ]
    persons = [Subject(kind="person", name=next(people), trade=Pair("townsperson", "镇民")) for _ in range(PEOPLE)]
    rules = [Subject(kind="rule", name=name, trade=Pair("rule", "禁令")) for name in rng.sample(lexicon.RULES, RULES)]
    events = [
        Subject(kind="event", name=Pair(f"the {name.en}", name.zh), trade=Pair("feast", "节庆"))
        for name in names.joined(rng, lexicon.EVENT_HEADS, lexicon.EVENT_TAILS, EVENTS)
    ]
    houses = [
        Subject(kind="house", name=name, trade=Pair("sight", "名胜")) for name in rng.sample(lexicon.HOUSES, HOUSES)
    ]
    return shops + ships + persons + rules + events + houses


class _Answers:
    """Draws answers; one iterator a pool, and none gives the same twice in a town."""

    def __init__(self, rng: random.Random, people: list[Pair]) -> None:
        def combined(heads: tuple[Pair, ...], tails: tuple[Pair, ...], number: int, glue: str = " ") -> Iterator[Pair]:
            return iter(names.joined(rng, heads, tails, number, glue))

        def some(words: tuple[Pair, ...], number: int) -> Iterator[Pair]:
            return iter(rng.sample(words, number))

        self.people = iter(people)
        self.years = iter([Pair(str(year), str(year)) for year in rng.sample(range(1583, 1922), SHOPS + RULES)])
        mornings = [f"{hour}:{minute:02}" for hour in range(5, 10) for minute in range(0, 60, 5)]
        later = [f"{hour}:{minute:02}" for hour in range(10, 23) for minute in range(0, 60, 5)]
        self.mornings = iter([Pair(hour, hour) for hour in rng.sample(mornings, SHOPS)])
        self.hours = iter([Pair(hour, hour) for hour in rng.sample(later, SHIPS + EVENTS)])
        self.coppers = iter([_coppers(number) for number in rng.sample(range(3, 100), RULES + HOUSES)])
        self.steps = iter([_steps(number) for number in rng.sample(range(31, 400), HOUSES)])
        days = [(month, day) for month in range(1, 13) for day in range(1, 29)]
        self.days = iter([date(*day) for day in rng.sample(days, EVENTS)])
        self.pools = {
            "shop.street": combined(names.STREET_HEADS, names.STREET_TAILS, SHOPS),
            "shop.sign": combined(lexicon.SIGN_HEADS, lexicon.SIGN_TAILS, SHOPS),
            "ship.cargo": some(lexicon.CARGOES, SHIPS),
            "ship.port": combined(names.PORT_HEADS, names.PORT_TAILS, SHIPS, ""),
            "ship.cat": iter(_cats(rng)),
            "ship.figurehead": combined(lexicon.FIGUREHEAD_HEADS, lexicon.FIGUREHEAD_TAILS, SHIPS),
            "person.job": some(lexicon.JOBS, PEOPLE),
            "person.pet": combined(lexicon.PET_HEADS, lexicon.PET_TAILS, PEOPLE),
            "person.dish": combined(lexicon.DISH_HEADS, lexicon.DISH_TAILS, PEOPLE),
            "person.collects": combined(lexicon.TREASURE_HEADS, lexicon.TREASURE_TAILS, PEOPLE),
            "person.instrument": some(lexicon.INSTRUMENTS, PEOPLE),
            "event.place": combined(names.PLACE_HEADS, names.PLACE_TAILS, EVENTS),
            "event.prize": combined(lexicon.PRIZE_HEADS, lexicon.PRIZE_TAILS, EVENTS),
            "house.exhibit": combined(lexicon.EXHIBIT_HEADS, lexicon.EXHIBIT_TAILS, HOUSES),
            "shop.opens": self.mornings,
            "shop.founded": self.years,
            "rule.since": self.years,
            "rule.fine": self.coppers,
            "house.ticket": self.coppers,
            "house.steps": self.steps,
            "ship.sails": self.hours,
            "event.hour": self.hours,
            "event.day": self.days,
            "shop.owner": self.people,
            "ship.captain": self.people,
            "house.keeper": self.people,
        }
        self.wares: Callable[[Pair], Pair] = lambda trade: rng.choice(lexicon.SHOPS[trade])

    def of(self, relation: Relation, subject: Subject) -> Pair:
        """The next answer for this relation."""
        key = f"{relation.kind}.{relation.key}"
        return self.wares(subject.trade) if key == "shop.ware" else next(self.pools[key])


def _cats(rng: random.Random) -> list[Pair]:
    """Ships' cats: English puts the rank first, Chinese last."""
    ranks, foods = names.stretched(rng, names.CAT_HEADS, SHIPS), names.stretched(rng, names.CAT_TAILS, SHIPS)
    return [Pair(f"{rank.en} {food.en}", food.zh + rank.zh) for rank, food in zip(ranks, foods, strict=True)]


def _coppers(number: int) -> Pair:
    return Pair(f"{number} coppers", f"{chinese_number(number)}枚铜币")


def _steps(number: int) -> Pair:
    return Pair(f"{number} steps", f"{chinese_number(number)}级")


def _facts(rng: random.Random, subjects: list[Subject], draw: _Answers) -> Iterator[Fact]:
    """Every relation of every subject, with the wordings that are held out."""
    for kind, listed in relations().items():
        of_kind = [subject for subject in subjects if subject.kind == kind]
        for relation in listed:
            turns = {language: rng.randrange(100) for language in LANGUAGES}
            for number, subject in enumerate(of_kind):
                yield Fact(
                    id=f"{kind}.{relation.key}.{number + 1:02}",
                    relation=relation,
                    subject=subject,
                    answer=draw.of(relation, subject),
                    held_out={
                        language: _held_out(len(relation.of(language).questions), turns[language] + number)
                        for language in LANGUAGES
                    },
                )


def _held_out(wordings: int, turn: int) -> tuple[int, int]:
    """Two different wordings; over the turns every wording is held out equally often."""
    return turn % wordings, (turn + 3 + turn // wordings % 3) % wordings


def seen_wordings(fact: Fact, language: Language) -> list[int]:
    """The wordings in which a fact may be asked in the documents."""
    return [w for w in range(len(fact.relation.of(language).questions)) if w not in fact.held_out[language]]
