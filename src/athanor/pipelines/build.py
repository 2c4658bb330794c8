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
from athanor.artifacts.ids import canonical_json, step_key
from athanor.artifacts.runs import Run
from athanor.artifacts.store import Store
from athanor.core.errors import AthanorError, UsageError
from athanor.core.hardware import peak_memory_bytes
from athanor.core.progress import Reporter
from athanor.core.recipes import as_tree
from athanor.data.read import FolderScan, require_sources, scan, unread_in_words
from athanor.data.reader import Corpus
from athanor.evaluate import measure, questions
from athanor.generate.handle import Model
from athanor.models.decoder import Decoder, initialise
from athanor.pipelines import build_report, evaluate
from athanor.pipelines.learn import Learning, learn
from athanor.pipelines.plan import Choice, choose, estimate_characters, refuse_what_cannot_fit
from athanor.pipelines.recipe import BuildRecipe, ModelRecipe
from athanor.pipelines.steps import Keys, input_of, make_corpus, make_tokenizer
from athanor.pipelines.unfinished import Unfinished, find_unfinished, keep_choice
from athanor.specs.checkpoint import read_decoder_spec
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.train.calibrate import Machine, machine
from athanor.train.clock import Clock

REPORT_VERSION = 2
ASSISTANT_VERSION = 1
AFTER_SECONDS = 5.0  # samples, report, picture
TIMED_QUESTIONS = 64


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
            held.enter_context(store.name_lock(name, request.reporter.waiting))
        held.enter_context(store.in_use(request.reporter.waiting))
        return _Build(request, store, found, name, time.monotonic() - waited).run()


def question_file(recipe: BuildRecipe, folder: Path) -> Path | None:
    """The questions to ask: those named, or a sample's own, which lie in the sibling folder truth/."""
    if recipe.questions is not None:
        return Path(recipe.questions)
    truth = folder.resolve().parent / "truth"
    return truth / "questions.jsonl" if (truth / "sample.json").is_file() else None


def _choice(
    request: Request, store: Store, found: FolderScan, asked: int, parent: Artifact | None, measured: Machine
) -> Choice:
    sizes = [(Path(source.path).suffix.lower(), source.bytes) for source in found.sources]
    shape = read_decoder_spec(parent.folder) if parent is not None else None
    row = parent.manifest.metrics.get("row_length") if parent is not None else None
    chosen = choose(request.recipe, measured, estimate_characters(sizes), asked, shape, row)
    _say_plan(request, found, chosen)
    refuse_what_cannot_fit(chosen.planned, store.home)
    return chosen


def parent_of(request: Request, store: Store) -> Artifact | None:
    """The model that is gone on from. Raises UsageError where another shape or vocabulary is asked for."""
    recipe = request.recipe
    if recipe.continues is None:
        return None
    parent = store.resolve(recipe.continues, kinds=("model",))
    spec, tokenizer = read_decoder_spec(parent.folder), input_of(store, parent, "tokenizer")
    has = {f"model.{key}": getattr(spec, key) for key in ModelRecipe.__struct_fields__}
    has["tokenizer.vocabulary"] = tokenizer.manifest.resolved.get("vocabulary", spec.vocabulary)
    asked = {f"model.{key}": value for key, value in as_tree(recipe.model).items()}
    asked["tokenizer.vocabulary"] = recipe.tokenizer.vocabulary
    other = [f"{key}={value}" for key, value in asked.items() if value is not None and value != has[key]]
    if other:
        raise UsageError(
            f"{', '.join(other)} cannot be had with --continue: {recipe.continues} has "
            + ", ".join(f"{key}={has[key]}" for key in (word.split("=")[0] for word in other))
            + ".",
            value=other,
            limit=has,
            remedy="Leave them out, or build anew without --continue.",
        )
    return parent


