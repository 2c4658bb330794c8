"""What every verb shares: the options of CONTRACT, one JSON object or text for people, sizes in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import click

from athanor.core.progress import Reporter

Function = TypeVar("Function", bound=Callable[..., Any])


COMMON = {
    "json": (("--json", "as_json"), "One JSON object on stdout."),
    "quiet": (("--quiet",), "No progress, only warnings and errors."),
    "yes": (("--yes",), "Do not ask."),
    "force": (("--force",), "Accept warnings, such as too little text."),
    "replace": (("--replace",), "Move a name that points to something else."),
}


def common(*wanted: str) -> Callable[[Function], Function]:
    """The common options. A verb is given `--json`, `--quiet` and those of the others that are wanted.

    Where one of the others would change nothing it is taken all the same, unseen: it is common to every verb.
    """
    return _options(COMMON, ("json", "quiet", *wanted))


def unseen(function: Function) -> Function:
    """The common options of a conversation: it has no object for `--json`, and none of the others changes it."""
    return _options([name for name in COMMON if name != "json"], ())(function)


def _options(taken: Iterable[str], given: Collection[str]) -> Callable[[Function], Function]:
    """taken: the options that are no mistake; given: those of them that the verb hears of."""

    def wrap(function: Function) -> Function:
        for name in reversed(list(taken)):
            (words, said), seen = COMMON[name], name in given
            function = click.option(*words, is_flag=True, help=said, hidden=not seen, expose_value=seen)(function)
        return function

    return wrap


def reporter(quiet: bool) -> Reporter:
    """Where a command's progress goes: to stderr, also for a machine that asked for JSON."""
    return Reporter(quiet=quiet)


def emit(result: dict[str, Any], text: str | Callable[[], str], as_json: bool) -> None:
    """Print the command's result: the object as it is, or `text` for people."""
    if as_json:
        # An output that cannot carry every letter (LANG=C, GBK) gets JSON's own escapes.
        plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        line = json.dumps(result, ensure_ascii=plain, allow_nan=False)
        # A byte that is no UTF-8 is held as half a letter, which no encoding takes; its escape is JSON's own.
        print(line.encode("utf-8", "backslashreplace").decode("utf-8"), flush=True)
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
