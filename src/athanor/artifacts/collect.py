"""Taking things out of the store: `remove` what a person names, `gc` what no name holds on to.

Both hold the store for themselves, so that no build loses a result that has no name yet. An artifact is first renamed
into tmp/ and then deleted: being killed at any point leaves a store that verifies, and the next `gc` ends the work.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from athanor.artifacts.draft import set_aside
from athanor.artifacts.ids import is_id
from athanor.artifacts.layout import entries, own_folder, this_process
from athanor.artifacts.names import check_name
from athanor.artifacts.reach import Graph, resumable_inputs
from athanor.artifacts.runs import Run
from athanor.artifacts.store import Store
from athanor.core.errors import InputError, NameTakenError, ProofError, UsageError
from athanor.core.files import is_locked, locked, tree_bytes

PATIENCE = 10.0  # seconds to wait for those who use the store
RESUMABLE = 14 * 86400.0  # seconds for which an unfinished run is kept

Waiting = Callable[[str], None]


def remove(store: Store, word: str, *, dry_run: bool = False, waiting: Waiting = lambda _: None) -> dict[str, Any]:
    """Remove what a name or id stands for: {"removed": [ids], "freed_bytes"}.

    A name: it is taken away, and with it everything that only it held on to. An id: refused while something needs it.
    """
    store.resolve_id(word)  # an unknown name is told without waiting
    with _alone(store, dry_run, waiting):
        found = store.resolve_id(word)
        names = store.names()
        graph = Graph(store)
        name = _as_name(word)
        if name in names:
            going = _only_held_by(graph, names, name, _resumable(store))
            if not dry_run:
                store.table.unbind(name)
        else:
            going = _unneeded(graph, names, found, _resumable(store))
        return _take(store, graph, going, dry_run)


def gc(store: Store, *, dry_run: bool = False, waiting: Waiting = lambda _: None) -> dict[str, Any]:
    """Remove what no name reaches, and what dead processes left: {"removed": [ids], "freed_bytes"}."""
    if not store.home.is_dir():
        return {"removed": [], "freed_bytes": 0}
    with _alone(store, dry_run, waiting):
        graph = Graph(store)
        over = [run for run in store.runs() if _is_over(store, run)]
        kept = graph.reach([*store.names().values(), *graph.awaiting_acceptance(), *_held_by(_resumable(store))])
        unknown = sorted(kept & graph.unreadable)
        if unknown:
            raise ProofError(
                f"Nothing was collected: {unknown[0][:12]} is in use and damaged, so what it needs is not known.",
                value=unknown,
                remedy="`athanor store verify` lists the damage; restore a backup, or remove the damaged artifact.",
            )
        result = _take(store, graph, set(graph.folders) - kept, dry_run)
        for path in [*(run.folder for run in over), *_dead_temporaries(store)]:
            result["freed_bytes"] += tree_bytes(path) if path.is_dir() else path.lstat().st_size
            if not dry_run:
                set_aside(store.home, path)
        if not dry_run:
            _sweep(store)
        return result


@contextlib.contextmanager
def _alone(store: Store, dry_run: bool, waiting: Waiting) -> Iterator[None]:
    """Nobody else uses the store in the block; a dry run only looks, and needs no lock."""
    if dry_run:
        yield
        return
    path = own_folder(store.home, "locks") / "store"
    with locked(path, this_process(), waiting, seconds=PATIENCE, what="The store"):
        yield


def _as_name(word: str) -> str:
    try:
        return check_name(word)
    except UsageError:
        return ""


def _only_held_by(graph: Graph, names: dict[str, str], name: str, runs: list[Run]) -> set[str]:
    """Ids that nothing holds on to once this name is gone."""
    others = [its for other, its in names.items() if other != name]
    rest = graph.reach([*others, *graph.awaiting_acceptance(), *_held_by(runs)])
    if rest & graph.unreadable:
        # What the damaged need is not known: only what the name itself stands for can go.
        return {names[name]} & set(graph.folders) - rest
    return graph.reach([names[name]]) - rest


def _unneeded(graph: Graph, names: dict[str, str], wanted: str, runs: list[Run]) -> set[str]:
    """The id and the reports on it; InputError when a name, an artifact or an unfinished run needs it."""
    holders = [name for name, its in names.items() if its == wanted]
    dependants = graph.dependants(wanted)
    waiting = [run.key for run in runs if wanted in _held_by([run])]
    if holders or dependants or waiting:
        words = [f"the name {name}" for name in holders]
        words += [f"{graph.artifacts[its].kind} {its[:12]}" for its in dependants]
        words += [f"the unfinished run {key[:12]}" for key in waiting]
        raise InputError(
            f"{wanted[:12]} is needed by {', '.join(words)}.",
            value=wanted,
            limit=[*holders, *dependants, *waiting],
            remedy="Remove these first (a run ends with --resume, or is given up after 14 days); `athanor gc` then "
            "takes what nothing needs.",
        )
    reports = {its for its, needs in graph.needs.items() if wanted in needs and its not in names.values()}
    return {wanted} | reports


def _take(store: Store, graph: Graph, going: set[str], dry_run: bool) -> dict[str, Any]:
    removed, freed = graph.results_first(going), 0
    for its in removed:
        freed += tree_bytes(graph.folders[its])
        if not dry_run:
            set_aside(store.home, graph.folders[its])
    if removed and not dry_run:
        forget_steps(store)
    return {"removed": removed, "freed_bytes": freed}


def forget_steps(store: Store) -> None:
    """Take away entries of steps/ whose result is gone.

    Steps are listed before results: a build that ends meanwhile puts its result there before its step.
    """
    steps = [(path, _result_of(path)) for path in entries(store.home / "steps") if is_id(path.name)]
    there = {folder.name for folder in store.folders()}
    for path, result in steps:
        if result not in there:
            path.unlink(missing_ok=True)


def _result_of(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _resumable(store: Store) -> list[Run]:
    """The runs that somebody is at, or can go on with."""
    return [run for run in store.runs() if not _is_over(store, run)]


def _held_by(runs: list[Run]) -> list[str]:
    return resumable_inputs(run.description for run in runs)


def _is_over(store: Store, run: Run) -> bool:
    """Whether a run can go: nobody is at it, and it is finished or has lain there too long."""
    if run.is_live:
        return False
    result = _result_of(store.home / "steps" / run.key)
    if is_id(result) and any(folder.name == result for folder in store.folders()):
        return True
    times = [run.folder.lstat().st_mtime, *(path.lstat().st_mtime for path in run.folder.rglob("*"))]
    return time.time() - max(times) > RESUMABLE


def _dead_temporaries(store: Store) -> list[Path]:
    """What lies in tmp/ and nobody holds."""
    return [path for path in entries(store.home / "tmp") if not is_locked(path)]


def _sweep(store: Store) -> None:
    """Take away dangling steps, half-written names and steps, and locks nobody holds of what is gone."""
    forget_steps(store)
    for part in ("names", "steps"):
        for path in entries(store.home / part):
            if path.name.startswith(".") and path.name.endswith(".part"):
                path.unlink(missing_ok=True)
    for part in ("names", "runs"):
        for path in entries(store.home / "locks" / part):
            with contextlib.suppress(NameTakenError):
                if not (store.home / part / path.name).exists():
                    with locked(path, this_process(), None):
                        path.unlink()
