"""A model from a hub by its owner/name: only the files that a model needs, resumed, every hash checked.

huggingface_hub speaks to the hub (HF_ENDPOINT names another one) over plain HTTP, so that the guard on connections sees
each of them. What has come is kept in the store's cache until the model is in: an interrupted download goes on there.
Left out: pickles and code, which are never fetched.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from athanor.artifacts.layout import own_folder, this_process
from athanor.artifacts.store import Store
from athanor.core import offline
from athanor.core.errors import InputError, MissingExtraError, NotFoundError, ProofError, ResourceError
from athanor.core.files import CHUNK, locked, remove_tree, sha256_file
from athanor.core.progress import Bar, Reporter
from athanor.specs.checkpoint import read_spec
from athanor.specs.folder import INDEX, KEPT, MAX_KEPT_BYTES, SINGLE, read_json

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
CODE = (".py", ".bin")
PATIENCE = 10.0  # seconds until a hub that says nothing counts as out of reach


@dataclass(frozen=True)
class Remote:
    """A file on the hub."""

    name: str
    bytes: int
    digest: str | None
    """Hex sha256 of a large file, git's own sha1 of a small one."""


@dataclass(frozen=True)
class Listing:
    """A model on the hub at one commit."""

    name: str
    commit: str
    origin: str
    """Address below which its files lie."""
    files: dict[str, Remote]


def is_hub_name(word: str) -> bool:
    """Whether this is of the form owner/name."""
    return HUB_NAME.fullmatch(word) is not None


def look_up(name: str) -> Listing:
    """What the hub has under a name. Raises NotFoundError where the hub lacks it or is out of reach."""
    api = _api(name)
    with _reaching(name):
        offline.allow(urlsplit(api.endpoint).hostname or "")
        info = api.model_info(name, files_metadata=True, timeout=PATIENCE)
    files = [_remote(item) for item in info.siblings or []]
    origin = f"{api.endpoint}/{name}/resolve/{info.sha}"
    return Listing(name, str(info.sha), origin, {file.name: file for file in files})


@contextlib.contextmanager
def fetched(store: Store, listing: Listing, reporter: Reporter) -> Iterator[Path]:
    """A folder with the model's files, gone after a block that ends well. Raises ProofError for a wrong hash."""
    label = f"{listing.name.replace('/', '--')}-{listing.commit[:40]}"
    with locked(own_folder(store.home, "locks") / f"hub-{label}", this_process(), reporter.waiting):
        folder = own_folder(store.home, "cache", "hub", label)
        beside = [file for file in listing.files.values() if _is_kept(file.name)]
        if INDEX in listing.files and SINGLE not in listing.files:
            beside.append(listing.files[INDEX])
        if listing.files.keys().isdisjoint((SINGLE, INDEX)):
            raise _without_safetensors(listing)
        _get_all(listing, beside, folder, reporter)
        read_spec(folder)  # what cannot be used is refused before gigabytes of it are fetched
        _get_all(listing, _weights(listing, folder), folder, reporter)
        yield folder
        remove_tree(folder)


def _api(name: str) -> Any:
    if offline.is_offline():
        raise _unreachable(name, "ATHANOR_OFFLINE=1 forbids connections")
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.utils import disable_progress_bars  # the bar is ours
    except ImportError:
        raise MissingExtraError("huggingface_hub", "hub") from None
    disable_progress_bars()
    return HfApi()


def _remote(item: Any) -> Remote:
    digest = item.lfs.sha256 if item.lfs else item.blob_id
    return Remote(str(item.rfilename), int(item.size or 0), digest)


def _is_kept(name: str) -> bool:
    """Whether a file belongs to a model beside its weights; a name's stars stand for no folder."""
    if not name.isprintable() or name.endswith(CODE):
        return False
    return name in KEPT or ("/" not in name and any(fnmatchcase(name, pattern) for pattern in KEPT))


def _weights(listing: Listing, folder: Path) -> list[Remote]:
    if SINGLE in listing.files:
        return [listing.files[SINGLE]]
    placed = read_json(folder / INDEX).get("weight_map")
    names = sorted({str(name) for name in placed.values()}) if isinstance(placed, dict) else []
    missing = [name for name in names if name not in listing.files or Path(name).name != name]
    if missing or not names:
        raise InputError(
            f"{INDEX} of {listing.name} names shards that the hub does not have: {', '.join(missing[:4]) or 'none'}.",
            value=missing[:100],
            limit=sorted(listing.files)[:100],
            remedy="The model on the hub is not whole; take another one.",
        )
    return [listing.files[name] for name in names]


