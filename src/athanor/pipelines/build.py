"""`build`: own folder → corpus → tokenizer → model → report → assistant, each step done once."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import step_key
from athanor.artifacts.store import Store
from athanor.core.errors import UsageError
from athanor.core.hardware import peak_memory_bytes
from athanor.core.progress import Reporter
from athanor.core.recipes import as_tree
from athanor.data.read import FolderScan, require_sources, scan
from athanor.data.reader import Corpus
from athanor.evaluate import measure, questions
from athanor.generate.handle import Model
from athanor.models.decoder import Decoder, initialise
from athanor.models.folder import read_spec
from athanor.pipelines import build_report, evaluate
from athanor.pipelines.learn import Learning, learn, unfinished
from athanor.pipelines.plan import Choice, choose, estimate_characters, refuse_what_cannot_fit
from athanor.pipelines.recipe import BuildRecipe
from athanor.pipelines.steps import Keys, make_corpus, make_tokenizer, parent_tokenizer
from athanor.train.calibrate import machine
from athanor.train.clock import Clock

REPORT_VERSION = 1
ASSISTANT_VERSION = 1
AFTER_SECONDS = 5.0  # samples, report, picture
TIMED_QUESTIONS = 64
USUAL_ANSWER_TOKENS = 10


@dataclass(frozen=True)
class Request:
    """One call of `build`."""

    recipe: BuildRecipe
    reporter: Reporter
    began: float = field(default_factory=time.monotonic)
    """When the command began: the clock counts from here."""
    workers: int | None = None
    force: bool = False
    replace: bool = False
    resume: bool = False
    go_on: bool = False
    """`--continue`: from the model the name stands for."""
    dry_run: bool = False
    argv: Sequence[str] = ()

    @property
    def folder(self) -> Path:
        """What is built from."""
        return Path(self.recipe.inputs[0])


def build(request: Request) -> dict[str, Any]:
    """Do it; CONTRACT's object of `build`."""
    store = Store.open()
    recipe = request.recipe
    name = store.check_name(recipe.name) if recipe.name is not None else None
    found = scan(request.folder)
    require_sources(found)
    if request.dry_run:
        return _dry_run(request, store, found)
    with contextlib.ExitStack() as held:
        waited = time.monotonic()
        if name is not None:
            held.enter_context(store.name_lock(name, lambda who: request.reporter.say(f"waiting for {who}")))
        held.enter_context(store.in_use(request.reporter.say))
        return _Build(request, store, found, name, time.monotonic() - waited).run()


def question_file(recipe: BuildRecipe, folder: Path) -> Path | None:
    """The questions to ask: those named, or a sample's own, which lie in the sibling folder truth/."""
    if recipe.questions is not None:
        return Path(recipe.questions)
    truth = folder.resolve().parent / "truth"
    return truth / "questions.jsonl" if (truth / "sample.json").is_file() else None


def _choice(request: Request, store: Store, found: FolderScan, asked: int) -> Choice:
    sizes = [(Path(source.path).suffix.lower(), source.bytes) for source in found.sources]
    if not (store.home / "cache" / "machine.json").is_file():
        request.reporter.say("measuring this machine, once …")
    measured = machine(store.home / "cache")
    chosen = choose(request.recipe, measured, estimate_characters(sizes), asked)
    _say_plan(request, found, chosen)
    refuse_what_cannot_fit(chosen.planned, store.home)
    return chosen


def _dry_run(request: Request, store: Store, found: FolderScan) -> dict[str, Any]:
    path = question_file(request.recipe, request.folder)
    chosen = _choice(request, store, found, len(questions.read(path)) if path else 0)
    return {
        "name": request.recipe.name,
        "dry_run": True,
        "planned": msgspec.to_builtins(chosen.planned),
        "model": msgspec.to_builtins(chosen.spec),
        "train": {
            "batch_size": chosen.batch_size,
            "learning_rate": chosen.learning_rate,
            "precision": chosen.precision,
            "row_length": chosen.row_length,
            "steps": chosen.expected_steps,
            "tokens_per_second": chosen.tokens_per_second,
        },
        "files": len(found.sources),
        "bytes": sum(source.bytes for source in found.sources),
    }


