"""`athanor sample DIR`: the papers of an invented harbour town, to try everything on."""

from __future__ import annotations

from pathlib import Path

import click

from athanor.cli.output import common, emit, human_bytes


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=0, show_default=True, help="Which town; the same seed, the same bytes.")
@click.option("--megabytes", type=float, default=1.0, show_default=True, help="Size of the documents.")
@common()
def command(folder: Path, seed: int, megabytes: float, as_json: bool, quiet: bool) -> None:
    """Write the papers of an invented harbour town, in English and Chinese, and the truth about them.

    DIR/documents holds the papers, DIR/truth questions with their answers, personal data and duplicates.

    Example: athanor sample ./town && athanor build ./town/documents --name town --minutes 5
    """
    from athanor.data import sample

    result = sample.make(folder, seed=seed, megabytes=megabytes)
    emit(
        result,
        lambda: (
            f"{result['documents']} documents, {human_bytes(result['bytes'])}, in {folder / 'documents'}\n"
            f"{result['facts']['en']} facts in each language; questions: {result['questions']['en']} English, "
            f"{result['questions']['zh']} Chinese, in {folder / 'truth' / 'questions.jsonl'}"
        ),
        as_json,
    )
