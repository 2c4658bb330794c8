"""JSON objects in files that strangers made: a limit on their size, and errors that name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from athanor.core.errors import InputError, NotFoundError

MAX_JSON_BYTES = 50_000_000


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model folder. Raises InputError or NotFoundError naming the file."""
    if not path.is_file():
        raise NotFoundError(
            f"The model folder {path.parent} has no {path.name}.",
            value=str(path),
            remedy=f"Add {path.name}, or name the folder that holds it.",
        )
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ValueError(f"more than {MAX_JSON_BYTES} bytes")
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {error}.", value=str(path), remedy="Mend or replace the file.") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object.", value=str(path), remedy="Mend or replace the file.")
    return found