def _say_plan(request: Request, found: FolderScan, chosen: Choice) -> None:
    spec, planned = chosen.spec, chosen.planned
    size = sum(source.bytes for source in found.sources)
    rows = [
        ("read", f"{len(found.sources)} files, {size / 1e6:.2f} MB"),
        (
            "model",
            f"{planned.parameters / 1e6:.1f} M parameters: {spec.layers} layers, width {spec.width}, "
            f"{spec.heads} heads, context {spec.context}",
        ),
        (
            "learn",
            f"about {chosen.expected_steps} steps of {chosen.batch_size} rows, "
            f"{chosen.tokens_per_second:,.0f} tokens/s in {chosen.precision}",
        ),
        ("time", f"{planned.seconds / 60:.1f} minutes"),
        ("memory", f"{planned.peak_memory_bytes / 2**30:.2f} GiB at the most"),
        ("disk", f"{planned.disk_bytes / 1e6:.0f} MB"),
    ]
    request.reporter.say("plan")
    for label, words in rows:
        request.reporter.say(f"  {label:<8}{words}")


class _Build:
    """One build under its locks."""

    def __init__(self, request: Request, store: Store, found: FolderScan, name: str | None, waited: float) -> None:
        self.request, self.store, self.scan, self.name = request, store, found, name
        self.recipe, self.reporter = request.recipe, request.reporter
        self.began = request.began + waited
        self.parent = self._parent()
        self.keys = Keys(store, self.recipe, found, self.parent)
        self.path = question_file(self.recipe, request.folder)
        self.asked = questions.read(self.path) if self.path else []
        self.questions_hash = evaluate.questions_hash(self.path)

    def run(self) -> dict[str, Any]:
        """Everything, or what is there already."""
        done = self._nothing_new() or self.keys.finished()
        if done is not None:
            return self._finish(*done, None)
        if self.name is not None:
            self.store.check_name_free(self.name, self.request.replace or self.parent is not None)
        clock = Clock(self.recipe.budget_seconds, self._spent_earlier() + time.monotonic() - self.began)
        chosen = _choice(self.request, self.store, self.scan, len(self.asked))
        corpus, _ = make_corpus(self.keys, self.request.workers, self.request.force, self.reporter)
        self._say_corpus(corpus)
        tokenizer, _ = make_tokenizer(self.keys, corpus, self.reporter)
        chosen = self._settled(chosen, tokenizer)
        work = Learning(self.keys, corpus, tokenizer, chosen, clock, self._reserve(chosen, tokenizer), self.reporter)
        model = learn(work, self._prepare_run(work))
        return self._finish(corpus, tokenizer, model, chosen)

    def _parent(self) -> Artifact | None:
        if not self.request.go_on:
            return None
        if self.name is None:
            raise UsageError("--continue needs a name to go on from.", remedy="Add --name and the model's name.")
        return self.store.resolve(self.name, kinds=("model",))

    def _nothing_new(self) -> tuple[Artifact, Artifact, Artifact] | None:
        """With --continue: the parent itself, when it was made of this very corpus."""
        now = self.keys.found_corpus()
        if self.parent is None or now is None or now.id not in self.parent.manifest.inputs:
            return None
        return now, parent_tokenizer(self.store, self.parent), self.parent

    def _spent_earlier(self) -> float:
        """Seconds that earlier attempts at this run have used; 0 where none is gone on with."""
        if not self.request.resume:
            return 0.0
        run = self.keys.found_run()
        state = unfinished(run) if run is not None else None
        if state is None:
            self.reporter.say("there is no unfinished run of this request; starting")
            return 0.0
        return state["spent"]

    def _prepare_run(self, work: Learning) -> bool:
        """Describe the run; whether to go on from what lies in it. What is not gone on with is said and removed."""
        run, state = work.run, unfinished(work.run)
        if state is not None and not self.request.resume:
            self.reporter.say(
                f"an unfinished run of this lies in the store (step {state['step']}, {state['spent']:.0f} s spent); "
                "--resume would go on with it; starting over"
            )
            run.remove()
        words = {"name": self.name, "verb": "build", "argv": list(self.request.argv)}
        run.describe({**words, "inputs": [work.corpus.id, work.tokenizer.id]})
        return self.request.resume and state is not None

    def _settled(self, chosen: Choice, tokenizer: Artifact) -> Choice:
        """The choice with the vocabulary that the tokenizer came to have, or with the parent's shape."""
        if self.parent is not None:
            return msgspec.structs.replace(chosen, spec=read_spec(self.parent.folder))
        vocabulary = tokenizer.manifest.metrics["vocabulary"]
        return msgspec.structs.replace(chosen, spec=msgspec.structs.replace(chosen.spec, vocabulary=vocabulary))

    def _reserve(self, chosen: Choice, tokenizer: Artifact) -> float:
        """Seconds that measuring, questions, samples and report will take after learning."""
        asked = self.asked
        some = asked[:: max(1, len(asked) // TIMED_QUESTIONS)][:TIMED_QUESTIONS]
        if not some:
            return AFTER_SECONDS
        network = Decoder(chosen.spec)
        initialise(network, 0)
        answer = measure.answerer(Model(tokenizer.folder, network.eval().requires_grad_(False)))
        began = time.monotonic()
        answer([question.question for question in some], USUAL_ANSWER_TOKENS)
        return AFTER_SECONDS + (time.monotonic() - began) / len(some) * len(asked)

    def _say_corpus(self, corpus: Artifact) -> None:
        found = Corpus(corpus.folder).statistics
        dropped = ", ".join(f"{number} {reason}" for reason, number in found.dropped.items()) or "none"
        self.reporter.say(
            f"corpus: {found.kept} of {found.read} documents kept, {found.characters:,} characters; dropped: {dropped}"
        )
        made = sum(found.chats.made.values())
        if made:
            self.reporter.say(f"the folder holds no chats; {made} were made from headings, tables and question lines")

    def _finish(self, corpus: Artifact, tokenizer: Artifact, model: Artifact, chosen: Choice | None) -> dict[str, Any]:
        """Assistant, report, name; the result. chosen: None where the model was there already."""
        assistant = self._assistant(model)
        if self.name is not None:
            self.store.check_name_free(self.name, self.request.replace or self.parent is not None, assistant.id)
        report, new = self._report(corpus, tokenizer, model, assistant, chosen)
        if self.name is not None:
            self.store.bind(self.name, assistant.id, replace=self.request.replace or self.parent is not None)
        result = build_report.stored_result(report)
        result.update(name=self.name, id=assistant.id, cached=not new)
        if not new:
            result["seconds"] = time.monotonic() - self.began
        return result

    def _assistant(self, model: Artifact) -> Artifact:
        recipe = as_tree(msgspec.structs.replace(self.recipe, name=None, inputs=[str(self.request.folder.resolve())]))
        if self.recipe.budget_seconds is not None:
            recipe["minutes"] = self.recipe.budget_seconds / 60
        recipe = {key: recipe[key] for key in sorted(recipe, key=lambda key: key not in ("step", "inputs"))}
        kept = self.store.find("assistant", step_key("assistant", recipe, [model.id], ASSISTANT_VERSION))
        if kept is not None:
            return kept
        with self.store.draft("assistant", recipe, [model.id], version=ASSISTANT_VERSION) as draft:
            parts = {"model": model.id, "index": None, "settings": {}}
            (draft.folder / "assistant.json").write_text(json.dumps(parts, indent=1) + "\n")
            return draft.commit()

    def _report(
        self, corpus: Artifact, tokenizer: Artifact, model: Artifact, assistant: Artifact, chosen: Choice | None
    ) -> tuple[Artifact, bool]:
        recipe = {"what": "build", "questions": self.questions_hash}
        kept = self.store.find("report", step_key("report", recipe, [model.id], REPORT_VERSION))
        if kept is not None:
            return kept, False
        asked, seed = self.asked, self.recipe.seed
        loaded = Model.of(model)
        found = evaluate.evaluate(loaded, asked, evaluate.prompts_for(self.store, model), seed, self.reporter)
        facts = build_report.Facts(
            corpus=corpus,
            tokenizer=tokenizer,
            model=model,
            assistant=assistant,
            planned=chosen.planned if chosen else None,
            untrained=build_report.ask_untrained(loaded, asked, self.recipe.training_seed),
            seconds=time.monotonic() - self.began,
            peak_memory_bytes=peak_memory_bytes(),
            name=self.name,
        )
        with self.store.draft("report", recipe, [model.id], version=REPORT_VERSION, seed=seed) as draft:
            build_report.write(facts, found, draft.folder)
            return draft.commit(), True
