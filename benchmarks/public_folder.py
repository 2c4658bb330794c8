"""A folder of public stories, sentence pairs and chats in English and Chinese, built in fifteen minutes.

DATA is a folder of xz-packed JSON lines: pretrain/ with tinystories_en, gutenberg_en, hongloumeng_zh and tatoeba_en_zh
(keys en, zh), chat/ with chatterbot_* (turns) and alpaca_* (instruction, input, output). Texts go in as they are;
pairs and dialogues are written as chats, pairs in both directions by turns.

run: .venv/bin/python benchmarks/public_folder.py DATA [minutes]
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ATHANOR = Path(sys.executable).parent / "athanor"
TEXTS = ("tinystories_en", "gutenberg_en", "hongloumeng_zh")
ASKED = {"en": "How do you say “{}” in Chinese?", "zh": "“{}”用英语怎么说？"}


def lines(path: Path) -> Iterator[dict]:
    """The rows of a packed file."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def chats(data: Path) -> Iterator[list[str]]:
    """Turns, the user's first."""
    for number, pair in enumerate(lines(data / "pretrain/tatoeba_en_zh.jsonl.xz")):
        here, there = ("en", "zh") if number % 2 else ("zh", "en")
        yield [ASKED[here].format(pair[here]), pair[there]]
    for path in sorted((data / "chat").glob("chatterbot_*.jsonl.xz")):
        yield from (row["turns"] for row in lines(path))
    for path in sorted((data / "chat").glob("alpaca_*.jsonl.xz")):
        yield from ([f"{row['instruction']}\n{row['input']}".strip(), row["output"]] for row in lines(path))


def lay(data: Path, folder: Path) -> None:
    """Write the folder that is built from."""
    folder.mkdir()
    for name in TEXTS:
        shutil.copy(data / f"pretrain/{name}.jsonl.xz", folder)
    with (folder / "chats.jsonl").open("w", encoding="utf-8") as file:
        for turns in chats(data):
            said = [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
            file.write(json.dumps({"messages": said}, ensure_ascii=False) + "\n")


def main(data: Path, minutes: str) -> None:
    """Build, print the figures, keep the report beside the caller."""
    with tempfile.TemporaryDirectory() as place:
        lay(data, Path(place) / "folder")
        env = {**os.environ, "ATHANOR_HOME": f"{place}/store"}
        words = ["build", f"{place}/folder", "--name", "public", "--minutes", minutes, "--json"]
        done = subprocess.run([ATHANOR, *words], check=True, stdout=subprocess.PIPE, env=env)
        built = json.loads(done.stdout)
        kept = ("documents", "characters", "tokens", "parameters", "tokens_seen", "steps", "heldout_bits_per_byte")
        print(json.dumps({key: built[key] for key in (*kept, "planned", "actual", "untrained")}, indent=1))
        shutil.copytree(built["report_path"], "public-report", dirs_exist_ok=True)
        for prompt in ("Once upon a time", "话说宝玉"):
            subprocess.run(
                [ATHANOR, "generate", "public", prompt, "--raw", "--max-tokens", "80", "--quiet"], check=True, env=env
            )
        asked = ["How do you say “I am hungry.” in Chinese?", "“我爱你。”用英语怎么说？", "What is AI?", "你是谁？"]
        subprocess.run([ATHANOR, "chat", "public"], input="\n".join(asked), text=True, check=True, env=env)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "15")
