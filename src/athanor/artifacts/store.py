"""The store: one folder that holds every artifact, what each is called, and which step made it.

    artifacts/<kind>/<id>/   manifest.json and payload, immutable
    names/<name>             which id a name stands for
    steps/<key>              which id a step's finished work has
    runs/<key>/              unfinished work
    tmp/                     what is being written or deleted; a folder there without a lock is dead
    locks/                   who is at what
    cache/ audit/ secrets/   other parts' own

Nothing is written until something is stored. Reading takes no lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.draft import Draft
from athanor.artifacts.ids import KINDS, is_id
from athanor.artifacts.layout import entries, find_home, own_folder, this_process
from athanor.artifacts.manifest import Source
from athanor.artifacts.names import ID_DIGITS, Names, check_name, unknown
from athanor.artifacts.runs import Run
from athanor.core.errors import InputError, NotFoundError, UsageError
from athanor.core.files import locked, remove_tree

STANDS_FOR = ("model", "index")  # what an assistant is made of, in its payload assistant.json


class Store:
    """The store in the folder `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.table = Names(home)
        """The table of names, for those who hold the store for themselves (`gc`, `remove`)."""

    @classmethod
    def open(cls, home: Path | None = None) -> Store:
        """The store in `home`, or in $ATHANOR_HOME, or in ~/.athanor; it need not be there yet."""
        place = Path(home).absolute() if home is not None else find_home()
        if os.path.lexists(place) and not place.is_dir():
            raise InputError(
                f"The store's home {place} is no folder.",
                value=str(place),
                remedy="Set ATHANOR_HOME to a folder, or to a path where none is yet.",
            )
        return cls(place)

    # Making

    def find(self, kind: str, key: str) -> Artifact | None:
        """The finished work of a step, when it is there and has all its files."""
        if kind not in KINDS or not is_id(key):
            return None
        try:
            made = (self.home / "steps" / key).read_text("ascii").strip()
            if not is_id(made):
                return None
            artifact = Artifact.read(self.home / "artifacts" / kind / made)
        except (OSError, ValueError, InputError):
            return None
        return artifact if artifact.is_there() else None

    @contextlib.contextmanager
    def draft(
        self,
        kind: str,
        recipe: Mapping[str, Any],
        inputs: Sequence[str],
        *,
        version: int = 1,
        sources: Sequence[Source | Mapping[str, str]] = (),
        seed: int | None = None,
        licence: str | None = None,
    ) -> Iterator[Draft]:
        """A new artifact; the block fills `draft.folder` and calls `draft.commit`, or nothing is left of it."""
        with self.scratch(kind) as folder:
            yield Draft(self, folder, kind, recipe, inputs, version, sources, seed, licence)

    @contextlib.contextmanager
    def scratch(self, label: str = "work") -> Iterator[Path]:
        """A fresh private folder in tmp/, gone after the block. Its own lock tells `gc` that it is alive."""
        with self.in_use():  # or gc could take the folder for a dead one before it is locked
            folder = own_folder(self.home, "tmp") / f"{label}-{os.getpid()}-{secrets.token_hex(8)}"
            folder.mkdir(mode=0o700)
            folder.chmod(0o700)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            remove_tree(folder)
            os.close(handle)

    @contextlib.contextmanager
    def in_use(self, waiting: Callable[[str], None] | None = lambda _: None) -> Iterator[None]:
        """While held, nothing is collected: for work whose results have no name yet."""
        path = own_folder(self.home, "locks") / "store"
        with locked(path, this_process(), waiting, shared=True, what="The store"):
            yield

    # Finding

    def get(self, id: str) -> Artifact:
        """The artifact of an id in full; a generation (id@3) is looked past."""
        return Artifact.read(self.locate(id))

    def locate(self, id: str) -> Path:
        """The folder of an id; its manifest may be damaged."""
        plain = id.partition("@")[0]
        if is_id(plain):
            for kind in KINDS:
                folder = self.home / "artifacts" / kind / plain
                if folder.is_dir():
                    return folder
        raise NotFoundError(f"There is no artifact {id}.", value=id, remedy="`athanor list` shows what there is.")

    def resolve(self, name: str, kinds: Collection[str] | None = None) -> Artifact:
        """What a name, an id or its prefix stands for; with `kinds`, an assistant stands for its model or index."""
        artifact = self.get(self.resolve_id(name))
        if kinds is None or artifact.kind in kinds:
            return artifact
        wanted = " or ".join(kinds)
        if artifact.kind == "assistant":
            for part in STANDS_FOR:
                inner_id = self.assistant(artifact).get(part)
                if inner_id and (inner := self.get(inner_id)).kind in kinds:
                    return inner
            problem = f"{name} is an assistant without {wanted}"
        else:
            article = "an" if artifact.kind[0] in "aeiou" else "a"
            problem = f"{name} is {article} {artifact.kind} ({artifact.id[:12]}); this needs: {wanted}"
        raise InputError(f"{problem}.", value=name, limit=list(kinds), remedy="`athanor list` shows what is what.")

    def resolve_id(self, word: str) -> str:
        """The id that a name, an id or a unique prefix of one stands for."""
        names = self.names()
        with contextlib.suppress(UsageError):
            if (name := check_name(word)) in names:
                return names[name]
        prefix = word.lower().partition("@")[0]
        if len(prefix) >= ID_DIGITS and all(letter in "0123456789abcdef" for letter in prefix):
            found = sorted({path.name for path in self.folders() if path.name.startswith(prefix)})
            if len(found) > 1:
                raise NotFoundError(
                    f"{word} begins the ids of {len(found)} artifacts.",
                    value=word,
                    limit=found,
                    remedy=f"Write more of it: {', '.join(full[: len(prefix) + 6] for full in found[:4])}.",
                )
            if found:
                return found[0]
        raise unknown(word, names)

    def assistant(self, artifact: Artifact) -> dict[str, Any]:
        """An assistant's payload: {"model": id, "index": id or None, "settings": {…}}."""
        path = artifact.file("assistant.json")
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            found = error
        if not isinstance(found, dict):
            raise InputError(
                f"{path} is damaged.", value=str(path), remedy="Restore a backup, or build the assistant again."
            )
        return found

    def needs(self, artifact: Artifact) -> list[str]:
        """Ids that an artifact was made from or stands for, without generations."""
        ids = list(artifact.manifest.inputs)
        if artifact.kind == "assistant":
            payload = self.assistant(artifact)
            ids += [payload[part] for part in STANDS_FOR if isinstance(payload.get(part), str)]
        return list(dict.fromkeys(one.partition("@")[0] for one in ids))

    def folders(self, kind: str | None = None) -> list[Path]:
        """The folders that are named and placed as an artifact's; their manifests may be damaged."""
        kinds = KINDS if kind is None else (kind,)
        return [path for one in kinds for path in entries(self.home / "artifacts" / one) if is_id(path.name)]

    def artifacts(self, kind: str | None = None) -> list[Artifact]:
        """All readable artifacts, oldest first; what is damaged is passed over (`verify` reports it)."""
        found = []
        for folder in self.folders(kind):
            with contextlib.suppress(InputError):
                found.append(Artifact.read(folder))
        return sorted(found, key=lambda artifact: (artifact.manifest.created, artifact.id))

    # Names

    def check_name(self, name: str) -> str:
        """The name in NFC; UsageError when CONTRACT does not allow it."""
        return check_name(name)

    def check_name_free(self, name: str, replace: bool, id: str | None = None) -> None:
        """NameTakenError when the name stands for something else than `id`, or another differs only in case."""
        self.table.check_free(check_name(name), replace, id)

    def bind(self, name: str, id: str, *, replace: bool = False) -> None:
        """Let a name stand for an artifact, atomically."""
        with self.in_use():
            self.table.bind(check_name(name), self.get(id).id, replace)

    def unbind(self, name: str) -> None:
        """Take a name away; what it stood for stays."""
        with self.in_use():
            self.table.unbind(check_name(name))

    def names(self) -> dict[str, str]:
        """Every name and its id."""
        return self.table.all()

    def names_of(self, id: str) -> list[str]:
        """The names that stand for an id."""
        return [name for name, its in self.names().items() if its == id]

    def unreadable_names(self) -> list[Path]:
        """Files in names/ that are no names."""
        return self.table.unreadable()

    def name_lock(self, name: str, waiting: Callable[[str], None] | None) -> contextlib.AbstractContextManager[None]:
        """Held by whoever makes what the name shall stand for; waiting: told for whom we wait, None: do not wait."""
        return self.table.lock(check_name(name), waiting)

    def maker(self, word: str) -> str | None:
        """Who is making what this name shall stand for, in words; None when nobody is, or the word is no name."""
        try:
            return self.table.maker(check_name(word))
        except UsageError:
            return None

    # Unfinished work

    def run(self, key: str) -> Run:
        """The unfinished work of a step; it need not exist."""
        return Run(self.home, key)

    def runs(self) -> list[Run]:
        """All unfinished work."""
        found = [Run(self.home, path.name) for path in entries(self.home / "runs") if is_id(path.name)]
        return [run for run in found if run.exists]

    def runs_for(self, name: str) -> list[Run]:
        """The runs whose result is to have this name."""
        return [run for run in self.runs() if run.description.get("name") == name]
