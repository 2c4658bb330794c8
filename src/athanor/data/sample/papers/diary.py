"""Diaries: plain text, a few days of somebody who signs with a trade and no name."""

from __future__ import annotations

from athanor.data.sample.papers.dates import WEEKDAYS
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

SIGNS: dict[Language, int] = {"en": 0, "zh": 3}  # Chinese says a fact in fewer signs, so a page holds more
SHARE = 4
OWNERS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Diary of a lodger, third floor, sea side",
        "Notebook of the night watch",
        "A cook's pocket book",
        "Journal of a convalescent",
        "Diary kept by a schoolgirl, private",
        "Notes of a travelling salesman in hats",
        "The verger's other book",
        "Day book of a ferry passenger",
    ),
    "zh": (
        "三楼临海房客日记",
        "打更人的本子",
        "厨娘随手记",
        "养病日录",
        "女学生日记，外人勿看",
        "帽子推销员手记",
        "司事的另一本簿子",
        "渡船乘客流水账",
    ),
}
MORNINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Woke early; {weather}.",
        "Slept badly on account of {who}.",
        "Out of ink until noon, so I noticed things.",
        "A day like a clean plate.",
        "Walked as far as {place} and back, for my digestion.",
        "Headache. {Who} had practised the drum.",
        "Bought nothing, saw everything.",
        "The landlady talked {when}; I wrote down the useful part.",
        "My left boot leaks; I take the dry streets now.",
        "I have resolved to learn this town by heart.",
        "Rain on the roof all night, like somebody counting small change.",
        "Met {who} at {place} and was told the following.",
    ),
    "zh": (
        "醒得早，{weather}。",
        "让{who}吵得没睡好。",
        "墨水用完了，中午才买到，于是看见许多事。",
        "今天像个刚洗过的盘子。",
        "为了消食，走到{place}又走回来。",
        "头疼。{who}练了一夜鼓。",
        "什么也没买，什么都看了。",
        "房东太太{when}讲个不停，有用的记在下面。",
        "左脚靴子漏水，如今专拣干的街走。",
        "下了决心，要把这个镇子背下来。",
        "雨在瓦上敲了一夜，像有人数零钱。",
        "在{place}碰见{who}，听来这么些事。",
    ),
}
EVENINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "To bed with a brick.",
        "So much for today.",
        "Must remember to return {thing}.",
        "Supper: soup, again, and glad of it.",
        "Candle is finished, and so am I.",
        "Tomorrow I shall begin to save.",
        "I like it here and tell nobody.",
    ),
    "zh": (
        "抱着热砖头睡了。",
        "今天就到这里。",
        "记着去还{thing}。",
        "晚饭又是汤，照样欢喜。",
        "蜡烛尽了，我也尽了。",
        "从明天起攒钱。",
        "这地方我喜欢，谁也不告诉。",
    ),
}


def write(scribe: Scribe, number: int) -> Paper:
    """Three days."""
    language, rng = scribe.language, scribe.rng
    days = WEEKDAYS[language]
    first, parts = rng.randrange(7), [scribe.pick(OWNERS[language])]
    for day in range(3):
        sentences = [
            scribe.pick(MORNINGS[language]),
            scribe.passage(scribe.facts(rng.randint(3, 5) + SIGNS[language])),
            scribe.pick(EVENINGS[language]),
        ]
        mark = f"{days[(first + day) % 7]}{'. ' if language == 'en' else '。'}"
        parts.append(mark + scribe.join(sentences))
    return Paper(f"diaries/{language}/leaf-{number:05}.txt", "\n\n".join(parts) + "\n")
