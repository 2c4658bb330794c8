"""The steps of a build, each an artifact: corpus, tokenizer, model. Found by their keys when they are already done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import step_key
from athanor.artifacts.runs import Run
from athanor.artifacts.store import Store
from athanor.core.errors import InputError
from athanor.core.progress import Reporter
from athanor.core.recipes import as_tree
from athanor.data.corpus import VERSION as CORPUS_VERSION
from athanor.data.corpus import build_corpus
from athanor.data.read import FolderScan
from athanor.data.reader import Corpus
from athanor.data.statistics import CorpusStatistics
from athanor.pipelines.recipe import BuildRecipe
from athanor.tokenizers import train as tokenizer_training
from athanor.tokenizers.recipe import vocabulary_for
from athanor.tokenizers.tokenizer import Tokenizer

MODEL_VERSION = 2
LEAST_CHARACTERS = 30_000
LEAST_DOCUMENTS = 10
MOST_TOKENIZER_CHARACTERS = 30_000_000
"""Text a tokenizer is trained on at the most; a larger corpus is sampled evenly."""


@dataclass(frozen=True)
class Keys:
    """What a build's steps are found by. tokenizer and model depend on the id of the corpus and so on."""

    store: Store
    recipe: BuildRecipe
    scan: FolderScan
    parent: Artifact | None
    """The model that `--continue` goes on from."""

    def corpus(self) -> tuple[dict[str, Any], list[str]]:
        """Recipe and inputs of the corpus."""
        return as_tree(self.recipe.data), [self.scan.fingerprint]

    def tokenizer(self, corpus: str) -> tuple[dict[str, Any], list[str]]:
        """Recipe and inputs of the tokenizer; with a parent its tokenizer goes on and this is not asked."""
        return as_tree(self.recipe.tokenizer), [corpus]

    def model(self, corpus: str, tokenizer: str) -> tuple[dict[str, Any], list[str]]:
        """Recipe and inputs of the model. The seed stands where the training finds it, the clock as asked."""
        recipe = self.recipe
        asked: dict[str, Any] = {"model": as_tree(recipe.model), "train": as_tree(recipe.train)}
        asked["train"]["seed"] = recipe.training_seed
        if recipe.budget_seconds is not None:
            asked["minutes"] = recipe.budget_seconds / 60
        inputs = [corpus, tokenizer, *([self.parent.id] if self.parent else [])]
        return asked, inputs

    def found(self, kind: str, version: int, recipe: dict[str, Any], inputs: list[str]) -> Artifact | None:
        """The finished work of a step."""
        return self.store.find(kind, step_key(kind, recipe, inputs, version))

    def found_corpus(self) -> Artifact | None:
        """The corpus, when it is there."""
        return self.found("corpus", CORPUS_VERSION, *self.corpus())

    def found_tokenizer(self, corpus: Artifact) -> Artifact | None:
        """The tokenizer of a corpus, when it is there; the parent's where one goes on."""
        if self.parent is not None:
            return input_of(self.store, self.parent, "tokenizer")
        return self.found("tokenizer", tokenizer_training.VERSION, *self.tokenizer(corpus.id))

    def found_run(self) -> Run | None:
        """The run of this request, when corpus and tokenizer are there."""
        corpus = self.found_corpus()
        tokenizer = self.found_tokenizer(corpus) if corpus else None
        return self.run(corpus, tokenizer) if corpus and tokenizer else None

    def run(self, corpus: Artifact, tokenizer: Artifact) -> Run:
        """Where unfinished learning lies."""
        asked, inputs = self.model(corpus.id, tokenizer.id)
        return self.store.run(step_key("model", asked, inputs, MODEL_VERSION))

    def finished(self) -> tuple[Artifact, Artifact, Artifact] | None:
        """Corpus, tokenizer and model, when all three are there."""
        corpus = self.found_corpus()
        tokenizer = self.found_tokenizer(corpus) if corpus else None
        if corpus is None or tokenizer is None:
            return None
        model = self.found("model", MODEL_VERSION, *self.model(corpus.id, tokenizer.id))
        return (corpus, tokenizer, model) if model else None


