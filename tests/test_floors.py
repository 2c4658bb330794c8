"""The house: a lower floor never imports a higher one, and torch begins at `nn`. Run: pytest tests/test_floors.py

Imports are read from the syntax tree, so that those inside functions and under TYPE_CHECKING count too.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "athanor"
FLOORS = (
    "core", "artifacts", "data", "tokenizers", "specs", "nn", "models", "objectives", "train", "generate", "evaluate",
    "transform", "documents", "pipelines", "serve", "cli",
)  # fmt: skip
TORCH_FLOORS = ("nn", "models", "objectives", "train", "transform")
# Files of floors without torch that may import it; others ask for a line here.
TORCH_FILES = tuple(f"generate/{name}.py" for name in ("step_torch", "step_translate", "handle", "embed", "fill"))
# Compositions of the floors with torch: they may load it through these, and name it no more than others do.
ABOVE_TORCH = ("pipelines",)
# The package's own door and its `python -m` belong to no floor.
DOORS = ("__init__.py", "__main__.py")

FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


def imported(relative: str, text: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import in a file of the package, relative ones made absolute."""
    package = ["athanor", *Path(relative).parent.parts]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def uphill(relative: str, text: str) -> list[str]:
    """Imports of a higher floor, in words."""
    own = Path(relative).parts[0]
    found = []
    for line, module in imported(relative, text):
        parts = module.split(".")
        if (
            parts[0] == "athanor"
            and len(parts) > 1
            and parts[1] in FLOORS
            and FLOORS.index(parts[1]) > FLOORS.index(own)
        ):
            found.append(f"{relative}:{line} imports {module}")
    return found


def may_import_torch(relative: str) -> bool:
    return Path(relative).parts[0] in TORCH_FLOORS or relative in TORCH_FILES


def torch_imports(relative: str, text: str) -> list[str]:
    return [f"{relative}:{line}" for line, module in imported(relative, text) if module.split(".")[0] == "torch"]


def test_every_file_has_a_floor():
    strangers = [path for path in FILES if path not in DOORS and Path(path).parts[0] not in FLOORS]
    assert strangers == []


@pytest.mark.parametrize("relative", [path for path in FILES if path not in DOORS])
def test_no_floor_imports_a_higher_one(relative):
    text = (SOURCE / relative).read_text("utf-8")
    assert uphill(relative, text) == []


@pytest.mark.parametrize("relative", [path for path in FILES if not may_import_torch(path)])
def test_torch_begins_at_nn(relative):
    assert torch_imports(relative, (SOURCE / relative).read_text("utf-8")) == []


def test_the_walk_finds_what_it_should():
    """Planted faults, in every form an import takes."""
    hidden = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from athanor.train import loop\n"
    for text in (
        "import athanor.train.loop",
        "from athanor import train",
        "from athanor.train.loop import run",
        "from ..train import loop",
        "def f():\n    from .. import train",
        hidden,
    ):
        assert len(uphill("specs/page.py", text)) == 1, text
        assert uphill("cli/verbs/build.py", text.replace("..", "athanor")) == []
    for text in ("import torch", "import torch.nn as nn", "def f():\n    from torch import nn"):
        assert torch_imports("specs/page.py", text) == [f"specs/page.py:{text.count(chr(10)) + 1}"]
    assert torch_imports("specs/page.py", "import torchless") == []


IMPORT_ALL = """
import importlib, json, sys
guilty, failed = [], {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = repr(error)
    if "torch" in sys.modules:
        guilty.append(name)
        break
print(json.dumps([guilty, failed]))
"""

HELP_ALL = """
import json, sys
from click.testing import CliRunner
from athanor.cli.main import cli
import click
guilty, failed = [], {}
names = cli.list_commands(click.Context(cli))
for words in [["--help"], *([name, "--help"] for name in names)]:
    result = CliRunner().invoke(cli, words)
    if result.exit_code or "Usage" not in result.output:
        failed[" ".join(words)] = repr(result.exception) + result.output
    if "torch" in sys.modules:
        guilty.append(words)
        break
print(json.dumps([guilty, failed]))
"""


def ask(code: str, *words: str) -> tuple[list[str], dict[str, str]]:
    """([what first imported torch], {what failed: why}) of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, timeout=120)
    guilty, failed = json.loads(done.stdout.splitlines()[-1])
    return guilty, failed


def test_other_modules_leave_torch_alone():
    """Also through what they import: a library of the base must not bring torch along."""
    free = [path for path in FILES if not may_import_torch(path) and Path(path).parts[0] not in ABOVE_TORCH]
    files = [path for path in free if path != "__main__.py"]
    names = [".".join(["athanor", *Path(path).with_suffix("").parts]).removesuffix(".__init__") for path in files]
    assert ask(IMPORT_ALL, json.dumps(names)) == ([], {})


def test_help_leaves_torch_alone():
    assert ask(HELP_ALL) == ([], {})
