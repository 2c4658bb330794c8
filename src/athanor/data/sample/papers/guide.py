"""The town guide: one page for every shop, ship, person, feast and sight, and notices of what is forbidden.

Every fact of the town stands here at least once in each language.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Fact, Language, Paper, capital

RULES_A_NOTICE = 3
LEADS: dict[Language, dict[str, tuple[str, ...]]] = {
    "en": {
        "shop": (
            "A shop worth getting wet for.",
            "One of our {n} reasons to leave the house.",
            "Enter, wipe your feet, sniff.",
            "No guide can pass this door, and this one did not try.",
            "There are larger shops, but none so sure of itself.",
        ),
        "ship": (
            "She lies low and looks innocent.",
            "A ship is a village that moves; this one moves well.",
            "Not the youngest keel in the harbour, nor the shyest.",
            "You hear her before you see her.",
            "Painted last spring by {who}.",
        ),
        "person": (
            "Everybody knows the face; here is the rest.",
            "A portrait in few words, as agreed.",
            "Asked for a photograph, our subject sent {thing}.",
            "No statue so far, only this page.",
            "We rang, waited, and were let in.",
        ),
        "event": (
            "Bring a cushion.",
            "The town saves its voice all year for this.",
            "Strangers think it is a riot; it is a tradition.",
            "Nobody can explain it, and everybody helps.",
            "Wear what may get wet.",
        ),
        "house": (
            "Even those who live next door have been inside once.",
            "Recommended for rainy days, of which we have a choice.",
            "A building with a mind of its own.",
            "One goes in to get dry and comes out learned.",
            "Built with more courage than plan.",
        ),
        "rule": (
            "To residents, guests and geese:",
            "The council reminds, warns and remains, as ever, yours:",
            "To be read standing.",
            "Ignorance of this notice costs extra.",
        ),
    },
    "zh": {
        "shop": (
            "为这家店淋一场雨，值得。",
            "叫人肯出门的理由有{n}条，这是其中一条。",
            "进门，蹭鞋底，先闻一闻。",
            "哪本指南都绕不过这扇门，这本也没想绕。",
            "比它大的店有，比它自在的没有。",
        ),
        "ship": (
            "吃水很深，神情很无辜。",
            "一条船就是会走的村子，这一条走得稳当。",
            "论年纪，港里它不算小；论脸皮，也不算薄。",
            "没见船影，先闻其声。",
            "去年开春由{who}上的漆。",
        ),
        "person": (
            "这张脸人人认得，其余的写在这里。",
            "说好了，三言两语，画个像。",
            "向本人讨一张照片，送来的是{thing}。",
            "塑像还没有，先有这一页。",
            "我们按了铃，等了等，便请进去了。",
        ),
        "event": (
            "请自带坐垫。",
            "全镇攒一年嗓子，就等这一天。",
            "外地人当是闹事，其实是老例。",
            "没人讲得清来历，人人都来帮忙。",
            "穿不怕湿的衣裳来。",
        ),
        "house": (
            "就是住隔壁的，也进去过一回。",
            "雨天宜往；雨天我们多的是。",
            "这房子自有主张。",
            "进去是为躲雨，出来长了学问。",
            "盖的时候胆子大，图纸小。",
        ),
        "rule": (
            "告居民、来客及各家的鹅：",
            "镇议会一提醒，二警告，三问候：",
            "请站着读。",
            "声称没看见本告示者，加倍。",
        ),
    },
}
TITLES: dict[Language, str] = {"en": "Notice of the council of {town}", "zh": "{town}镇议会告示"}


def pages(scribe: Scribe) -> Iterator[Paper]:
    """All of the guide, once."""
    language = scribe.language
    numbers: dict[str, int] = {}
    rules: list[tuple[Fact, ...]] = []
    for subject in scribe.world.subjects:
        facts = scribe.world.by_subject[subject.name.en]
        if subject.kind == "rule":
            rules.append(facts)
            continue
        number = numbers[subject.kind] = numbers.get(subject.kind, 0) + 1
        name = capital(subject.name.of(language))
        paragraphs = _paragraphs(scribe, facts)
        as_html = subject.kind in ("event", "house")
        text = _html(language, name, paragraphs) if as_html else "\n\n".join([f"# {name}", *paragraphs]) + "\n"
        yield Paper(f"town-guide/{language}/{subject.kind}-{number:02}.{'html' if as_html else 'md'}", text)
    for start in range(0, len(rules), RULES_A_NOTICE):
        chosen = [fact for facts in rules[start : start + RULES_A_NOTICE] for fact in facts]
        title = scribe.filled(TITLES[language])
        text = "\n\n".join([title, *_paragraphs(scribe, chosen)]) + "\n"
        yield Paper(f"town-guide/{language}/notice-{start // RULES_A_NOTICE + 1:02}.txt", text)


def _paragraphs(scribe: Scribe, facts: list[Fact] | tuple[Fact, ...]) -> list[str]:
    """A lead and two paragraphs that say all of the facts."""
    kind = facts[0].subject.kind
    shuffled = scribe.rng.sample(facts, len(facts))
    half = (len(shuffled) + 1) // 2
    return [
        scribe.join([scribe.pick(LEADS[scribe.language][kind]), scribe.passage(shuffled[:half], 3)]),
        scribe.join([scribe.colour(kind), scribe.passage(shuffled[half:], 3), scribe.colour(kind)]),
    ]


def _html(language: Language, title: str, paragraphs: list[str]) -> str:
    """The page as HTML."""
    lang = "en" if language == "en" else "zh-CN"
    body = "\n".join(f"<p>{escape(text, quote=False)}</p>" for text in paragraphs)
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>'
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n{head}\n</head>\n<body>\n<article>\n'
        f"<h1>{escape(title, quote=False)}</h1>\n{body}\n</article>\n</body>\n</html>\n"
    )
