"""Papers with invented personal data, and the truth about where the data stand.

A form is a text with slots: `{person}` and `{phone}` are the first person's, `{person2}` the second's; `{colour}` is a
sentence of no consequence, `{town}` and its like are the town's. No one here occurs in a fact, no datum is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from athanor.data.sample.personal.people import Person, strangers
from athanor.data.sample.prose import Scribe
from athanor.data.sample.things import Language, Paper

ROUNDS = 3  # papers of each form
CROWD = 8  # people at most in one paper
SLOT = re.compile(r"\{([a-z_]+)(\d?)\}")
TYPES = frozenset(
    {
        "person",
        "address",
        "phone",
        "email",
        "resident_id",
        "bank_card",
        "ip",
        "plate",
        "passport",
        "credit_code",
        "iban",
    }
)


class Piece(NamedTuple):
    """One datum: characters [start, end) of a file's decoded text."""

    file: str
    text: str
    start: int
    end: int
    type: str


FORMS: dict[Language, dict[str, str]] = {
    "en": {
        "lost-property.txt": """Lost property, {town}

Found by {person} on the late ferry. {colour} {colour}

To be reached at {phone}, or in writing at {address}. {colour} A reward was declined, twice.

Claimed by {person2}, who proved ownership by describing the lining, and left an e-mail address, {email2}, in case \
the other one turns up. {colour} {colour}
""",
        "complaint.txt": """To the council of {town}

Madam, Sir,

{colour} {colour}

I must ask you to do something about it. My name is {person}, I live at {address}, and I have been woken by it since \
spring. {colour} Kindly do not telephone before ten; after ten the number is {phone}.

Whoever has damaged my cart (it is the one with the plate {plate}) may pay into my account {iban} and we shall say no \
more. {colour} {colour}

{person}
""",
        "membership.md": """# Society of Fog Signallers: new members

{colour}

- **{person}**, {email}, joined for the tea. {colour}
- **{person2}**, {phone2}, brings a horn and a cushion. {colour}
- **{person3}**, {address3}, deaf on one side, which is an advantage. {colour}

Dues were paid by card ({bank_card}); the treasurer wrote the number on his cuff, and the cuff is with the \
laundry. {colour}
""",
        "passenger-list.csv": """name,passport,telephone,luggage,remark
{person},{passport},{phone},one trunk,"{colour}"
{person2},{passport2},{phone2},birdcage (empty),"{colour}"
{person3},{passport3},{phone3},two hats,"{colour}"
{person4},{passport4},{phone4},cello,"{colour}"
""",
        "reading-room.md": """# The reading room's machine: who used it

{colour} {colour}

The visitor from {ip} looked up soup all morning. That was {person} ({email}), who says it was for a friend. {colour}

The visitor from {ip2} wrote to the bishop. We have asked {person2}, {address2}, and got a blush. {colour} {colour}
""",
        "guest-house.html": """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Guest book</title></head>
<body>
<h1>From the guest house's book</h1>
<p>{person}, arriving by boat, home address {address}. {colour} {colour}</p>
<p>{person2} travels on resident card {resident_id2} and asks for a room without a clock. {colour} {colour}</p>
<p>Bills to {email} and {email2}. {colour} Deposit from card {bank_card2}. {colour}</p>
</body>
</html>
""",
    },
    "zh": {
        "lost-property.txt": """{town}失物登记

拾物人{person}，末班渡船上拾得。{colour}{colour}

联系电话{phone}，住{address}。{colour}酬金推了两回，没收。

失主{person2}，说得出衬里的颜色，当场领回；另一只若也找到，请写信到{email2}。{colour}{colour}
""",
        "complaint.txt": """{town}镇议会诸公台鉴：

{colour}{colour}

此事非管不可。本人{person}，家住{address}，打开春起天天给它吵醒。{colour}上午十点以前请勿来电，十点以后请拨{phone}。

撞坏我那辆车（车牌{plate}）的人，把修车钱打到{bank_card}便不追究。身份证号{resident_id}，可查。{colour}{colour}

{person}敬上
""",
        "membership.md": """# 灯笼会馆新会员名录

{colour}

- **{person}**，身份证{resident_id}，邮箱{email}，冲着茶来的。{colour}
- **{person2}**，手机{phone2}，自带一面锣。{colour}
- **{person3}**，住{address3}，一只耳朵背，反倒是好处。{colour}

会费由银行卡{bank_card}划来，司库随手记在袖口上，袖口如今在洗衣房。{colour}
""",
        "crew-list.csv": """姓名,身份证号,手机,行李,附记
{person},{resident_id},{phone},藤箱一只,{colour}
{person2},{resident_id2},{phone2},空鸟笼,{colour}
{person3},{resident_id3},{phone3},二胡,{colour}
{person4},{resident_id4},{phone4},腌菜一坛,{colour}
""",
        "supplier.md": """# 会馆采买往来

{colour}{colour}

灯油向{firm}商行订，统一社会信用代码{credit_code}，经手人{person}，电话{phone}。{colour}

蜡烛另向{person2}买，护照号{passport2}，货到付款，住{address2}。{colour}{colour}

阅览室那台机器上，来自{ip}的一位整天只查汤谱，问了问，是{person3}（{email3}），说是替朋友查的。{colour}
""",
        "guest-house.html": """<!DOCTYPE html>
<html lang="zh-CN">
<head><meta charset="utf-8"><title>客栈登记</title></head>
<body>
<h1>客栈登记簿摘抄</h1>
<p>{person}，坐船来，住址{address}，身份证{resident_id}。{colour}{colour}</p>
<p>{person2}，护照{passport2}，点名要一间没有钟的房。{colour}{colour}</p>
<p>账单寄{email}与{email2}。押金刷卡{bank_card2}，车停后院，牌照{plate2}。{colour}</p>
</body>
</html>
""",
    },
}


def papers(scribe: Scribe) -> Iterator[tuple[Paper, list[Piece]]]:
    """Every form, ROUNDS times, with its pieces."""
    rng, forms = scribe.rng, FORMS[scribe.language]
    crowd = strangers(rng, scribe.world, scribe.language, ROUNDS * len(forms) * CROWD)
    for turn in range(ROUNDS):
        for form in forms:
            people, crowd = crowd[:CROWD], crowd[CROWD:]
            stem, ending = form.split(".")
            path = f"forms/{scribe.language}/{stem}-{turn + 1:02}.{ending}"
            text, pieces = _filled(scribe, forms[form], people)
            yield Paper(path, text), [piece._replace(file=path) for piece in pieces]


def _filled(scribe: Scribe, form: str, people: list[Person]) -> tuple[str, list[Piece]]:
    """The form's text, and where its pieces stand."""
    text, last, pieces = "", 0, list[Piece]()
    for slot in SLOT.finditer(form):
        text += form[last : slot.start()]
        last = slot.end()
        kind = slot[1]
        if kind in TYPES:
            piece = people[int(slot[2] or 1) - 1].piece(kind)
            pieces.append(Piece("", piece, len(text), len(text) + len(piece), kind))
            text += piece
        elif kind == "colour":
            text += scribe.colour()
        elif kind == "firm":
            text += scribe.rng.choice(("海丰", "顺潮", "三帆", "金鳞", "同舟", "晚晴"))
        else:
            text += scribe.filled(slot[0])
    return text + form[last:], pieces
