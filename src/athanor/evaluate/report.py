"""The one form of every report: `report.md` to read, `report.json` to compute with, `report.png` to look at.

A report begins with what it says in plain words, then quality, diversity and speed with the interval beside each
figure that has one, then its sections. Every question and answer lies beside it in `answers.jsonl`. What stands in
tables is data, a model's or a stranger's: it is shown as it is and does nothing.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PARTS = ("quality", "diversity", "speed")
ANSWERS = "answers.jsonl"
# What Markdown would act on: marks, HTML, links (also bare ones), and lines between words. An underscore inside a word
# is none.
ACTIVE = re.compile(r"[\\`*\[<&~|]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.", re.IGNORECASE)
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they reorder what stands around them


@dataclass(frozen=True)
class Section:
    """A heading with a paragraph, a table (first row: heads), or both."""

    title: str
    text: str = ""
    table: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Report:
    """Everything a report holds.

    figures: CONTRACT's quality, diversity, speed, each {metric: {value, interval, n}}. curve: rows of step and loss.
    data: what else `report.json` keeps.
    """

    title: str
    headline: str
    figures: Mapping[str, Mapping[str, Mapping[str, Any]]]
    sections: Sequence[Section] = ()
    curve: Sequence[Mapping[str, Any]] = ()
    answers: Sequence[Mapping[str, Any]] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def write(report: Report, folder: Path) -> None:
    """Write the three forms and the answers into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in report.answers)
    (folder / ANSWERS).write_text(rows, "utf-8")
    (folder / "report.md").write_text(as_markdown(report), "utf-8")
    whole = {key: value for key, value in asdict(report).items() if key != "answers"}
    (folder / "report.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1), "utf-8")
    draw(report, folder / "report.png")


def as_markdown(report: Report) -> str:
    """The report as Markdown."""
    lines = [report.headline, "", f"# {report.title}", "", "![curves and figures](report.png)", ""]
    for part in PARTS:
        lines += [f"## {part.capitalize()}", ""]
        rows = [("metric", "value", "95 % interval", "n")]
        rows += [_figure_row(name, figure) for name, figure in report.figures.get(part, {}).items()]
        lines += [*_table(rows), ""]
    for section in report.sections:
        lines += [f"## {section.title}", ""]
        if section.text:
            lines += [section.text, ""]
        if section.table:
            lines += [*_table(section.table), ""]
    return "\n".join(lines)


def number(value: float) -> str:
    """A figure with four significant digits, large ones with thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _figure_row(name: str, figure: Mapping[str, Any]) -> tuple[str, str, str, str]:
    if figure["value"] is None:
        return name, "–", figure["reason"], "0"
    interval = figure["interval"]
    words = f"{number(interval[0])} … {number(interval[1])}" if interval else ""
    return name, number(figure["value"]), words, str(figure["n"])


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = [[_cell(cell) for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body)]


def _cell(text: str) -> str:
    """Text as Markdown that shows it: one line, control characters as their escapes, every active mark escaped."""
    line = "".join(_visible(letter) for letter in " ".join(str(text).split()))
    return ACTIVE.sub(lambda found: "\\" + found[0], line)


def _visible(letter: str) -> str:
    hidden = unicodedata.category(letter) in ("Cc", "Cs") or letter in TURNING
    return letter.encode("unicode_escape").decode() if hidden else letter


def draw(report: Report, path: Path) -> None:
    """The picture: the loss curve, and quality × diversity × speed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    rows = [row for row in report.curve if "loss" in row]
    figure = Figure(figsize=(11 if rows else 6, 4.2), dpi=110, layout="constrained")
    if rows:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_curve(left, rows, [row for row in report.curve if "heldout_loss" in row])
    else:
        right = figure.subplots()
    _draw_figures(right, report.figures)
    title, families = _drawable(report.title)
    figure.suptitle(title, fontfamily=families, parse_math=False)
    figure.savefig(path, metadata={"Software": None})


def _drawable(title: str) -> tuple[str, list[str]]:
    """The title as far as fonts of this machine can draw it, and those fonts; the whole title is in report.md."""
    from matplotlib import font_manager

    families = [font_manager.FontProperties().get_name()]
    missing = _lacking(font_manager.findfont(families[0]), set(title))
    if missing:
        for font in font_manager.fontManager.ttflist:
            if not _lacking(font.fname, missing):
                return title, [*families, font.name]
    drawn = "".join("\ufffd" if letter in missing else letter for letter in title)
    return (re.sub("\ufffd+", "…", drawn) + (" (whole title: report.md)" if missing else "")), families


def _lacking(path: str, letters: set[str]) -> set[str]:
    """Those of the letters that a font file does not draw."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
    except (OSError, RuntimeError):  # matplotlib's list of fonts outlives the files
        return letters
    return {letter for letter in letters if not font.get_char_index(ord(letter))}


def _draw_curve(axes: Any, rows: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]) -> None:
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats a token)")
    steps, losses = [row["step"] for row in rows], [row["loss"] for row in rows]
    axes.plot(steps, losses, color="#b9c4d6", linewidth=1, label="training batches")
    width = max(1, len(rows) // 20) + 1
    axes.plot(steps, _trailing_means(losses, width), color="#1f4e8c", linewidth=2, label=f"mean of {width} of these")
    if held:
        axes.plot(
            [row["step"] for row in held],
            [row["heldout_loss"] for row in held],
            "o",
            color="#c8553d",
            label="held-out documents",
        )
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)


def _trailing_means(values: Sequence[float], width: int) -> list[float]:
    """The mean of each value and up to width − 1 before it."""
    sums = [0.0, *itertools.accumulate(values)]
    return [(sums[at] - sums[max(0, at - width)]) / min(at, width) for at in range(1, len(sums))]


def _draw_figures(axes: Any, figures: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    chosen = [
        ("exact match", figures.get("quality", {}).get("exact_match")),
        ("token F1", figures.get("quality", {}).get("token_f1")),
        ("no repetition", _inverse(figures.get("quality", {}).get("repetition"))),
        ("distinct-2", figures.get("diversity", {}).get("distinct_2")),
        ("unlike others (1 − self-BLEU)", _inverse(figures.get("diversity", {}).get("self_bleu"))),
    ]
    shown = [(name, item) for name, item in chosen if item and item["value"] is not None]
    axes.barh([name for name, _ in shown], [item["value"] for _, item in shown], color="#6f9ceb", height=0.6)
    for at, (_, item) in enumerate(shown):
        interval = item["interval"]
        if interval:
            axes.plot(interval, [at, at], color="#1f2d3d", linewidth=2)
        axes.text(1.02, at, f"{item['value']:.2f}", va="center", transform=axes.get_yaxis_transform())
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    rate = figures.get("speed", {}).get("tokens_per_second")
    words = f"{rate['value']:,.0f} tokens/s in one stream" if rate and rate["value"] else "speed was not measured"
    axes.set_title(words, fontsize=10)
    axes.grid(axis="x", alpha=0.25)


def _inverse(figure: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if figure is None or figure["value"] is None:
        return figure
    interval = figure["interval"]
    return {**figure, "value": 1 - figure["value"], "interval": [1 - end for end in interval] if interval else None}
