"""Identifiers of people and machines in a text: found by pattern, check digit and context; replaced by `[type]`.

One recogniser a file, the folder is the list: a module that offers TYPE, `find(text) -> Iterator[Span]`, and one of
HINTS (words, lower case; it is not asked about a text without any) or DIGITS (it is asked only about surroundings of
so many digits close together), for most pages hold no identifier and should cost nothing. One that needs a word before
the number offers it as WORD, and a column whose header holds it is read as if it stood before each cell. It is given
the text in folded form (see `fold`), so that full-width digits need no second pattern. Dates, prices, times, years,
persons and places are nobody's business here; a trained recogniser for persons and addresses comes from above.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from types import ModuleType

from athanor.data.redact import columns
from athanor.data.redact.fold import fold
from athanor.data.redact.spans import Span

Recogniser = Callable[[str], Iterable[Span]]

__all__ = ["Recogniser", "Span", "apply", "find", "mask", "types"]

MARGIN = 60  # characters around dense digits that a recogniser sees, longer than any prefix it looks at


@functools.cache
def recognisers() -> dict[str, ModuleType]:
    """Type → the module that recognises it."""
    found = {}
    for entry in sorted(pkgutil.iter_modules(__path__), key=lambda entry: entry.name):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        if hasattr(module, "TYPE"):
            found[module.TYPE] = module
    return found


def types() -> list[str]:
    """The types that `identifiers` stands for."""
    return sorted(recognisers())


def find(text: str, types: Collection[str] | None = None, more: Iterable[Recogniser] = ()) -> list[Span]:
    """Spans in order, none overlapping: the longest wins, then the higher score, then the first.

    types: which to look for; None: all. more: recognisers from above, given the text as it is.
    """
    spans = [span for recognise in more for span in recognise(text) if types is None or span.type in types]
    folded = fold(text)
    spans += [folded.back(span) for span in _in_columns(folded.text, types)]
    lower = folded.text.lower()
    windows: dict[int, list[tuple[int, int]]] = {}
    for kind, module in recognisers().items():
        if types is not None and kind not in types:
            continue
        if hasattr(module, "DIGITS"):
            if module.DIGITS not in windows:
                windows[module.DIGITS] = list(_dense(folded.text, module.DIGITS))
            for start, end in windows[module.DIGITS]:
                spans += [folded.back(span.moved(start)) for span in module.find(folded.text[start:end])]
        elif any(hint in lower for hint in module.HINTS):
            spans += [folded.back(span) for span in module.find(folded.text)]
    return _without_overlaps(spans)


def _in_columns(text: str, types: Collection[str] | None) -> Iterator[Span]:
    """What the headers of tables say about the cells below them."""
    known: dict[str, list[ModuleType]] = {}
    for place, name, cell in columns.cells(text):
        if name not in known:
            known[name] = [module for module in recognisers().values() if _is_named(module, name)]
        before = f"{name}: "
        for module in known[name]:
            if types is None or module.TYPE in types:
                found = (span.moved(-len(before)) for span in module.find(before + cell))
                yield from (span.moved(place) for span in found if span.start >= 0)


def _is_named(module: ModuleType, name: str) -> bool:
    return hasattr(module, "WORD") and bool(module.WORD.search(name))


@functools.cache
def _digits(number: int) -> re.Pattern[str]:
    return re.compile(f"[0-9](?:[^0-9]{{0,6}}[0-9]){{{number - 1},}}")


def _dense(text: str, number: int) -> Iterator[tuple[int, int]]:
    """Stretches around `number` digits at most 6 characters apart, joined where they meet, cut at spaces."""
    start = end = -1
    for match in _digits(number).finditer(text):
        left, right = max(0, match.start() - MARGIN), min(len(text), match.end() + MARGIN)
        while left > 0 and not text[left - 1].isspace() and match.start() - left < 4 * MARGIN:
            left -= 1
        while right < len(text) and not text[right].isspace() and right - match.end() < 4 * MARGIN:
            right += 1
        if left > end:
            if end >= 0:
                yield start, end
            start = left
        end = max(end, right)
    if end >= 0:
        yield start, end


def apply(text: str, spans: Iterable[Span]) -> str:
    """The text with each span replaced by its type in brackets."""
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], f"[{span.type}]"]
        at = span.end
    return "".join([*pieces, text[at:]])


def mask(
    text: str, types: Collection[str] | None = None, more: Iterable[Recogniser] = ()
) -> tuple[str, dict[str, int]]:
    """(the text with everything masked, how many of each type). Masking twice changes nothing."""
    counts: dict[str, int] = {}
    more = list(more)
    for _ in range(8):  # what stood beside a masked span may be recognised only now; two rounds do in practice
        spans = find(text, types, more)
        if not spans:
            break
        for span in spans:
            counts[span.type] = counts.get(span.type, 0) + 1
        text = apply(text, spans)
    return text, counts


def _without_overlaps(spans: list[Span]) -> list[Span]:
    if len(spans) < 2:
        return spans
    taken: list[Span] = []
    for group in _touching(sorted(spans)):
        chosen: list[Span] = []
        for span in sorted(group, key=lambda span: (span.start - span.end, -span.score, span.start, span.type)):
            if all(span.end <= other.start or span.start >= other.end for other in chosen):
                chosen.append(span)
        taken += sorted(chosen)
    return taken


def _touching(spans: list[Span]) -> Iterator[list[Span]]:
    """Runs of spans that overlap, from spans in order."""
    group: list[Span] = []
    end = -1
    for span in spans:
        if group and span.start >= end:
            yield group
            group, end = [], -1
        group.append(span)
        end = max(end, span.end)
    if group:
        yield group
