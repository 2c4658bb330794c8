"""Evaluating a model: its figures, its answers, and a report artifact that names it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import step_key
from athanor.artifacts.store import Store
from athanor.core.files import sha256_file
from athanor.core.progress import Reporter
from athanor.data.reader import Corpus
from athanor.evaluate import measure, questions, report
from athanor.evaluate.measure import Sample
from athanor.evaluate.questions import Question, Scored
from athanor.generate.handle import Model

VERSION = 2
SAMPLES_A_LANGUAGE = 6
MOST_ROWS_NAMED = 20
PROMPT_CHARACTERS = {"en": 24, "zh": 8, "other": 16}
DEFAULT_PROMPTS = ("The", "On", "When", "We")


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one model."""

    figures: Mapping[str, Mapping[str, Any]]
    scored: Sequence[Scored]
    samples: Sequence[Sample]
    heldout_bits_per_byte: float | None


def evaluate(
    model: Model, asked: Sequence[Question], prompts: Sequence[str], seed: int, reporter: Reporter
) -> Evaluation:
    """Ask the questions, draw samples, time one stream. Held-out figures come from the model's manifest."""
    scored: list[Scored] = []
    if asked:
        with reporter.bar("questions", float(len(asked))) as bar:
            scored = questions.ask(asked, measure.answerer(model), lambda done: bar.update(done, f"{done}"))
        if words := _unanswered(scored):
            reporter.warn(words)
    reporter.say("samples …")
    samples = measure.sample(model, prompts, seed)
    metrics = model.manifest.metrics if model.manifest else {}
    bits, loss = metrics.get("heldout_bits_per_byte"), metrics.get("heldout_loss")
    figures = {
        "quality": measure.quality(_number(bits), _number(loss), samples, scored),
        "diversity": measure.variety(samples),
        "speed": measure.speed(model, prompts[0]),
    }
    return Evaluation(figures, scored, samples, bits)


def _unanswered(scored: Sequence[Scored]) -> str:
    """What to say of questions that were too long to be asked; nothing where there were none."""
    rows = [str(row.question.row) for row in scored if row.unanswered]
    if not rows:
        return ""
    named = ", ".join(rows[:MOST_ROWS_NAMED]) + (" …" if len(rows) > MOST_ROWS_NAMED else "")
    return f"Too long for the context of this model, and counted as unanswered: {len(rows)} questions (rows {named})."


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def summary(found: Evaluation) -> dict[str, Any]:
    """CONTRACT's object of `evaluate` but for the report it lies in; answers that were not asked for are null."""
    counted = questions.summarise(found.scored)
    if not found.scored:
        counted.update(exact_match=None, token_f1=None, token_precision=None, token_recall=None)
    return {"heldout_bits_per_byte": found.heldout_bits_per_byte, **counted, "tasks": {}, **found.figures}


def in_report(found: Mapping[str, Any], artifact: Artifact) -> dict[str, Any]:
    """The object with the report it lies in."""
    answers = str(artifact.folder / report.ANSWERS)
    return {**found, "answers": answers, "report": artifact.id, "report_path": str(artifact.folder)}


def prompts_for(store: Store, model: Artifact | None) -> list[str]:
    """Beginnings of documents of the corpus the model learned from, in each of its languages.

    Held-out documents come first; learned ones fill up where fewer than SAMPLES_A_LANGUAGE were held out.
    """
    found: dict[str, list[str]] = {}
    for number in model.manifest.inputs if model else []:
        artifact = store.get(number)
        if artifact.kind == "corpus":
            _beginnings(Corpus(artifact.folder), found)
    prompts = [prompt for language in sorted(found) for prompt in found[language] if prompt]
    return prompts or list(DEFAULT_PROMPTS)


