"""`athanor evaluate NAME`: quality, diversity, speed, and the answers to a question file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from athanor.cli.output import common, emit, reporter


@click.command()
@click.argument("name")
@click.option("--questions", type=click.Path(path_type=Path), help="question, answer, language a row (JSONL).")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the samples.")
@common()
def command(name: str, questions: Path | None, limit: int | None, seed: int, as_json: bool, quiet: bool) -> None:
    """Measure a model and write a report.

    Example: athanor evaluate mine --questions questions.jsonl
    """
    from athanor.pipelines.evaluate import evaluate_name

    result = evaluate_name(name, questions, seed, limit, reporter(quiet))
    emit(result, lambda: _text(result), as_json)


def _text(result: dict[str, Any]) -> str:
    from athanor.evaluate.report import number

    lines = []
    for part in ("quality", "diversity", "speed"):
        lines.append(part)
        for name, figure in result[part].items():
            if figure["value"] is None:
                lines.append(f"  {name:<22}–  {figure['reason']}")
            else:
                interval = figure["interval"]
                around = f"  ({number(interval[0])} … {number(interval[1])})" if interval else ""
                lines.append(f"  {name:<22}{number(figure['value'])}{around}")
    lines.append(f"report: {result['report_path']}/report.md")
    return "\n".join(lines)
