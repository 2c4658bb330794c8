"""Minutes of the town council: Markdown with numbered items, about rules, sights and feasts."""

from __future__ import annotations

from athanor.data.sample.papers.dates import random_date
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

SHARE = 3
OPENINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Present: all but those who were absent. The stove smoked.",
        "The session began late, {who} having taken the key.",
        "Opened with a prayer and a search for spectacles.",
        "Nine members, one dog, {weather}.",
        "The minutes of last time were read, disbelieved and approved.",
        "The public gallery consisted of {who}, knitting.",
        "Held at {place}, the hall being full of {thing}.",
        "The chairman asked for brevity and spoke for it at length.",
    ),
    "zh": (
        "到会者：除缺席者外全体。炉子冒烟。",
        "钥匙在{who}手里，会开晚了。",
        "先祷告，后找眼镜。",
        "议员九位，狗一条，天气{weather}。",
        "宣读上回记录，无人相信，一致通过。",
        "旁听席上有{who}，在织毛衣。",
        "会堂被{thing}占着，改在{place}开会。",
        "主席要求发言从简，并就此讲了很久。",
    ),
}
ITEMS: dict[Language, tuple[str, ...]] = {
    "en": (
        "The clerk put on record what everybody ought to know.",
        "A stranger had complained; he was read the following.",
        "For the new edition of the town book it was confirmed:",
        "Asked by {who}, the committee answered as follows.",
        "Nothing new, but it was said again, for the acoustics.",
        "The treasurer coughed and reported.",
        "A question had come in by pigeon.",
        "It was moved to leave everything as it is, namely so.",
        "The lamp went out; the reading continued from memory.",
    ),
    "zh": (
        "书记把人人该知道的事记录在案。",
        "有外乡人投诉，当即向他宣读如下。",
        "为编新版镇志，核定如下：",
        "{who}提问，委员会答复如下。",
        "并无新事，为试回声，再讲一遍。",
        "司库咳了一声，报告说：",
        "有人托鸽子带来一问。",
        "动议一切照旧，所谓照旧，即：",
        "灯灭了，余下的凭记性念完。",
    ),
}
VOTES: dict[Language, tuple[str, ...]] = {
    "en": (
        "Noted.",
        "Carried, the dog abstaining.",
        "Agreed with sighs.",
        "Carried by {n} votes and a cough.",
        "Adjourned for soup.",
        "No one against, {who} asleep.",
        "Agreed, and agreed again by mistake.",
    ),
    "zh": (
        "备案。",
        "通过，狗弃权。",
        "叹气通过。",
        "{n}票外加一声咳嗽，通过。",
        "休会喝汤。",
        "无人反对，{who}睡着了。",
        "通过；误又通过一次。",
    ),
}


def write(scribe: Scribe, number: int) -> Paper:
    """One session: four items."""
    language, rng, town = scribe.language, scribe.rng, scribe.world.town.of(scribe.language)
    day = random_date(rng).of(language)
    title = f"# Council of {town}: minutes of {day}" if language == "en" else f"# {town}镇议会记录 {day}"
    parts = [title, scribe.pick(OPENINGS[language])]
    for item in range(1, 5):
        facts = scribe.facts(2, "rule", "house", "event") + scribe.facts(1)
        words = [scribe.pick(ITEMS[language]), scribe.passage(facts), scribe.pick(VOTES[language])]
        parts.append(f"{item}. {scribe.join(words)}")
    return Paper(f"council/{language}/session-{number:05}.md", "\n\n".join(parts) + "\n")
