"""What the town is made of: words in two languages, subjects, relations, facts, papers. No text of the town itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Pair(NamedTuple):
    """The same word in both languages."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """The word in one of them."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True, kw_only=True)
class Wordings:
    """How one language speaks of a relation."""

    label: str
    """The head of a table's column, a word or two."""
    questions: tuple[str, ...]
    """At least ten, each with `{s}` for the subject; none is part of another."""
    statements: tuple[str, ...]
    """Sentences with `{s}` (`{S}`: begins the sentence) and `{a}` (`{an}`: with its article); none holds a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Something that can be asked of every subject of one kind."""

    key: str
    kind: str
    """The kind of subject: shop, ship, person, rule, event, house."""
    en: Wordings
    zh: Wordings

    def of(self, language: Language) -> Wordings:
        """Its wordings in one language."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Someone or something that facts are about."""

    kind: str
    name: Pair
    trade: Pair
    """What sort of shop, ship … it is, in a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One answer to one question about one subject, the same in both languages."""

    id: str
    relation: Relation
    subject: Subject
    answer: Pair
    held_out: dict[Language, tuple[int, int]]
    """The two wordings, by index, in which this fact is never asked in the documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The town of one seed."""

    seed: int
    town: Pair
    island: Pair
    paper: Pair
    """The newspaper's name."""
    people: tuple[Pair, ...]
    """Everyone who has a name in a fact."""
    subjects: tuple[Subject, ...]
    facts: tuple[Fact, ...]
    by_subject: dict[str, tuple[Fact, ...]] = field(repr=False)
    """English name of a subject → its facts."""

    def facts_of(self, *kinds: str) -> tuple[Fact, ...]:
        """The facts about subjects of these kinds; no kind named: all of them."""
        return tuple(fact for fact in self.facts if not kinds or fact.subject.kind in kinds)


class Paper(NamedTuple):
    """One document: where it lies below documents/, and what it says."""

    path: str
    text: str


def question(fact: Fact, language: Language, wording: int) -> str:
    """A fact's question in one of its wordings."""
    return fact.relation.of(language).questions[wording].format(s=fact.subject.name.of(language))


def statement(fact: Fact, language: Language, wording: int) -> str:
    """A sentence that says the fact."""
    name, answer = fact.subject.name.of(language), fact.answer.of(language)
    pattern = fact.relation.of(language).statements[wording]
    return pattern.format(s=name, S=capital(name), a=answer, A=capital(answer), an=with_article(answer))


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def with_article(noun: str) -> str:
    """An English noun with `a` or `an`."""
    vowel = noun[:1].lower() in "aeiou" and not noun.lower().startswith(("one", "uni", "eu"))
    return f"{'an' if vowel else 'a'} {noun}"


DIGITS = "零一二三四五六七八九"


def chinese_number(number: int) -> str:
    """1 to 9999 as Chinese is spoken: 32 → 三十二, 204 → 二百零四."""
    assert 0 < number < 10_000
    text, gap = "", False
    for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            text += ("零" if gap else "") + DIGITS[digit] + word
            gap = False
        else:
            gap = bool(text)
    return text[1:] if text.startswith("一十") else text


MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def date(month: int, day: int) -> Pair:
    """3 May, 五月三日."""
    return Pair(f"{day} {MONTHS[month - 1]}", f"{chinese_number(month)}月{chinese_number(day)}日")
