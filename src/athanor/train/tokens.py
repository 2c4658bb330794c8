"""A corpus as ids on disk: written once by streaming, memory-mapped afterwards.

Layout of a folder: `ids.bin` (uint16 or uint32), `learned.bin` (uint8, 1 where a token is to be predicted),
`starts.npy` (int64, one more than there are documents), `file_of.npy` and `is_chat.npy` (of each document),
`facts.json` (the type of the ids, the files' names for logs).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from athanor.core.files import remove_tree, write_atomic
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.tokenizers.train import END_OF_TEXT

ROWS_AT_A_TIME = 2000


class Row(Protocol):
    """What is needed of a corpus row."""

    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def file(self) -> str: ...
    def turns(self) -> Sequence[tuple[str, str]]: ...


class TokenSet:
    """Documents as ids: `ids`, `learned`, `starts`; document n is ids[starts[n] : starts[n + 1]]."""

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / "facts.json").read_text())
        self.ids = _open(folder / "ids.bin", np.dtype(facts["dtype"]))
        self.learned = _open(folder / "learned.bin", np.dtype(np.uint8))
        self.starts: npt.NDArray[np.int64] = np.load(folder / "starts.npy", allow_pickle=False)
        self.files: list[str] = facts["files"]
        self.file_of: npt.NDArray[np.int32] = np.load(folder / "file_of.npy", allow_pickle=False)
        self.is_chat: npt.NDArray[np.bool_] = np.load(folder / "is_chat.npy", allow_pickle=False)

    @property
    def chats(self) -> int:
        """Chats in all."""
        return int(self.is_chat.sum())

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def tokens(self) -> int:
        """Ids in all."""
        return len(self.ids)

    def lengths(self) -> npt.NDArray[np.int64]:
        """Ids of each document."""
        return np.diff(self.starts)


def write(rows: Iterable[Row], tokenizer: Tokenizer, folder: Path, row_length: int | None = None) -> TokenSet:
    """Encode rows into `folder` (replaced) and open it. row_length: positions of a chat that will be used."""
    remove_tree(folder)
    folder.mkdir(parents=True, mode=0o700)
    dtype = np.uint16 if tokenizer.vocabulary <= 1 << 16 else np.uint32
    starts, file_of, is_chat, files = [0], [], [], dict[str, int]()
    with (folder / "ids.bin").open("wb") as ids_file, (folder / "learned.bin").open("wb") as learned_file:
        for row, ids, learned in _encoded(rows, tokenizer, row_length):
            ids_file.write(np.asarray(ids, dtype=dtype).tobytes())
            learned_file.write(np.asarray(learned, dtype=np.uint8).tobytes())
            starts.append(starts[-1] + len(ids))
            file_of.append(files.setdefault(row.file, len(files)))
            is_chat.append(row.kind == "chat")
    np.save(folder / "starts.npy", np.asarray(starts, dtype=np.int64))
    np.save(folder / "file_of.npy", np.asarray(file_of, dtype=np.int32))
    np.save(folder / "is_chat.npy", np.asarray(is_chat, dtype=np.bool_))
    facts: dict[str, Any] = {"dtype": np.dtype(dtype).name, "files": list(files)}
    write_atomic(folder / "facts.json", json.dumps(facts))
    return TokenSet(folder)


def _encoded(
    rows: Iterable[Row], tokenizer: Tokenizer, row_length: int | None
) -> Iterator[tuple[Row, list[int], list[bool]]]:
    end = tokenizer.specials[END_OF_TEXT]
    source = iter(rows)
    while some := list(islice(source, ROWS_AT_A_TIME)):
        texts = iter(tokenizer.encode_many([row.text for row in some if row.kind == "text"]))
        for row in some:
            if row.kind == "text":
                ids = [*next(texts), end]
                yield row, ids, [True] * len(ids)
            else:
                messages = [{"role": role, "content": content} for role, content in row.turns()]
                ids, learned = tokenizer.encode_training_chat(messages, row_length)
                yield row, ids, learned


def _open(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if path.stat().st_size == 0:
        return np.zeros(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r")
