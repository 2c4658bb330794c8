"""The harbour's log book: plain text, watch by watch, mostly about ships."""

from __future__ import annotations

from athanor.data.sample.papers.dates import random_date
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

SHARE = 3
WATCHES: dict[Language, tuple[str, ...]] = {
    "en": ("Middle watch", "Morning watch", "Forenoon watch", "Afternoon watch", "First dog watch", "Last dog watch"),
    "zh": ("子夜班", "清晨班", "上午班", "午后班", "头黄昏班", "二黄昏班"),
}
STATES: dict[Language, tuple[str, ...]] = {
    "en": (
        "Glass falling; so did the boy, from {place}.",
        "Wind: yes.",
        "Visibility as far as {who}.",
        "Sea moderate, crew likewise.",
        "{Weather}; lamps trimmed.",
        "Tide on the turn, kettle on the boil.",
        "Calm. Suspiciously.",
        "Heard the foghorn and answered it, out of politeness.",
        "{N} fishing smacks in, one of them backwards.",
        "Fished out {thing}; entered as flotsam.",
        "Relieved by {who}, who was early, which is entered in red.",
        "Painted a bollard. Sat on it.",
    ),
    "zh": (
        "气压下降，小徒弟也从{place}掉了下来。",
        "风：有。",
        "能见度：看得见{who}。",
        "海况中等，人也中等。",
        "{weather}，剪过灯芯。",
        "潮要转了，水要开了。",
        "无浪，可疑。",
        "闻雾号，出于礼貌回了一声。",
        "渔船进港{n}条，其中一条倒着进的。",
        "捞起{thing}，按漂浮物登记。",
        "{who}来接班，来早了，用红笔记下。",
        "漆了一根缆桩，坐了上去。",
    ),
}


def write(scribe: Scribe, number: int) -> Paper:
    """One day: four watches."""
    language, rng = scribe.language, scribe.rng
    day = random_date(rng).of(language)
    parts = [f"Harbour log, {day}" if language == "en" else f"港务日志 {day}"]
    first = rng.randrange(3)
    for watch in WATCHES[language][first : first + 4]:
        facts = scribe.facts(2, "ship") + scribe.facts(1, "shop", "person", "house", "event")
        words = [scribe.pick(STATES[language]), scribe.passage(facts), scribe.pick(STATES[language])]
        parts.append(f"{watch}{': ' if language == 'en' else '：'}{scribe.join(words)}")
    return Paper(f"harbour-office/{language}/log-{number:05}.txt", "\n\n".join(parts) + "\n")