def _dry_run(request: Request, store: Store, found: FolderScan) -> dict[str, Any]:
    path = question_file(request.recipe, request.folder)
    measured = machine(store.home / "cache", request.reporter)
    asked = len(questions.read(path)) if path else 0
    chosen = _choice(request, store, found, asked, parent_of(request, store), measured)
    return {
        **dict.fromkeys(build_report.RESULT_KEYS),
        "name": request.recipe.name,
        "dry_run": True,
        "cached": False,
        "planned": msgspec.to_builtins(chosen.planned),
        "parameters": chosen.planned.parameters,
        "shape": msgspec.to_builtins(chosen.spec),
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
        ("memory", f"about {planned.peak_memory_bytes / 1e6:.0f} MB"),
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
        self.measuring = 0.0
        """Seconds that measuring the machine took."""
        self.unaccounted = self.began
        """Since when time is not yet among what the model says was spent on it."""
        self.parent = parent_of(request, store)
        self.keys = Keys(store, self.recipe, found, self.parent)
        self.path = question_file(self.recipe, request.folder)
        self.asked = questions.read(self.path) if self.path else []
        self.questions_hash = evaluate.questions_hash(self.path)
        named = self._named()
        continued = (
            self.parent is not None and named is not None and self.parent.id in (named.id, *named.manifest.inputs)
        )
        self.replace = request.replace or continued
        """Whether the name may come to stand for something else."""

    def run(self) -> dict[str, Any]:
        """Everything, or what is there already."""
        done = self._nothing_new() or self.keys.finished()
        if done is not None:
            return self._finish(*done)
        if self.name is not None:
            self.store.check_name_free(self.name, self.replace)
        earlier = self._earlier()
        clock = Clock(self.recipe.budget_seconds, (earlier.spent if earlier else 0.0) + time.monotonic() - self.began)
        chosen = earlier.choice if earlier else self._choice(clock)
        corpus, _ = make_corpus(self.keys, self.request.workers, self.request.force, self.reporter)
        self._say_corpus(corpus)
        tokenizer, _ = make_tokenizer(self.keys, corpus, self.reporter)
        model = self._model(corpus, tokenizer, self._settled(chosen, tokenizer), clock)
        return self._finish(corpus, tokenizer, model)

    def _choice(self, clock: Clock) -> Choice:
        """The budget is for the build: measuring the machine, which is done once, is not taken from it."""
        began = time.monotonic()
        measured = machine(self.store.home / "cache", self.reporter)
        self.measuring = time.monotonic() - began
        clock.excuse(self.measuring)
        self.unaccounted += self.measuring
        return _choice(self.request, self.store, self.scan, len(self.asked), self.parent, measured)

    def _model(self, corpus: Artifact, tokenizer: Artifact, chosen: Choice, clock: Clock) -> Artifact:
        """Learn, unless another process has done so while this one waited for it."""
        run, began = self.keys.run(corpus, tokenizer), time.monotonic()
        with run.lock(self.reporter.waiting):
            waited = time.monotonic() - began
            clock.excuse(waited)
            self.began += waited
            self.unaccounted = self.began + self.measuring
            done = self.keys.finished()
            if done is not None:
                return done[2]
            resume = self._prepare_run(run, [corpus.id, tokenizer.id], chosen)
            reserve = self._reserve(chosen, tokenizer)
            work = Learning(self.keys, run, corpus, tokenizer, chosen, clock, reserve, self.reporter)
            model = learn(work, resume)
            self.unaccounted = time.monotonic() - (clock.spent - model.manifest.metrics["spent"]["seconds"])
            return model

    def _nothing_new(self) -> tuple[Artifact, Artifact, Artifact] | None:
        """With --continue: the parent itself, when it was made of this very corpus in the way asked for now."""
        now = self.keys.found_corpus()
        if self.parent is None or now is None or now.id not in self.parent.manifest.inputs:
            return None
        tokenizer = input_of(self.store, self.parent, "tokenizer")
        asked, _ = self.keys.model(now.id, tokenizer.id)
        pace, before = (
            {key: made.get(key) for key in ("train", "minutes")} for made in (asked, self.parent.manifest.recipe)
        )
        if canonical_json(pace) != canonical_json(before):
            return None
        return now, tokenizer, self.parent

    def _earlier(self) -> Unfinished | None:
        """The unfinished run that --resume goes on with."""
        if not self.request.resume:
            return None
        run = self.keys.found_run()
        found = find_unfinished(run) if run is not None else None
        if found is None:
            self.reporter.say("there is no unfinished run of this request; starting")
        return found

    def _prepare_run(self, run: Run, inputs: list[str], chosen: Choice) -> bool:
        """Describe the run; whether to go on from what lies in it. What is not gone on with is said and removed."""
        found = find_unfinished(run, strict=self.request.resume)
        resume = self.request.resume and found is not None and found.choice == chosen
        if found is not None and not resume:
            self.reporter.say(
                f"an unfinished run of this lies in the store (step {found.step}, {found.spent:.0f} s spent); "
                "--resume would go on with it; starting over"
            )
        if not resume:
            run.remove()
        run.describe({"name": self.name, "verb": "build", "argv": list(self.request.argv), "inputs": inputs})
        keep_choice(run, chosen)
        return resume

    def _settled(self, chosen: Choice, tokenizer: Artifact) -> Choice:
        """The choice with the vocabulary that the tokenizer came to have."""
        vocabulary = tokenizer.manifest.metrics["vocabulary"]
        return msgspec.structs.replace(chosen, spec=msgspec.structs.replace(chosen.spec, vocabulary=vocabulary))

    def _reserve(self, chosen: Choice, tokenizer: Artifact) -> float:
        """Seconds that questions, samples and report will take after learning."""
        some = questions.spread(self.asked, TIMED_QUESTIONS)
        if not some:
            return AFTER_SECONDS
        network = Decoder(chosen.spec)
        initialise(network, 0)
        fresh = Model(tokenizer.folder, network.eval().requires_grad_(False))
        ids = Tokenizer.load(tokenizer.folder).encode_many([question.answer for question in some])
        usual = min(questions.ANSWER_TOKENS, 1 + sum(map(len, ids)) // len(ids))
        answer = measure.answerer(fresh)
        began = time.monotonic()
        answer([question.question for question in some], usual)
        return AFTER_SECONDS + (time.monotonic() - began) / len(some) * len(self.asked)

    def _say_corpus(self, corpus: Artifact) -> None:
        found = Corpus(corpus.folder).statistics
        dropped = ", ".join(f"{number} {reason}" for reason, number in found.dropped.items()) or "none"
        self.reporter.say(
            f"corpus: {found.kept} of {found.read} documents kept, {found.characters:,} characters; dropped: {dropped}"
        )
        if found.unread:
            self.reporter.say(f"not read, since of other kinds: {unread_in_words(found.unread)}")
        if found.heldout.documents:
            number = found.heldout.documents
            self.reporter.say(f"held out to measure with, and not learned: {number} (data.holdout=0 learns all)")
        made = sum(found.chats.made.values())
        if made:
            self.reporter.say(f"the folder holds no chats; {made} were made from headings, tables and question lines")

    def _finish(self, corpus: Artifact, tokenizer: Artifact, model: Artifact) -> dict[str, Any]:
        """Assistant, report, name; the result."""
        assistant = self._assistant(model)
        if self.name is not None:
            self.store.check_name_free(self.name, self.replace, assistant.id)
        report, new = self._report(corpus, tokenizer, model, assistant)
        if self.name is not None:
            self.store.bind(self.name, assistant.id, replace=self.replace)
        result = build_report.stored_result(report)
        result.update(name=self.name, id=assistant.id, cached=not new)
        if not new:
            result["seconds"] = time.monotonic() - self.began
        return result

    def _assistant(self, model: Artifact) -> Artifact:
        """The assistant over a model: the one the name stands for already, or one with the recipe of this build."""
        named = self._named()
        if named is not None and named.kind == "assistant" and named.manifest.inputs == [model.id]:
            return named
        named_by_content = {
            "name": None,
            "inputs": [str(self.request.folder.resolve())],
            "continues": self.parent.id if self.parent else None,
            "questions": str(Path(self.recipe.questions).resolve()) if self.recipe.questions else None,
        }
        recipe = as_tree(msgspec.structs.replace(self.recipe, **named_by_content))
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

    def _named(self) -> Artifact | None:
        """What the name stands for, if it stands for anything sound."""
        number = self.store.names().get(self.name or "")
        with contextlib.suppress(AthanorError):
            return self.store.get(number) if number is not None else None
        return None

    def _report(
        self, corpus: Artifact, tokenizer: Artifact, model: Artifact, assistant: Artifact
    ) -> tuple[Artifact, bool]:
        recipe = {"what": "build", "questions": self.questions_hash}
        kept = self.store.find("report", step_key("report", recipe, [model.id], REPORT_VERSION))
        if kept is not None:
            return kept, False
        asked, seed, spent = self.asked, self.recipe.seed, model.manifest.metrics["spent"]
        loaded = Model.of(model)
        found = evaluate.evaluate(loaded, asked, evaluate.prompts_for(self.store, model), seed, self.reporter)
        facts = build_report.Facts(
            corpus=corpus,
            tokenizer=tokenizer,
            model=model,
            assistant=assistant,
            untrained=build_report.ask_untrained(loaded, asked, self.recipe.training_seed),
            seconds=spent["seconds"] + self.measuring + time.monotonic() - self.unaccounted,
            peak_memory_bytes=max(spent["peak_memory_bytes"], peak_memory_bytes()),
            name=self.name,
        )
        with self.store.draft("report", recipe, [model.id], version=REPORT_VERSION, seed=seed) as draft:
            build_report.write(facts, found, draft.folder)
            return draft.commit(), True