def make_corpus(keys: Keys, workers: int | None, force: bool, reporter: Reporter) -> tuple[Artifact, bool]:
    """The corpus of the folder, and whether it was there already. Refuses too little text unless forced."""
    asked, inputs = keys.corpus()
    kept = keys.found_corpus()
    if kept is not None:
        if not force:
            refuse_too_little(Corpus(kept.folder).statistics)
        return kept, True
    sources = [{"path": source.path, "sha256": source.sha256} for source in keys.scan.sources]
    with (
        keys.store.draft("corpus", asked, inputs, version=CORPUS_VERSION, sources=sources) as draft,
        reporter.bar("reading", 1.0) as bar,
    ):
        statistics = build_corpus(keys.scan, keys.recipe.data, draft.folder, workers=workers, progress=bar.update)
        if not force:
            refuse_too_little(statistics)
        elif not statistics.kept:
            raise _nothing(statistics)
        facts = {"documents": statistics.kept, "characters": statistics.characters, "bytes": statistics.bytes}
        return draft.commit(metrics=facts), False


def refuse_too_little(statistics: CorpusStatistics) -> None:
    """Raise InputError where a corpus is too small for a model to learn from."""
    if not statistics.kept:
        raise _nothing(statistics)
    if statistics.characters < LEAST_CHARACTERS or statistics.kept < LEAST_DOCUMENTS:
        raise InputError(
            f"There is too little to learn from: {statistics.kept} documents with {statistics.characters} characters; "
            f"at least {LEAST_DOCUMENTS} documents and {LEAST_CHARACTERS} characters are wanted.",
            value={"documents": statistics.kept, "characters": statistics.characters},
            limit={"documents": LEAST_DOCUMENTS, "characters": LEAST_CHARACTERS},
            remedy="Add documents, or train anyway with --force; the model will only repeat fragments.",
        )


def _nothing(statistics: CorpusStatistics) -> InputError:
    return InputError(
        f"None of the {statistics.read} documents can be learned from: {statistics.dropped}.",
        value=statistics.dropped,
        limit="at least 1 document",
        remedy="Look at the reasons; `empty`, `too_short` and `binary` mean that there is no text.",
    )


def make_tokenizer(keys: Keys, corpus: Artifact, reporter: Reporter) -> tuple[Artifact, bool]:
    """The tokenizer of a corpus; a model that goes on keeps its own, or its weights would mean nothing."""
    if keys.parent is not None:
        return input_of(keys.store, keys.parent, "tokenizer"), True
    asked, inputs = keys.tokenizer(corpus.id)
    kept = keys.found("tokenizer", tokenizer_training.VERSION, asked, inputs)
    if kept is not None:
        return kept, True
    reporter.say("tokenizer …")
    read = Corpus(corpus.folder)
    wanted = keys.recipe.tokenizer.vocabulary or vocabulary_for(read.statistics.characters)
    with keys.store.draft("tokenizer", asked, inputs, version=tokenizer_training.VERSION) as draft:
        tokenizer_training.train(training_texts(read), wanted, draft.folder)
        vocabulary = Tokenizer.load(draft.folder).vocabulary
        return draft.commit(resolved={"vocabulary": wanted}, metrics={"vocabulary": vocabulary}), False


def input_of(store: Store, model: Artifact, kind: str) -> Artifact:
    """The corpus or the tokenizer a model was made with. Raises InputError where it names none."""
    for number in model.manifest.inputs:
        artifact = store.get(number)
        if artifact.kind == kind:
            return artifact
    raise InputError(
        f"The model {model.id[:12]} names no {kind} it was made with.",
        value=model.id,
        remedy="Build it again from its folder, without --continue.",
    )


def training_texts(corpus: Corpus) -> Iterator[str]:
    """What a tokenizer learns from: texts and the words of chats, evenly sampled where there is very much."""
    every = max(1, corpus.statistics.characters // MOST_TOKENIZER_CHARACTERS)
    for number, row in enumerate(corpus.rows("train")):
        if number % every == 0:
            if row.kind == "text":
                yield row.text
            else:
                yield from (content for _, content in row.turns())


def copy_tokenizer(source: Path, target: Path, talks: bool) -> None:
    """A tokenizer's files into a model's folder; without its chat template where no chat was learned."""
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")
    config = json.loads((source / "tokenizer_config.json").read_text("utf-8"))
    if not talks:
        config.pop("chat_template", None)
    (target / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
