"""The two READMEs say the same, and what they show can be run. Run: pytest tests/tools/test_readmes.py"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from athanor.cli.main import VERBS

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
QUOTED = re.compile(r'"[^"]*"')


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(name: str) -> list[tuple[str, str]]:
    """(language, content) of the fenced blocks."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text(name), re.MULTILINE | re.DOTALL)


def rows(name: str) -> list[str]:
    """The first cell of each row of the table of commands, without what is said in quotes."""
    return [QUOTED.sub("", line.split(" | ")[0]) for line in text(name).splitlines() if line.startswith("| ")][2:]


def test_both_show_the_same():
    english, chinese = map(blocks, READMES)
    assert (
        [language for language, _ in english] == [language for language, _ in chinese] == ["", "", "", "python", "", ""]
    )
    assert english[1] == chinese[1] and english[2] == chinese[2] and english[4] == chinese[4]
    first = [[line.split(" # ")[0].rstrip() for line in block[0][1].splitlines()] for block in (english, chinese)]
    assert first[0] == first[1]
    assert QUOTED.sub("", english[3][1]) == QUOTED.sub("", chinese[3][1])
    folders = [re.findall(r"\w+(?:\.py|/)", block[5][1]) for block in (english, chinese)]
    assert folders[0] == folders[1]
    assert rows(READMES[0]) == rows(READMES[1])
    assert text(READMES[0]).count("\n## ") == text(READMES[1]).count("\n## ")


@pytest.mark.parametrize("name", READMES)
def test_what_is_shown_is_there(name):
    compile(blocks(name)[3][1], name, "exec")
    verbs = {path.stem for path in VERBS.glob("*.py")}
    assert set(re.findall(r"`athanor (\w+)", text(name))) <= verbs
    for path in re.findall(r"\]\((?!http)([^)]+)\)", text(name)):
        assert (ROOT / path).exists(), path
