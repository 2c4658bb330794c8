"""Letters home: plain text, from somebody who is staying longer than planned."""

from __future__ import annotations

from athanor.data.sample.papers.dates import WEEKDAYS
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

SIGNS: dict[Language, int] = {"en": 0, "zh": 3}  # Chinese says a fact in fewer signs, so a page holds more
SHARE = 4
GREETINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Dear Cousin,",
        "My dear Aunt,",
        "Dear Brother, who never writes,",
        "Dearest Mother,",
        "Dear old friend,",
        "Honoured Uncle,",
        "Dear all, and the dog,",
    ),
    "zh": (
        "表弟如晤：",
        "姑母大人尊前：",
        "从不回信的哥哥：",
        "母亲大人膝下：",
        "老朋友：",
        "舅舅台鉴：",
        "全家，还有狗：",
    ),
}
OPENINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "I meant to stay in {town} for two days; that was {n} weeks ago.",
        "You ask what one does all day in {town}. One looks.",
        "The ferry did not go, so I have time to write, and much to report.",
        "I am well, apart from {weather}.",
        "As I promised, everything in order, and the order is mine.",
        "You will not believe half of this; kindly believe the other half.",
        "I write this at {place}, with {thing} as a paperweight.",
        "The town of {town} is not on your map; I have checked your map, it is full of coffee.",
    ),
    "zh": (
        "原打算在{town}住两天，那是{n}个礼拜以前的事了。",
        "你问在{town}整天做什么。整天看。",
        "渡船没开，正好写信，要讲的可不少。",
        "一切都好，除了{weather}。",
        "照我答应的，样样按次序讲，次序是我自己排的。",
        "这些话你未必信一半，那就请信另一半。",
        "我坐在{place}写信，拿{thing}压着纸。",
        "你那张地图上没有{town}，我查过，那地方是一摊咖啡。",
    ),
}
TURNS: dict[Language, tuple[str, ...]] = {
    "en": (
        "But let me go on.",
        "You would like this too:",
        "Now for the useful part.",
        "I nearly forgot.",
        "As for the people,",
        "My landlady adds the following.",
        "On Sunday I made inquiries.",
        "Please read this bit aloud at table.",
        "I have it from {who}.",
    ),
    "zh": (
        "接着说。",
        "这一段你也会喜欢：",
        "下面讲点有用的。",
        "差点忘了。",
        "再说说这里的人和事。",
        "房东太太要我添上几句。",
        "礼拜天我四处打听了一番。",
        "这一段请在饭桌上念。",
        "这是{who}告诉我的。",
    ),
}
CLOSINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Send socks.",
        "Kiss the children, and water the fern.",
        "Do not come; or rather, do.",
        "I must stop, the lamp is wanted for a ship.",
        "The post goes {when}, and I with it, to see it off.",
        "Your wet but happy relative",
        "More when there is more paper.",
    ),
    "zh": (
        "请寄袜子。",
        "替我亲亲孩子，给蕨浇水。",
        "你别来；算了，还是来吧。",
        "就写到这里，有条船要借这盏灯。",
        "邮差{when}走，我去送送这封信。",
        "又湿又快活的亲戚上",
        "有纸再谈。",
    ),
}


def write(scribe: Scribe, number: int) -> Paper:
    """One letter: three paragraphs."""
    language, rng = scribe.language, scribe.rng
    place = scribe.world.town.of(language)
    day = WEEKDAYS[language][rng.randrange(7)]
    parts = [f"{place}, {day}" if language == "en" else f"{day}，于{place}", scribe.pick(GREETINGS[language])]
    for paragraph in range(3):
        lead = scribe.pick((OPENINGS if paragraph == 0 else TURNS)[language])
        parts.append(scribe.join([lead, scribe.passage(scribe.facts(rng.randint(3, 5) + SIGNS[language]))]))
    parts.append(scribe.pick(CLOSINGS[language]))
    return Paper(f"letters/{language}/letter-{number:05}.txt", "\n\n".join(parts) + "\n")
