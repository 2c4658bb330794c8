"""Print three held-out questions of a sample, English, Chinese, English, each with its answer after a tab."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(path: Path) -> None:
    """Take them from the middle of the file, the same ones every time."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for language, place in (("en", 0.25), ("zh", 0.5), ("en", 0.75)):
        some = [row for row in rows if row["split"] == "held_out" and row["language"] == language]
        row = some[int(len(some) * place)]
        print(row["question"], row["answer"], sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
