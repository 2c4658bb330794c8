"""A tokenizer folder in use: `tokenizer.json` with `tokenizer_config.json`, as published models carry them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers

from athanor.core.errors import Ending, InputError, NotFoundError
from athanor.tokenizers.template import Template

MAX_TOKENIZER_BYTES = 200_000_000
TRIED = range(8)  # ids whose text is encoded at loading, to see that the file works
_SURROGATE = re.compile("[\ud800-\udfff]")


class Tokenizer:
    """Encodes, decodes, renders chats. Control tokens in given text are text, unless `specials` says otherwise."""

    def __init__(self, backend: tokenizers.Tokenizer, config: Mapping[str, Any]) -> None:
        self._backend = backend
        self.config = dict(config)
        self.specials = {
            token.content: number for number, token in backend.get_added_tokens_decoder().items() if token.special
        }

    @staticmethod
    def is_there(folder: Path) -> bool:
        """Whether a folder has tokenizer files."""
        return (folder / "tokenizer.json").is_file()

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Open a folder's tokenizer files. Raises NotFoundError or InputError naming the file.

        Truncation and padding that the file asks for are left out: ids are those of the whole text and of no more.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise NotFoundError(
                f"{folder} has no tokenizer.json.", value=str(path), remedy="Add the tokenizer's files to the folder."
            )
        if path.stat().st_size > MAX_TOKENIZER_BYTES:
            raise InputError(
                f"{path} has {path.stat().st_size} bytes.",
                value=path.stat().st_size,
                limit=MAX_TOKENIZER_BYTES,
                remedy="This is no tokenizer of a language model; replace the file.",
            )
        with _translated(f"{path} is no tokenizer", "Copy the file again."):
            backend = tokenizers.Tokenizer.from_str(path.read_text("utf-8"))
            backend.no_truncation()
            backend.no_padding()
            # Some broken files are found out only by their first text.
            texts = [text for number in TRIED if (text := backend.decode([number]))]
            backend.encode_batch_fast(texts or ["a"], add_special_tokens=False)
        return cls(backend, _config(folder))

    @property
    def vocabulary(self) -> int:
        """Ids run from 0 to this number, exclusive."""
        return max(self._backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    @property
    def eos(self) -> int | None:
        """The id that ends an answer, as tokenizer_config.json says."""
        token = self.config.get("eos_token")
        name = token.get("content") if isinstance(token, dict) else token
        return self.specials.get(name) if isinstance(name, str) else None

    @cached_property
    def template(self) -> Template | None:
        """The chat template, or None for a model without one."""
        source = self.config.get("chat_template")
        return Template(source, self.config) if isinstance(source, str) else None

    def encode(self, text: str, specials: bool = False) -> list[int]:
        """text → ids. specials: names of control tokens in the text become control tokens."""
        return self.encode_many([text], specials)[0]

    def encode_many(self, texts: Sequence[str], specials: bool = False) -> list[list[int]]:
        """Ids of many texts, on all cores. Raises InputError for a text that the vocabulary cannot express."""
        self._backend.encode_special_tokens = not specials
        with _translated(
            "A text cannot be encoded", "Leave out what the vocabulary does not know, or add an unknown token to it."
        ):
            for text in texts:
                if not text.isascii() and (half := _SURROGATE.search(text)):
                    raise ValueError(f"U+{ord(half[0]):04X} is half a character")
            return [found.ids for found in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int], specials: bool = True) -> str:
        """ids → text; bytes that are no UTF-8 become U+FFFD. specials: keep the names of control tokens."""
        with _translated("These ids have no text", "Use ids of this model's own tokenizer."):
            return self._backend.decode(list(ids), skip_special_tokens=not specials)

    def token_bytes(self, number: int) -> int:
        """UTF-8 bytes that one id stands for, in a byte-level vocabulary."""
        return len(self._backend.id_to_token(number) or "")

    def render(self, messages: Sequence[Mapping[str, Any]], answer: bool = True) -> str:
        """The chat as the template writes it. answer: end where the assistant begins to speak."""
        return self._needed_template().render(messages, answer)

    def encode_chat(self, messages: Sequence[Mapping[str, Any]], answer: bool = True) -> list[int]:
        """Ids of a rendered chat. Names of control tokens inside a message are encoded as plain text."""
        return self._encode_pieces(self._needed_template().pieces(messages, self.specials, answer))

    def encode_training_chat(
        self, messages: Sequence[Mapping[str, str]], most: int | None = None
    ) -> tuple[list[int], list[bool]]:
        """Ids of a whole chat, and which of them are to be learned: what the assistant says, its end token in.

        most: turns after the first answer that begins beyond so many ids are left out, since the beginning of each
        answer costs rendering everything before it.
        """
        begins: list[int] = []
        for turn in [number for number, message in enumerate(messages) if message["role"] == "assistant"]:
            begins.append(len(self.encode_chat(messages[:turn], answer=True)))
            if most is not None and begins[-1] > most:
                messages = messages[: turn + 1]
                break
        ids = self.encode_chat(messages, answer=False)
        learned = [False] * len(ids)
        for begin in begins:
            end = begin
            while end < len(ids) and ids[end] != self.eos:
                end += 1
            learned[begin : end + 1] = [True] * (min(end + 1, len(ids)) - begin)
        return ids, learned

    def _needed_template(self) -> Template:
        if self.template is None:
            raise InputError(
                "This model has no chat template.", remedy="Use it with plain prompts (--raw), or give it a template."
            )
        return self.template

    def _encode_pieces(self, pieces: Sequence[tuple[str, bool]]) -> list[int]:
        ids: list[int] = []
        for text, special in pieces:
            ids += [self.specials[text]] if special else self.encode(text)
        return ids


@contextmanager
def _translated(what: str, remedy: str) -> Iterator[None]:
    """The library's errors as InputError: it raises bare Exceptions, and its panics are not even those."""
    try:
        yield
    except (Ending, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the library is a BaseException without a public name
        why = str(error)[:300]
        raise InputError(f"{what}: {why}.", value=why, remedy=remedy) from None


def _config(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json, with the chat template of the file beside it where there is one."""
    path = folder / "tokenizer_config.json"
    try:
        config = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        if not isinstance(config, dict):
            raise ValueError("it holds no JSON object")
        # Some models carry several named templates; the one for chats is called default.
        if isinstance(config.get("chat_template"), list):
            named = {item["name"]: item["template"] for item in config["chat_template"]}
            config["chat_template"] = named.get("default")
        path = folder / "chat_template.jinja"
        if path.is_file():
            config["chat_template"] = path.read_text("utf-8")
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise InputError(f"{path} cannot be read: {error}.", value=str(path), remedy="Copy the file again.") from None
    return config