def _beginnings(corpus: Corpus, found: dict[str, list[str]]) -> None:
    missing = {name: min(SAMPLES_A_LANGUAGE, share.documents) for name, share in corpus.statistics.languages.items()}
    for split in ("heldout", "train"):
        for row in corpus.rows(split, "text"):
            if missing.get(row.language):
                missing[row.language] -= 1
                found.setdefault(row.language, []).append(_beginning(row.text, row.language))
            if not any(missing.values()):
                return


def _beginning(text: str, language: str) -> str:
    line = next((line for line in text.splitlines() if len(line.strip("#*- ")) > 3), text)
    start = line.strip("#*- ")[: PROMPT_CHARACTERS.get(language, 16)]
    # An English word is not cut in half; Chinese has none to cut.
    return start.rsplit(" ", 1)[0] if language == "en" and " " in start else start


def sections(found: Evaluation) -> list[report.Section]:
    """Questions by language, and samples, as every report shows them."""
    made = []
    if found.scored:
        summary = questions.summarise(found.scored)
        rows: list[tuple[str, ...]] = [("language", "n", "exact match", "token F1", "token precision", "token recall")]
        for language, item in summary["by_language"].items():
            values = (item["exact_match"], item["token_f1"], item["token_precision"], item["token_recall"])
            rows.append((language, str(item["n"]), *(f"{value:.3f}" for value in values)))
        wrong = [row for row in found.scored if not row.exact][:8]
        shown = [("question", "answer", "expected")]
        shown += [(row.question.question, row.answer, row.question.answer) for row in wrong]
        made.append(report.Section("Questions, closed book and greedy", _unanswered(found.scored), rows))
        if wrong:
            made.append(report.Section("Some wrong answers", table=shown))
    lines = [("begins with", "goes on")]
    lines += [(item.prompt, item.text[:300]) for item in found.samples]
    made.append(report.Section("Samples", "Continuations at temperature 0.8.", lines))
    return made


def answer_rows(found: Evaluation) -> list[dict[str, Any]]:
    """Every question with its answer; what `answers.jsonl` keeps."""
    return [row.as_row() for row in found.scored]


def questions_hash(path: Path | None) -> str | None:
    """What names a question file in a report's key: its content."""
    return sha256_file(path) if path is not None else None


def evaluate_name(name: str, path: Path | None, seed: int, limit: int | None, reporter: Reporter) -> dict[str, Any]:
    """The verb: measure a model of the store once, write a report artifact, give CONTRACT's object."""
    store = Store.open()
    artifact = store.resolve(name, kinds=("model",))
    asked = questions.read(path)[:limit] if path else []
    recipe = {"what": "evaluate", "questions": questions_hash(path), "seed": seed, "limit": limit}
    with store.in_use(reporter.waiting):
        kept = store.find("report", step_key("report", recipe, [artifact.id], VERSION))
        if kept is not None:
            return {**in_report(_stored(kept), kept), "cached": True}
        model = Model.of(artifact)
        found = evaluate(model, asked, prompts_for(store, artifact), seed, reporter)
        with store.draft("report", recipe, [artifact.id], version=VERSION, seed=seed) as draft:
            page = report.Report(
                title=f"Evaluation of {name}",
                headline=headline(found, name),
                figures=found.figures,
                sections=sections(found),
                answers=answer_rows(found),
                data={"evaluation": summary(found)},
            )
            report.write(page, draft.folder)
            made = draft.commit()
    return {**in_report(summary(found), made), "cached": False}


def _stored(artifact: Artifact) -> dict[str, Any]:
    """The object of `evaluate` that a report keeps."""
    return json.loads((artifact.folder / "report.json").read_text("utf-8"))["data"]["evaluation"]


def headline(found: Evaluation, name: str) -> str:
    """The report's first line."""
    if not found.scored:
        return f"{name}: measured on held-out text and samples; no questions were given."
    summary = questions.summarise(found.scored)
    parts = ", ".join(f"{key} {item['exact_match']:.1%}" for key, item in summary["by_language"].items())
    return f"{name} answers {summary['exact_match']:.1%} of {summary['n']} questions exactly ({parts})."