def _get_all(listing: Listing, files: Sequence[Remote], folder: Path, reporter: Reporter) -> None:
    """Fetch what is not there yet."""
    missing = [file for file in files if not (folder / file.name).is_file()]
    _check_room(missing, folder)
    done = 0
    with reporter.bar("fetching", float(sum(file.bytes for file in missing))) as bar:
        for file in missing:
            _get(listing, file, folder, bar, done)
            done += file.bytes


def _check_room(files: Sequence[Remote], folder: Path) -> None:
    for file in files:
        if not file.name.endswith((".safetensors", INDEX)) and file.bytes > MAX_KEPT_BYTES:
            raise InputError(
                f"{file.name} on the hub has {file.bytes} bytes.",
                value=file.bytes,
                limit=MAX_KEPT_BYTES,
                remedy="This is no file of that kind; take another model.",
            )
    wanted, free = 2 * sum(file.bytes for file in files), shutil.disk_usage(folder).free
    if wanted > free:
        raise ResourceError(
            f"The model takes {wanted} bytes while it is brought in; {free} are free in {folder}.",
            value=wanted,
            limit=free,
            remedy="Free space, or set ATHANOR_HOME to a larger disk.",
        )


def _get(listing: Listing, file: Remote, folder: Path, bar: Bar, before: int) -> None:
    """Fetch one file aside, going on where an earlier command stopped, and take it when its hash is right."""
    from huggingface_hub.file_download import get_hf_file_metadata, http_get
    from huggingface_hub.utils import build_hf_headers

    place, url = folder / file.name, f"{listing.origin}/{file.name}"
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(place.name + ".part")
    with _reaching(listing.name), _Told(part, lambda held: bar.update(float(before + held))) as out:
        headers = build_hf_headers()
        # Large files lie elsewhere; the hub that was named says where.
        location = get_hf_file_metadata(url, headers=headers, timeout=PATIENCE).location
        offline.allow(urlsplit(location).hostname or "")
        held = out.tell()
        if held > file.bytes:
            held = out.truncate(0)
        http_get(url, out, resume_size=held, headers=headers, expected_size=file.bytes)
    if _digest(part, file) != file.digest:
        part.unlink()
        raise ProofError(
            f"{file.name} of {listing.name} does not have the hash that the hub says.",
            value=file.name,
            limit=file.digest,
            remedy="It was damaged on its way and not kept. Run the same command again.",
        )
    part.replace(place)


class _Told(io.BufferedWriter):
    """A file that is written on at its end, and tells how long it has become."""

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._tell = tell

    def write(self, buffer: Any, /) -> int:
        number = super().write(buffer)
        self._tell(self.tell())
        return number


def _digest(path: Path, file: Remote) -> str:
    if len(file.digest or "") == 64:
        return sha256_file(path)
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as data:
        while chunk := data.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def _reaching(name: str) -> Iterator[None]:
    """What goes wrong on the way to the hub, as one error that says what to do without it."""
    from huggingface_hub.errors import HfHubHTTPError

    base = cast(type[Exception], HfHubHTTPError.__mro__[1])  # the HTTP library's own, whichever that is
    try:
        yield
    except (base, OSError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        status = getattr(getattr(error, "response", None), "status_code", None)
        why = f"the hub answered {status}" if status else (lines[0] if lines else type(error).__name__)
        raise _unreachable(name, why) from error


def _unreachable(name: str, why: str) -> NotFoundError:
    return NotFoundError(
        f"There is no folder {name} here, and the model of this name could not be had over the network: {why}.",
        value=name,
        limit=os.environ.get("HF_ENDPOINT") or "https://huggingface.co",
        remedy=_by_hand(name),
    )


def _by_hand(name: str) -> str:
    folder = f"./{name.partition('/')[2]}"
    return (
        "Where there is a network, fetch config.json, every *.safetensors (and model.safetensors.index.json), "
        "tokenizer.json or tokenizer.model, and tokenizer_config.json of it; bring them here in a folder and run: "
        f"athanor import {folder}"
    )


def _without_safetensors(listing: Listing) -> InputError:
    others = sorted(name for name in listing.files if name.endswith((".bin", ".gguf", ".pt", ".pth")))
    return InputError(
        f"{listing.name} on the hub has no {SINGLE} nor {INDEX}; it has {', '.join(others[:4]) or 'no weights'}.",
        value=others[:100],
        limit=[SINGLE, INDEX],
        remedy="A GGUF file is fetched by hand and imported as one (athanor import ./FILE.gguf); so is a folder of "
        "pickles, with --unsafe-pickle.",
    )
