"""`athanor store`: check the store, back it up, bring it back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from athanor.artifacts import Store
from athanor.cli.output import common, emit, human_bytes, reporter
from athanor.core.errors import ProofError
from athanor.core.progress import tell


@click.group(name="store")
def command() -> None:
    """Check the store, back it up, restore it.

    Example: athanor store verify
    """


@command.command()
@common()
def verify(as_json: bool, quiet: bool) -> None:
    """Hash every file again; damage exits 6.

    Example: athanor store verify --json
    """
    from athanor.artifacts.verify import verify as check

    result = check(Store.open())
    _finish(result, f"{result['checked']} artifacts checked, no damage.", as_json)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--with-secrets", is_flag=True, help="Also secrets/: whoever has the backup has them.")
@common()
def backup(file: Path, with_secrets: bool, as_json: bool, quiet: bool) -> None:
    """Write the whole store to the tar FILE; a damaged store is not written (6).

    Example: athanor store backup /mnt/stick/athanor.tar
    """
    from athanor.artifacts.backup import backup as write

    result = write(Store.open(), file, with_secrets=with_secrets)
    _finish(result, f"{result['checked']} artifacts, {human_bytes(result['bytes'])} in {file}.", as_json)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@common()
def restore(file: Path, as_json: bool, quiet: bool) -> None:
    """Bring back what the backup FILE holds, into a new store or beside what is there.

    Example: athanor store restore /mnt/stick/athanor.tar
    """
    from athanor.artifacts.restore import restore as bring_back

    result = bring_back(Store.open(), file)
    if result["kept"]:
        reporter(quiet).warn(f"{len(result['kept'])} files that differ stayed as they are.")
    names = f"{len(result['names'])} names"
    _finish(result, f"{result['checked']} artifacts verified, {len(result['restored'])} new, {names}.", as_json)


def _finish(result: dict[str, Any], words: str, as_json: bool) -> None:
    """Print the object; with damage also the sentence, and exit 6: CONTRACT wants the object and the code."""
    if not result["damaged"]:
        emit(result, words, as_json)
        return
    lines = [f"damaged: {item['id'][:12]} {item['file']}" for item in result["damaged"]]
    lines += [f"made from damage: {item['kind']} {item['id'][:12]}" for item in result.get("dependants", [])]
    error = ProofError(
        f"{len(result['damaged'])} files of the store are damaged.",
        value=result["damaged"],
        remedy="Restore a backup (it replaces what is damaged), or remove these artifacts and make them again.",
    )
    emit(result, "\n".join(lines), as_json)
    tell(f"error: {error}\n", sys.stderr)
    raise SystemExit(error.exit_code)
