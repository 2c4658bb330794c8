"""`tokenizer.json`: the `tokenizers` library's own file, which holds everything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers

from athanor.tokenizers.parts import Parts, read_text

FILE = "tokenizer.json"


def read(folder: Path, config: Mapping[str, Any]) -> Parts | None:
    """The tokenizer.json of a folder."""
    del config
    path = folder / FILE
    return Parts(backend=tokenizers.Tokenizer.from_str(read_text(path))) if path.is_file() else None
