"""What the store's names hold on to.

From each name over inputs and assistants' payloads everything reached is kept. A report without a name stays as long as
all it reports on stays; a result whose proof failed stays for a week, since `--accept` may still name it; a run that
can be resumed keeps the inputs its description lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.ids import is_id
from athanor.artifacts.store import Store
from athanor.core.errors import AthanorError

ACCEPT_WITHIN = timedelta(days=7)


class Graph:
    """Everything in the store at one moment; `unreadable` are ids whose needs cannot be known."""

    def __init__(self, store: Store) -> None:
        self.folders = {folder.name: folder for folder in store.folders()}
        self.artifacts: dict[str, Artifact] = {}
        self.needs: dict[str, list[str]] = {}
        for its, folder in self.folders.items():
            try:
                artifact = Artifact.read(folder)
                self.needs[its] = store.needs(artifact)
                self.artifacts[its] = artifact
            except AthanorError:
                continue
        self.unreadable = set(self.folders) - set(self.artifacts)

    def reach(self, roots: Iterable[str]) -> set[str]:
        """Ids of the roots and of all they need, as far as they are in the store; and the reports on these."""
        kept: set[str] = set()
        waiting = list(roots)
        while waiting:
            at = waiting.pop()
            if at in self.folders and at not in kept:
                kept.add(at)
                waiting += self.needs.get(at, [])
        return self._with_reports(kept)

    def awaiting_acceptance(self) -> list[str]:
        """Ids of fresh results whose proof failed."""
        now = datetime.now(UTC)
        return [
            its for its, artifact in self.artifacts.items() if _failed(artifact) and _age(artifact, now) < ACCEPT_WITHIN
        ]

    def dependants(self, needed: str) -> list[str]:
        """Ids of artifacts that were made from this one, but for reports on it."""
        return sorted(its for its, needs in self.needs.items() if needed in needs and not self._is_report(its))

    def results_first(self, ids: Iterable[str]) -> list[str]:
        """Results before what they were made from, so that being killed while deleting leaves no holes."""
        left = sorted(ids)
        ordered: list[str] = []
        while left:
            needed = {need for its in left for need in self.needs.get(its, [])}
            free = [its for its in left if its not in needed] or left  # ids are hashes: a circle would be forged
            ordered += free
            left = [its for its in left if its not in set(free)]
        return ordered

    def _is_report(self, its: str) -> bool:
        return self.artifacts[its].kind == "report"

    def _with_reports(self, kept: set[str]) -> set[str]:
        grown = True
        while grown:
            more = {
                its
                for its, needs in self.needs.items()
                if its not in kept and self._is_report(its) and needs and kept.issuperset(needs)
            }
            kept |= more
            grown = bool(more)
        return kept


def resumable_inputs(descriptions: Iterable[dict[str, Any]]) -> list[str]:
    """Ids that unfinished runs say they need, under `inputs` of run.json."""
    found = []
    for description in descriptions:
        inputs = description.get("inputs")
        found += [one.partition("@")[0] for one in inputs if isinstance(one, str)] if isinstance(inputs, list) else []
    return [one for one in found if is_id(one)]


def _failed(artifact: Artifact) -> bool:
    proofs = artifact.manifest.proofs
    every = [proofs, *(item for item in proofs.values() if isinstance(item, dict))]
    return any(proof.get("verdict") == "outside" and not proof.get("accepted") for proof in every)


def _age(artifact: Artifact, now: datetime) -> timedelta:
    try:
        return now - datetime.fromisoformat(artifact.manifest.created)
    except (ValueError, TypeError):
        return timedelta.max
