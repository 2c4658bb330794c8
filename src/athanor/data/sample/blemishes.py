"""What a good corpus drops: pages that are no prose, and copies, exact and nearly so."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from athanor.data.sample import lexicon, names
from athanor.data.sample.things import Language, Paper, World

LONG = 800  # characters of a page that is worth a near copy
EXACT, NEAR = 6, 9  # copies in each language


class Copy(NamedTuple):
    """A page that is there twice."""

    file: str
    of: str
    kind: Literal["exact", "near"]


STAMPS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Copied for the reading room.",
        "Second copy, dry.",
        "Please return to the shelf.",
        "Duplicate. Do not eat.",
        "Fair copy, by lamplight.",
        "For the mayor's pocket.",
        "Spare, in case of flood.",
        "Kept for the binder.",
        "Copy number two.",
    ),
    "zh": (
        "阅览室抄本。",
        "副本，干的。",
        "阅后归架。",
        "复本，请勿食用。",
        "灯下誊清。",
        "市长怀里用。",
        "备份，防水淹。",
        "留待装订。",
        "第二份。",
    ),
}
# Words that may change places without changing what is said.
SWAPS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        (" nobody ", " no one "),
        (" which ", " that "),
        (" perhaps ", " maybe "),
        (" again", " once more"),
        (" all ", " quite all "),
        (" and ", " & "),
    ),
    "zh": (
        ("如今", "现在"),
        ("总是", "老是"),
        ("已经", "早已"),
        ("没有", "并无"),
        ("听说", "据说"),
        ("一条", "一道"),
        ("便", "就"),
    ),
}
COOKIES: dict[Language, str] = {
    "en": (
        "We value your privacy. This site uses cookies. Accept all cookies | Reject all | Manage preferences. By "
        "continuing to browse you agree to our cookie policy, privacy policy, terms of use and legal notice. Subscribe "
        "to our newsletter! Click here. Log in. Sign up. Share on social media. Enable JavaScript to view this page. "
        "All rights reserved. Loading... Loading... Please wait."
    ),
    "zh": (
        "我们重视您的隐私。本网站使用Cookie。全部接受｜全部拒绝｜管理偏好设置。继续浏览即表示您同意Cookie政策、"
        "隐私政策、使用条款与法律声明。订阅电子报！点击这里。登录。注册。分享到社交媒体。请启用JavaScript。"
        "版权所有。加载中……加载中……请稍候。"
    ),
}


def junk(world: World) -> Iterator[Paper]:
    """Pages that say nothing: six kinds, twelve in all."""
    rng = random.Random(f"junk {world.seed}")
    words: dict[Language, list[str]] = {"en": [], "zh": []}
    for pool in (lexicon.CARGOES, lexicon.JOBS, lexicon.INSTRUMENTS, names.STREET_HEADS, lexicon.DISH_TAILS):
        words["en"] += [word.en for word in pool]
        words["zh"] += [word.zh for word in pool]
    for language in ("en", "zh"):
        links = "\n".join(
            f'<li><a href="/{number}.html">{word}</a></li>'
            for number, word in enumerate(rng.sample(words[language], 90))
        )
        stuffed = [rng.choice(words[language]) for _ in range(200)]
        tags = " | ".join(rng.sample(words[language], 60))
        lump = base64.b64encode(rng.randbytes(900)).decode()
        sign = rng.choice("=#*~") if language == "en" else rng.choice("哈啊～。")
        pages = {
            "cookies.txt": COOKIES[language] + "\n",
            "links.html": f"<html><head><title>links</title></head><body><ul>\n{links}\n</ul></body></html>\n",
            "keywords.txt": (" " if language == "en" else "，").join(stuffed) + "\n",
            "tags.md": f"# tags\n\n{tags}\n",
            "lump.txt": "\n".join(lump[start : start + 76] for start in range(0, len(lump), 76)) + "\n",
            "repeated.txt": "\n".join(sign * 60 for _ in range(20)) + "\n",
        }
        for name, text in pages.items():
            yield Paper(f"wastepaper/{language}/{name}", text)


def enough_to_copy(papers: Iterator[Paper]) -> Iterator[Paper]:
    """The first papers, until enough of them are long."""
    found = 0
    while found <= NEAR:
        paper = next(papers)
        found += len(paper.text) >= LONG
        yield paper


def copies(
    world: World, language: Language, papers: Sequence[Paper], pages: Sequence[Paper]
) -> Iterator[tuple[Paper, Copy]]:
    """Near copies of some of the papers and exact ones of some of the guide's pages."""
    rng = random.Random(f"copies {world.seed} {language}")
    long = [paper for paper in papers if len(paper.text) >= LONG]
    near = rng.sample(long, NEAR)
    exact = rng.sample(pages, EXACT)
    for number, paper in enumerate(near):
        yield _copy(paper, language, number, "near", _retouched(paper.text, language, STAMPS[language][number]))
    for number, paper in enumerate(exact):
        yield _copy(paper, language, NEAR + number, "exact", paper.text)


def _copy(
    paper: Paper, language: Language, number: int, kind: Literal["exact", "near"], text: str
) -> tuple[Paper, Copy]:
    path = f"vault/{language}/copy-{number + 1:02}{PurePosixPath(paper.path).suffix}"
    return Paper(path, text), Copy(path, paper.path, kind)


def _retouched(text: str, language: Language, stamp: str) -> str:
    """The text with a word changed here and there and a stamp below."""
    changed = 0
    for old, new in SWAPS[language]:
        if changed < 2 and old in text:
            text = text.replace(old, new, 1)
            changed += 1
    return f"{text}\n{stamp}\n"
