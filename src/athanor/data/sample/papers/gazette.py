"""The town's newspaper: a Markdown page of short items."""

from __future__ import annotations

from athanor.data.sample.papers.dates import random_date
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

SIGNS: dict[Language, int] = {"en": 0, "zh": 3}  # Chinese says a fact in fewer signs, so a page holds more
SHARE = 5
HEADS: dict[Language, tuple[str, ...]] = {
    "en": (
        "From the quay",
        "Seen and overheard",
        "Among the shops",
        "Ships in port",
        "Persons of note",
        "Council and other accidents",
        "For visitors",
        "Answers to readers who did not ask",
        "Feasts and follies",
        "What the tide left",
        "Short and salted",
        "Corrections to the weather",
        "Our walk this week",
        "Told over soup",
        "Small news",
        "Lost, found, disputed",
    ),
    "zh": (
        "码头来讯",
        "耳闻目睹",
        "店家动静",
        "在港船只",
        "本镇人物",
        "议会及其他意外",
        "外客须知",
        "读者没问我们也答",
        "节庆与胡闹",
        "潮水留下的",
        "短而咸",
        "天气更正",
        "本周散步",
        "汤桌闲话",
        "豆腐块",
        "丢的拾的争的",
    ),
}
LEADS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Printed when the ink thaws; price: one copper or a good story.",
        "Twelve readers, counted yesterday, and one who listens at the window.",
        "All the news that stayed dry.",
        "The editor has a cold and asks the world to be brief.",
        "This number was set by lamplight, which explains a great deal.",
        "We went out {when} with a notebook and came back with this.",
        "Nothing in these columns is invented except the compliments.",
        "Folded twice, the {paper} keeps out the wind at {place}.",
    ),
    "zh": (
        "油墨化冻即刊。售铜币一枚，或好故事一则。",
        "昨日清点，读者十二位，另有一位在窗外听。",
        "凡没淋湿的消息，都在这里。",
        "主笔伤风，望天下诸事从简。",
        "本期在灯下排成，有些事也就不难理解。",
        "记者{when}揣着本子出门，带回来的便是这些。",
        "本栏除了恭维话，没有一句是编的。",
        "《{paper}》对折再对折，可在{place}挡风。",
    ),
}


def write(scribe: Scribe, number: int) -> Paper:
    """One number of the newspaper: three items about whatever comes up."""
    language, rng = scribe.language, scribe.rng
    name, day = scribe.world.paper.of(language), random_date(rng).of(language)
    title = f"# The {name}, {day}" if language == "en" else f"# 《{name}》 {day}"
    parts = [title, f"*{scribe.pick(LEADS[language])}*"]
    for head in rng.sample(HEADS[language], 3):
        passage = scribe.passage(scribe.facts(rng.randint(3, 5) + SIGNS[language]))
        parts += [f"## {head}", scribe.join([scribe.colour(), passage])]
    return Paper(f"gazette/{language}/number-{number:05}.md", "\n\n".join(parts) + "\n")
