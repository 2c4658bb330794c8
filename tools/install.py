"""Make .venv and install Athanor into it. Standard library only; never touches the Python it is run with.

usage: python3 tools/install.py [extra …]        (default: train)

torch comes from the first of these that has it: the index in $ATHANOR_TORCH_INDEX; a CPU wheel (+cpu) that pip's own
configuration offers; PyTorch's CPU index; and, where only the CUDA build can be had and no GPU is there, the package
index after YES=1, since that build is several gigabytes. Exact versions of everything else are in constraints.txt.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON = HOME / "bin" / "python"
PIP = (str(PYTHON), "-m", "pip", "--disable-pip-version-check")
STAMP = HOME / ".athanor-installed"
CONSTRAINTS = ROOT / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
LEAST_PYTHON = (3, 11)
OTHER_BUILDS = re.compile(r"\(from versions: (?!none\))")  # pip says so where an index has torch, but not this build
CUDA_SIZE = "about 3 GB to download, 6 GB on disk"


def main(extras: list[str]) -> None:
    """Install, unless all of it was installed already. Extras add up: what one target needs stays for the others."""
    if sys.version_info < LEAST_PYTHON:
        found = sys.version.split()[0]
        sys.exit(f"error: this is Python {found}; Athanor needs 3.11 or newer. Run: make PYTHON=python3.11")
    if not _has_pip() and not _add_pip():
        print("making .venv", flush=True)
        venv.create(HOME, clear=True, with_pip=True)
    wanted, (installed, present) = _fingerprint(), _installed()
    if installed == wanted and present.issuperset(extras):
        return
    names = sorted(present.union(extras))
    if any(extra in ("train", "dev", "all") for extra in names):
        _install_torch()
    print(f"installing athanor[{','.join(names)}]", flush=True)
    _pip("install", "--constraint", str(CONSTRAINTS), "--editable", f"{ROOT}[{','.join(names)}]")
    STAMP.write_text(json.dumps({"fingerprint": wanted, "extras": names}))


def _has_pip() -> bool:
    """Whether there is a whole .venv: one whose making was interrupted has a Python without pip."""
    return PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0


def _add_pip() -> bool:
    """Add pip to a .venv that has a Python, such as another tool's; whether that went well."""
    command = [PYTHON, "-m", "ensurepip", "--upgrade"]
    return PYTHON.exists() and subprocess.run(command, capture_output=True).returncode == 0 and _has_pip()


def _fingerprint() -> str:
    """What an installation depends on beside its extras: the Python in .venv and the two lists of packages."""
    parts = [HOME / "pyvenv.cfg", CONSTRAINTS, ROOT / "pyproject.toml"]
    return hashlib.sha256("\0".join(path.read_text() for path in parts).encode()).hexdigest()


def _installed() -> tuple[str, set[str]]:
    """The fingerprint and the extras of what is in .venv."""
    try:
        kept = json.loads(STAMP.read_text())
        return kept["fingerprint"], set(kept["extras"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", set()


def _install_torch() -> None:
    version = torch_version()
    have = subprocess.run(
        [PYTHON, "-c", "import importlib.metadata as m; print(m.version('torch'))"], capture_output=True, text=True
    )
    if have.stdout.strip().split("+")[0] == version:
        return
    named = os.environ.get("ATHANOR_TORCH_INDEX")
    if named:
        print(f"torch {version} from {named}", flush=True)
        _pip("install", f"torch=={version}", "--index-url", named)
        return
    # Both packages must come with torch's own dependencies, which the CPU index and pip's configuration both have.
    said: list[str] = []
    for place, words in (("pip's own configuration", []), (CPU_INDEX, ["--index-url", CPU_INDEX])):
        print(f"looking for a CPU build of torch {version} in {place}", flush=True)
        failed = _try_pip("install", "--quiet", f"torch=={version}+cpu", "--constraint", str(CONSTRAINTS), *words)
        if failed is None:
            return
        said.append(failed)
    if not _gpu() and os.environ.get("YES") != "1":
        if not any(OTHER_BUILDS.search(text) for text in said):
            sys.exit(
                f"error: torch {version} could not be installed. pip's last words:\n"
                + "".join(f"  {_last_words(text)}\n" for text in said)
                + "Mend that and run again, or set ATHANOR_TORCH_INDEX to an index that can be reached."
            )
        sys.exit(
            f"error: only the CUDA build of torch {version} can be had here ({CUDA_SIZE}), and there is no GPU.\n"
            "Run again with YES=1 to install it all the same, or set ATHANOR_TORCH_INDEX to an index with a CPU build."
        )
    print(f"torch {version} from the package index ({CUDA_SIZE})", flush=True)
    _pip("install", f"torch=={version}")


def torch_version() -> str:
    for line in CONSTRAINTS.read_text().splitlines():
        if line.startswith("torch=="):
            return line.removeprefix("torch==").strip()
    sys.exit("error: constraints.txt names no torch version")


def _gpu() -> bool:
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True).returncode == 0


def _pip(*words: str) -> None:
    """Run pip in .venv; this ends where it fails."""
    done = subprocess.run([*PIP, "--quiet", *words])
    if done.returncode:
        sys.exit(f"error: pip could not {' '.join(words[:2])} (exit {done.returncode}); its own words are above.")


def _try_pip(*words: str) -> str | None:
    """Run pip in .venv: None where it went well, or else what it said."""
    done = subprocess.run([*PIP, *words], capture_output=True, text=True, errors="replace")
    return done.stderr if done.returncode else None


def _last_words(said: str) -> str:
    """The last line of pip's that tells why; that nothing was found tells nothing where no index answered."""
    lines = [line for line in said.splitlines() if line.strip()] or ["(nothing)"]
    telling = [line for line in lines if "No matching distribution" not in line and "versions: none" not in line]
    return (telling or lines)[-1]


if __name__ == "__main__":
    main(sys.argv[1:] or ["train"])
