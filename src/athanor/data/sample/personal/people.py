"""Somebody who occurs in one paper only: a name, an address, and an identifier of every type."""

from __future__ import annotations

import random

from athanor.data.sample import names
from athanor.data.sample.names import pairs
from athanor.data.sample.personal import numbers
from athanor.data.sample.things import Language, World

SURNAMES = pairs(
    "chen 陈, lin 林, huang 黄, zhou 周, wu 吴, xu 许, zheng 郑, cai 蔡, shen 沈, qiu 邱, lu 陆, tang 唐, feng 冯, "
    "su 苏, pan 潘, du 杜, jiang 江, fang 方, wei 魏, ye 叶"
)
GIVEN = pairs(
    "xiaoman 小满, wenbo 文博, guihua 桂花, haisheng 海生, yulan 玉兰, zhiyuan 志远, chunmei 春梅, dahai 大海, "
    "siqi 思齐, jianguo 建国, lihua 丽华, qiuyue 秋月, zihan 子涵, yonggang 永刚, meifang 美芳, tianyou 天佑, "
    "ruoxi 若溪, baozhu 宝珠, shuifu 水福, ayun 阿云, yuchuan 渔川, nianci 念慈, jincheng 锦程, xueqin 雪琴"
)
ROADS_EN = (
    "Marsh Road",
    "Chapel Close",
    "Orchard Drive",
    "Victoria Terrace",
    "Mill Road",
    "Station Avenue",
    "Harbour View",
    "Meadow Crescent",
    "Church Road",
    "Kelp Gardens",
    "Quarry Road",
    "Seaview Avenue",
)
ROADS_ZH = (
    "槐花路",
    "望海路",
    "船厂路",
    "文庙街",
    "新渔路",
    "龙眼树下",
    "石狮街",
    "泉水路",
    "南堤路",
    "灯塔路",
    "海关前街",
    "榕树街",
)


class Person:
    """Draws a person's pieces as they are asked for, each once."""

    def __init__(self, rng: random.Random, world: World, language: Language, name: str, handle: str) -> None:
        self._rng = rng
        self._world = world
        self._language: Language = language
        self._known = {"person": name, "email": self._email(handle)}

    def piece(self, kind: str) -> str:
        """The person's piece of this type; the same however often it is asked for."""
        if kind not in self._known:
            self._known[kind] = self._draw(kind)
        return self._known[kind]

    def _draw(self, kind: str) -> str:
        rng, chinese = self._rng, self._language == "zh"
        match kind:
            case "phone":
                return numbers.phone(rng, chinese)
            case "bank_card":
                return numbers.bank_card(rng, chinese)
            case "passport":
                return numbers.passport(rng, chinese)
            case "plate":
                return numbers.plate(rng, chinese)
            case "address":
                return self._address()
            case "resident_id":
                return numbers.resident_id(rng)
            case "credit_code":
                return numbers.credit_code(rng)
            case "iban":
                return numbers.iban(rng)
        assert kind == "ip", kind
        return numbers.ip(rng)

    def _email(self, handle: str) -> str:
        house = self._world.town.en.lower().replace(" ", "-")
        return f"{handle}@{self._rng.choice((house, 'gullmail', 'quaypost', 'northmole'))}.example"

    def _address(self) -> str:
        rng, town = self._rng, self._world.town
        if self._language == "zh":
            street = f"{town.zh}市{rng.choice(ROADS_ZH)}{rng.randint(2, 188)}号"
            return f"{street}{rng.randint(1, 6)}单元{rng.randint(1, 8)}0{rng.randint(1, 6)}室"
        return f"{rng.randint(2, 188)} {rng.choice(ROADS_EN)}, {town.en}"


def strangers(rng: random.Random, world: World, language: Language, number: int) -> list[Person]:
    """People who share no name with anyone in the town's facts."""
    if language == "zh":
        both = [(last, first) for last in SURNAMES for first in GIVEN]
        return [
            Person(rng, world, language, last.zh + first.zh, f"{last.en}.{first.en}")
            for last, first in rng.sample(both, number)
        ]
    taken = {word for person in world.people for word in person.en.split()}
    found: list[Person] = []
    while len(found) < number:
        for name in names.persons(rng, number):
            if not taken & set(name.en.split()) and len(found) < number:
                found.append(Person(rng, world, language, name.en, name.en.lower().replace(" ", ".")))
                taken |= set(name.en.split())
    return found
