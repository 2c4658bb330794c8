"""The report of a build: what the model can do, its figures, the corpus, and the plan beside what came true."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.core.files import tree_bytes
from athanor.core.seeds import derive
from athanor.data.reader import Corpus
from athanor.data.statistics import CorpusStatistics
from athanor.evaluate import measure, questions, report
from athanor.evaluate.questions import Question
from athanor.evaluate.report import Section
from athanor.generate.handle import Model
from athanor.models.decoder import Decoder, initialise
from athanor.pipelines import evaluate
from athanor.pipelines.evaluate import Evaluation
from athanor.pipelines.learn import TRAINING_ROWS
from athanor.train.loop import read_metrics

UNTRAINED_QUESTIONS = 40
PLACES = ("id", "corpus", "tokenizer", "model", "index", "report", "report_path")
COUNTS = ("documents", "unread", "characters", "tokens", "parameters", "tokens_seen", "steps", "seconds")
QUALITY = ("heldout_bits_per_byte", "heldout_loss", "actual", "tokens_per_second", "questions", "untrained")
RESULT_KEYS = ("name", "cached", "planned", *PLACES, *COUNTS, *QUALITY)


@dataclass(frozen=True)
class Facts:
    """What a build knows when it writes its report."""

    corpus: Artifact
    tokenizer: Artifact
    model: Artifact
    assistant: Artifact
    untrained: float | None
    """Share of questions the network answered before it learned; None where none were asked."""
    seconds: float
    peak_memory_bytes: int
    name: str | None


def ask_untrained(trained: Model, asked: Sequence[Question], seed: int) -> float | None:
    """Exact match of the same network before learning, on some of the questions; the floor to compare with."""
    if not asked:
        return None
    assert isinstance(trained.network, Decoder)
    network = Decoder(trained.network.spec)
    initialise(network, derive(seed, "weights"))
    fresh = Model(trained.folder, network.eval().requires_grad_(False))
    scored = questions.ask(questions.spread(asked, UNTRAINED_QUESTIONS), measure.answerer(fresh))
    return sum(row.exact for row in scored) / len(scored)


def write(facts: Facts, found: Evaluation, folder: Path) -> None:
    """Write the report's files into `folder`."""
    curve = read_metrics(facts.model.folder / TRAINING_ROWS)
    statistics = Corpus(facts.corpus.folder).statistics
    page = report.Report(
        title=f"Build of {facts.name or facts.model.id[:12]}",
        headline=headline(statistics, found),
        figures=found.figures,
        sections=[*_learning(facts, found), *_plan(facts), *evaluate.sections(found), *_corpus(statistics)],
        curve=curve,
        answers=evaluate.answer_rows(found),
        data={
            "build": _result(facts, found, statistics),
            "evaluation": evaluate.summary(found) if found.scored else None,
        },
    )
    report.write(page, folder)


def stored_result(artifact: Artifact) -> dict[str, Any]:
    """CONTRACT's object of `build`, as a report artifact keeps it, with today's paths."""
    data = json.loads((artifact.folder / "report.json").read_text("utf-8"))["data"]
    result, evaluation = data["build"], data["evaluation"]
    place = {"report": artifact.id, "report_path": str(artifact.folder)}
    if evaluation is not None:
        evaluation = evaluate.in_report(evaluation, artifact)
    return {**result, **place, "questions": evaluation}


def headline(statistics: CorpusStatistics, found: Evaluation) -> str:
    """What this model can and cannot do, in plain words."""
    languages = {"en": "English", "zh": "Chinese"}
    spoken = " and ".join(languages[key] for key in ("en", "zh") if key in statistics.languages) or "their language"
    can = f"This model can go on in the manner of your {statistics.kept} documents, in {spoken}"
    if statistics.chats.read:
        can += ", and answer short questions that their chats answer"
    elif statistics.chats.made:
        can += ", and answer questions made from their headings, tables and question lines"
    if found.scored:
        share = sum(row.exact for row in found.scored) / len(found.scored)
        can += f" ({share:.0%} of {len(found.scored)} test questions right)"
    return (
        f"{can}; it cannot reason, knows nothing beyond those documents, and may state falsehoods with confidence: "
        "check what matters against the documents themselves."
    )


