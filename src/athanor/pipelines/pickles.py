"""`pytorch_model.bin` as safetensors: each file read in a process without network that only rebuilds tensors."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from athanor.core.errors import InputError
from athanor.core.files import write_atomic
from athanor.core.progress import plain
from athanor.specs import safetensors
from athanor.specs.folder import INDEX, SINGLE, kept_files, read_json

PICKLE = "pytorch_model.bin"
PICKLE_INDEX = "pytorch_model.bin.index.json"
MOST_SHARDS = 1000
COPIES = 2  # tied weights may be written for each of their names
SPARE_BYTES = 1 << 20
MOST_REASON = 300  # letters of what a process says last


def pickle_files(folder: Path) -> list[Path]:
    """The pickles of a folder that has no safetensors, their index first; empty where there are none."""
    if not folder.is_dir() or (folder / SINGLE).is_file() or (folder / INDEX).is_file():
        return []
    if (folder / PICKLE).is_file():
        return [folder / PICKLE]
    if not (folder / PICKLE_INDEX).is_file():
        return []
    placed = read_json(folder / PICKLE_INDEX).get("weight_map")
    names = sorted({str(name) for name in placed.values()}) if isinstance(placed, dict) else []
    missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
    if missing or not 0 < len(names) <= MOST_SHARDS:
        raise InputError(
            f"{PICKLE_INDEX} names {len(names)} shards, of which {len(missing)} are not in {folder}: "
            f"{', '.join(missing[:4])}.",
            value=missing[:100],
            limit=MOST_SHARDS,
            remedy="Copy the missing shards into the folder.",
        )
    return [folder / PICKLE_INDEX, *(folder / name for name in names)]


def convert(folder: Path, pickles: Sequence[Path], target: Path, progress: Callable[[int], None]) -> None:
    """The model in `folder` as a standard folder `target`. Raises InputError for pickles of more than tensors.

    progress: told how many bytes of the pickles have been read.
    """
    for path in kept_files(folder):
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    shards = [path for path in pickles if path.name != PICKLE_INDEX]
    placed: dict[str, str] = {}
    done = total = 0
    for number, path in enumerate(shards, start=1):
        name = SINGLE if len(shards) == 1 else f"model-{number:05}-of-{len(shards):05}.safetensors"
        _convert_one(path, target / name)
        for entry in safetensors.read_header(target / name).values():
            placed[entry.name] = name
            total += entry.bytes
        progress(done := done + path.stat().st_size)
    if len(shards) > 1:
        write_atomic(target / INDEX, json.dumps({"metadata": {"total_size": total}, "weight_map": placed}, indent=2))


def _convert_one(source: Path, target: Path) -> None:
    most = COPIES * source.stat().st_size + SPARE_BYTES
    words = [*_without_network(), sys.executable, "-m", "athanor.models.pickles"]
    words += [str(source.absolute()), str(target), str(most)]
    # -m looks for modules where it is run: in a folder of ours, not among a stranger's files.
    known = os.pathsep.join(path for path in sys.path if path)
    env = {"PATH": os.defpath, "PYTHONPATH": known, "PYTHONSAFEPATH": "1", "ATHANOR_OFFLINE": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        words, cwd=target.parent, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        check=False,
    )  # fmt: skip
    if done.returncode:
        lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        why = plain(lines[-1])[:MOST_REASON] if lines else f"its process ended with {done.returncode}"
        raise InputError(
            f"The pickle {source.name} was not taken: {why}.",
            value=source.name,
            limit="a pickle of tensors alone",
            remedy="Nothing of it was run. Take the checkpoint's safetensors files, or another model.",
        )


@functools.cache
def _without_network() -> tuple[str, ...]:
    """The words that start a program in a network of its own with nothing in it, where this system allows that."""
    program = shutil.which("unshare")
    words = (program, "--map-root-user", "--net", "--") if program else ()
    return words if words and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0 else ()
