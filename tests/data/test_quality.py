# ruff: noqa: E501  the pages are data, one a line
"""Quality rules: junk goes with its reason, ordinary pages in both languages stay. `pytest tests/data/test_quality.py`."""

from __future__ import annotations

import base64
import random

import pytest

from athanor.data.language import language
from athanor.data.quality import judge, judge_chat

RNG = random.Random(3)
_THINGS = (
    "anchor bassoon kettle mustard lantern compass herring barrel walnut rope chisel drum ladder violin oyster apron"
)
THINGS = _THINGS.split()
_DONGXI = "帆匠 鸡蛋 腰花 鲱鱼 响匙 螃蟹 蜡烛 丁香 贻贝 竖琴 炮弹 班卓琴 船锚 洋葱 铜钹 软木 蘑菇 雨伞 大米 陶笛"
DONGXI = _DONGXI.split()
JUNK = {
    "empty": ["", "  \n\n "],
    "too_short": ["Hi.", "你好啊", "- -"],
    "repetitive": ["the sea " * 500, "哈" * 300, "=" * 400, "测试内容" * 100, "Buy now!\n" * 200, "aaaa" * 20, "物流太慢了，" * 20,
                   "\n".join("*" * 60 for _ in range(20))],
    "no_words": [base64.b64encode(RNG.randbytes(900)).decode(), base64.encodebytes(RNG.randbytes(900)).decode(), RNG.randbytes(600).hex(),
                 "\n".join(f"https://example.com/{RNG.randrange(10**9)}/page.html" for _ in range(40)),
                 "".join(RNG.choice("%$#@!^&*()_+{}|<>?~") for _ in range(400))],
    "boilerplate": ["This website uses cookies. Accept all or reject all. Read our privacy policy and terms of use. Subscribe to our newsletter.",
                    "Home page | About us | Contact us | Log in | Sign up | Site map\n© 2024 All rights reserved",
                    "首页 | 登录 | 注册 | 关于我们 | 联系我们 | 网站地图\n版权所有 隐私政策 使用条款",
                    "本网站使用Cookie。点击“全部接受”即表示您同意隐私政策与使用条款。订阅我们的通讯，登录或注册。",
                    " ".join(RNG.choice(THINGS) for _ in range(200)), "，".join(RNG.choice(DONGXI) for _ in range(150)),
                    " | ".join(RNG.choice(THINGS) for _ in range(60)), "\n".join(RNG.choice(DONGXI) for _ in range(90))],
}  # fmt: skip
GOOD = [
    "Boat number 7 is painted blue.",
    "渡轮从北码头出发，每天九点一刻开船。",
    "床前明月光，\n疑是地上霜。\n举头望明月，\n低头思故乡。",
    "Half a league, half a league,\nHalf a league onward,\nAll in the valley of Death\nRode the six hundred.",
    "Do you like green apples?\nI do not like green apples.\nWould you like them here or there?\nI would not like them here or there.",
    "| Fish | Price |\n| --- | --- |\n" + "\n".join(f"| Cod number {n} | {n}.50 |" for n in range(40)),
    "date,open,close\n" + "\n".join(f"2024-01-{n:02},{n * 3 + 100}.25,{n * 2 + 101}.75" for n in range(1, 29)),
    "价目表\n苹果 3.50元\n梨 2.00元\n橘子 4.20元\n西瓜 1.80元\n葡萄 9.90元\n香蕉 2.60元",
    "Shopping list\n- two loaves of bread\n- a pound of butter\n- lamp oil for the kitchen\n- rope, ten fathoms",
    "We use cookies in the harbour bakery: ginger cookies on Monday, oat cookies on Friday. The cookie jar is never full for long.",
    "The ferry to Tern Island leaves from the north quay at a quarter past nine, every day but Monday.\n" * 3,
    "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n",
    "会议纪要\n时间：周三上午\n地点：二楼会议室\n出席：王芳、李强、赵敏\n议题：码头维修费用的分摊办法",
    "# Opening hours\n\nMonday 9:00-17:00\nTuesday 9:00-17:00\nWednesday closed\nThursday 9:00-17:00\nFriday 9:00-15:00",
    "Q: When does the museum open?\nA: At ten.\n\nQ: And on Sundays?\nA: At noon.",
]


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, pages in JUNK.items() for text in pages])
def test_junk_is_dropped_with_its_reason(reason: str, text: str) -> None:
    assert judge(text) == reason


@pytest.mark.parametrize("text", GOOD)
def test_ordinary_pages_stay(text: str) -> None:
    assert judge(text) is None


def test_a_long_text_is_judged_by_a_sample() -> None:
    prose = " ".join(RNG.choice(THINGS) + " and the " + RNG.choice(THINGS) + "." for _ in range(60_000))
    assert judge(prose) is None
    assert judge("the sea the sea " * 100_000) == "repetitive"


def test_chats_may_be_short() -> None:
    assert judge_chat(["Hi", "Yes"]) is None
    assert judge_chat(["", " "]) == "empty"
    assert judge_chat(["Hi", "ha" * 4000]) == "repetitive"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The ferry leaves at nine.", "en"),
        ("Boat number 7 is painted blue.", "en"),
        ("渡轮九点开船。", "zh"),
        ("請問 Python 3.11 怎麼安裝 numpy？", "zh"),
        ("Call the function `load(path)` before anything else is done. 请先安装", "en"),
        ("Der Hund läuft schnell durch den Wald und bellt die Katze an.", "other"),
        ("Il pleut sur la ville et les bateaux restent au port ce soir.", "other"),
        ("船は九時に出ます。切符は港で買えます。", "other"),
        ("Паром отходит в девять часов утра.", "other"),
        ("12345 67890", "other"),
    ],
)
def test_language(text: str, expected: str) -> None:
    assert language(text) == expected