def _learning(facts: Facts, found: Evaluation) -> list[Section]:
    metrics, chosen = facts.model.manifest.metrics, facts.model.manifest.resolved
    before, after = metrics["untrained_bits_per_byte"], metrics["heldout_bits_per_byte"]
    shape = chosen["model"]
    words = []
    if before is not None and after is not None:
        words.append(f"Held-out bits per byte: {before:.3f} {_start(facts.model)}, {after:.3f} after learning.")
    if facts.untrained is not None:
        number = min(UNTRAINED_QUESTIONS, len(found.scored))
        words.append(f"The untrained model scores {facts.untrained:.2f} exact match on {number} of the questions.")
    else:
        words.append("No questions were asked, so the untrained model has no score to compare with.")
    if metrics["skipped_steps"]:
        words.append(f"{metrics['skipped_steps']} steps were skipped because the loss was no finite number.")
    if metrics["chats_shortened"] or metrics["chats_left_out"]:
        words.append(
            f"{metrics['chats_shortened']} chats are longer than the {metrics['row_length']} tokens of a row and "
            f"were learned up to there; {metrics['chats_left_out']} have no answer within them and were left out."
        )
    rows = [
        ("parameters", f"{metrics['parameters']:,}"),
        ("shape", ", ".join(f"{key} {value}" for key, value in shape.items())),
        ("vocabulary", f"{facts.tokenizer.manifest.metrics['vocabulary']:,}"),
        ("steps", f"{metrics['steps']:,} of {chosen['train']['batch_size']} rows"),
        ("tokens seen", f"{metrics['tokens_seen']:,} ({metrics['epochs']:.1f} times the corpus)"),
        ("tokens a second", f"{metrics['tokens_per_second']:,.0f} in {chosen['train']['precision']}"),
        (
            "learning rate",
            f"{chosen['train']['learning_rate']:.2g}, {_fall(chosen['train']['falls'])}",
        ),
    ]
    return [Section("Learning", " ".join(words), [("what", "value"), *rows])]


def _start(model: Artifact) -> str:
    """What a model learned on from: corpus and tokenizer come first among its inputs, then the model before it."""
    return "in the model it goes on from" if len(model.manifest.inputs) > 2 else "untrained"


def _fall(falls: Sequence[Sequence[int]]) -> str:
    return f"falling from step {falls[0][0]}" if falls else "not falling"


def _plan(facts: Facts) -> list[Section]:
    plan = facts.model.manifest.metrics["planned"]
    rows = [
        ("", "plan", "truth"),
        ("seconds", f"{plan['seconds']:.0f}", f"{facts.seconds:.0f}"),
        ("peak memory", f"{plan['peak_memory_bytes'] / 1e6:.0f} MB", f"{facts.peak_memory_bytes / 1e6:.0f} MB"),
        ("disk (while learning, afterwards)", f"{plan['disk_bytes'] / 1e6:.0f} MB", f"{_disk(facts) / 1e6:.0f} MB"),
        ("parameters", f"{plan['parameters']:,}", f"{facts.model.manifest.metrics['parameters']:,}"),
    ]
    return [Section("Plan beside truth", table=rows)]


def _corpus(found: CorpusStatistics) -> list[Section]:
    rows = [("what", "documents")]
    rows += [("read", str(found.read)), ("kept", str(found.kept))]
    rows += [(f"dropped: {reason}", str(number)) for reason, number in found.dropped.items()]
    rows += [(f"not read: {suffix} files", str(number)) for suffix, number in found.unread.items()]
    rows += [(f"passed over: {reason}", str(number)) for reason, number in found.problems.items()]
    rows += [(f"language {name}", str(share.documents)) for name, share in found.languages.items()]
    rows += [("held out to measure with", str(found.heldout.documents))]
    rows += [("chats read", str(found.chats.read))]
    rows += [(f"chats made from {origin}", str(number)) for origin, number in found.chats.made.items()]
    made = [Section("Corpus: what came in, what went out and why", table=rows)]
    changes = [("what", "count")]
    changes += [(f"masked: {kind}", str(number)) for kind, number in found.redacted.items()]
    changes += [(f"left out: {what}", str(number)) for what, number in found.repaired.items()]
    if len(changes) > 1:
        made.append(Section("Corpus: what was changed", table=changes))
    if found.examples:
        named = [("reason", "where")] + [(reason, ", ".join(places)) for reason, places in found.examples.items()]
        made.append(Section("Corpus: examples of what was dropped", table=named))
    return made


def _disk(facts: Facts) -> int:
    return sum(tree_bytes(part.folder) for part in (facts.corpus, facts.tokenizer, facts.model))


def _result(facts: Facts, found: Evaluation, statistics: CorpusStatistics) -> dict[str, Any]:
    metrics = facts.model.manifest.metrics
    return {
        "name": facts.name,
        "id": facts.assistant.id,
        "corpus": facts.corpus.id,
        "tokenizer": facts.tokenizer.id,
        "model": facts.model.id,
        "index": None,
        "cached": False,
        "documents": {"read": statistics.read, "kept": statistics.kept, "dropped": statistics.dropped},
        "unread": statistics.unread,
        "characters": statistics.characters,
        "tokens": metrics["tokens"],
        "parameters": metrics["parameters"],
        "tokens_seen": metrics["tokens_seen"],
        "steps": metrics["steps"],
        "heldout_bits_per_byte": metrics["heldout_bits_per_byte"],
        "heldout_loss": metrics["heldout_loss"],
        "seconds": facts.seconds,
        "planned": metrics["planned"],
        "actual": {
            "seconds": facts.seconds,
            "peak_memory_bytes": facts.peak_memory_bytes,
            "disk_bytes": _disk(facts),
        },
        "tokens_per_second": metrics["tokens_per_second"],
        "untrained": {"bits_per_byte": metrics["untrained_bits_per_byte"], "exact_match": facts.untrained},
    }
