"""What every verb shares: the options of CONTRACT, one JSON object or text for people, sizes in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from athanor.core.progress import Reporter

Function = TypeVar("Function", bound=Callable[..., Any])


def common(*wanted: str) -> Callable[[Function], Function]:
    """Options every verb has (`--json`, `--quiet`), and of `yes`, `force`, `replace` those that are wanted."""
    options = {
        "json": click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
        "quiet": click.option("--quiet", is_flag=True, help="No progress, only warnings and errors."),
        "yes": click.option("--yes", is_flag=True, help="Do not ask."),
        "force": click.option("--force", is_flag=True, help="Accept warnings, such as too little text."),
        "replace": click.option("--replace", is_flag=True, help="Move a name that points to something else."),
    }

    def wrap(function: Function) -> Function:
        for name in reversed(("json", "quiet", *wanted)):
            function = options[name](function)
        return function

    return wrap


def reporter(as_json: bool, quiet: bool) -> Reporter:
    """Where this command's progress goes; a machine that asked for JSON still gets it on stderr."""
    return Reporter(quiet=quiet)


def emit(result: dict[str, Any], text: str | Callable[[], str], as_json: bool) -> None:
    """Print the command's result: the object as it is, or `text` for people."""
    if as_json:
        # An output that cannot carry every letter (LANG=C, GBK) gets JSON's own escapes.
        plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        print(json.dumps(result, ensure_ascii=plain, allow_nan=False), flush=True)
        return
    words = text() if callable(text) else text
    # A terminal that cannot show a letter (LANG=C) shows its escape instead of stopping.
    encoding = sys.stdout.encoding or "utf-8"
    print(words.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def human_bytes(number: float) -> str:
    """1536 → '1.5 KB'; powers of 1000, as disks are sold."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
