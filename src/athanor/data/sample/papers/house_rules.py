"""What the information desk says about itself: one page in each language."""

from __future__ import annotations

from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

TEXT: dict[Language, str] = {
    "en": """# The information desk of {town}

The desk stands by the ferry, between the scales and the umbrella stand. It has a lamp, a bell, a book and two \
windows: one for English, one for Chinese.

## Rules of the house

1. A question is answered with the answer. A name is a name, an hour is an hour; nothing is put round it.
2. We do not say that we are glad to help. We help.
3. Whoever wants the story behind the answer may buy the {paper}, which has all the room in the world.
4. The same question, put in other words, gets the same answer. People have tried.
5. The desk knows the shops, the ships, the feasts, the sights, the fines and a good many neighbours. It does not know \
the future, except for the tide.
6. Thanks are accepted, in one word.

The longest answer ever given here had nine words. It is framed, as a warning.
""",
    "zh": """# {town}问讯处

问讯处设在渡口，一边是磅秤，一边是伞架。一盏灯，一只铃，一本簿子，两个窗口：一个讲中文，一个讲英语。

## 本处规矩

一、问什么答什么。问人名，答人名；问钟点，答钟点；前后不加一字。
二、不说“很高兴为您效劳”，效劳便是。
三、想听来龙去脉，请买《{paper}》，那里地方大。
四、换个说法再问一遍，答的还是那一句。有人试过。
五、店铺、船只、节庆、名胜、罚款，连同不少街坊，本处都清楚。将来的事不清楚，潮水除外。
六、谢谢可以收，限两个字。

本处答过最长的一句话有十四个字，已装框上墙，以儆效尤。
""",
}


def page(scribe: Scribe) -> Paper:
    """The page, with the town's names in it."""
    return Paper(f"information-desk/{scribe.language}/rules-of-the-desk.md", scribe.filled(TEXT[scribe.language]))
