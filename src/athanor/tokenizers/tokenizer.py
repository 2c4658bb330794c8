"""A tokenizer in use, from whatever files a published model carries it in, or from a GGUF file's metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers

from athanor.core.errors import Ending, InputError, NotFoundError
from athanor.tokenizers import bytelevel, ggml, jsonfile, sentencepiece, wordpiece
from athanor.tokenizers.guard import guard
from athanor.tokenizers.parts import MAX_VOCABULARY, Parts, broken, read_object, read_text, token_name
from athanor.tokenizers.pieces import HIDDEN, piece_bytes
from athanor.tokenizers.template import Template

TRIED = range(8)  # ids whose text is encoded at loading, to see that the file works
READERS = (jsonfile, bytelevel, sentencepiece, wordpiece)
FILES = "tokenizer.json, vocab.json with merges.txt, tokenizer.model, vocab.txt"
MARKS = ("tokenizer.json", "vocab.json", "tokenizer.model", "spiece.model", "vocab.txt")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Tokenizer:
    """Encodes, decodes, renders chats. Control tokens in given text are text, unless `specials` says otherwise."""

    def __init__(self, backend: tokenizers.Tokenizer, config: Mapping[str, Any], parts: Parts | None = None) -> None:
        self.parts = parts or Parts(backend=backend)
        self._backend = backend
        self.config = {**self.parts.config, **config}
        added = backend.get_added_tokens_decoder()
        self.specials = {self._shown(token.content): number for number, token in added.items() if token.special}
        guard(backend)
        self.before, self.after = self._around()
        """Ids that the model expects before and after a raw text, () for none."""

    @staticmethod
    def is_there(folder: Path) -> bool:
        """Whether a folder has tokenizer files."""
        return any((folder / name).is_file() for name in MARKS)

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """Open a folder's tokenizer files, the first it has of FILES. Raises NotFoundError, InputError naming the file.

        Truncation and padding that the file asks for are left out: ids are those of the whole text and of no more.
        """
        config = _config(folder)
        hints = {"model_type": read_object(folder / "config.json").get("model_type"), **config}
        for reader in READERS:
            if found := cls._opened(f"{folder}/{reader.FILE}", config, lambda read=reader.read: read(folder, hints)):
                return found
        raise NotFoundError(
            f"{folder} has no tokenizer: none of {FILES}.",
            value=str(folder),
            remedy="Add the tokenizer's files to the folder.",
        )

    @classmethod
    def from_gguf(cls, metadata: Mapping[str, Any]) -> Tokenizer:
        """The tokenizer in a GGUF file's metadata, its keys `tokenizer.…`. Raises InputError naming what is not known.

        metadata: values as Python has them: strings, numbers, lists of these.
        """
        found = cls._opened("The GGUF metadata", {}, lambda: ggml.read(metadata))
        assert found is not None
        return found

    @classmethod
    def of(cls, where: str, parts: Parts) -> Tokenizer:
        """The tokenizer of parts that were read elsewhere; where: what they were read from."""
        found = cls._opened(where, {}, lambda: parts)
        assert found is not None
        return found

    @classmethod
    def _opened(cls, where: str, config: Mapping[str, Any], read: Callable[[], Parts | None]) -> Tokenizer | None:
        with _translated(f"{where} is no tokenizer", "Copy the file again."):
            parts = read()
            if parts is None:
                return None
            parts.backend.no_truncation()
            parts.backend.no_padding()
            found = cls(parts.backend, config, parts)
            if found.vocabulary > MAX_VOCABULARY:
                raise ValueError(f"its ids go up to {found.vocabulary - 1}, {MAX_VOCABULARY} are possible")
            # Some broken files are found out only by their first text.
            texts = [text for number in TRIED if (text := parts.backend.decode([number]))]
            parts.backend.encode_batch_fast(texts or ["a"], add_special_tokens=False)
            return found

    @property
    def backend(self) -> tokenizers.Tokenizer:
        """The library's object."""
        return self._backend

    @property
    def vocabulary(self) -> int:
        """Ids run from 0 to this number, exclusive."""
        return max(self._backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def named(self, key: str) -> int | None:
        """The id of the token that tokenizer_config.json calls `<key>_token`, None where it names none."""
        name = token_name(self.config.get(f"{key}_token"))
        return None if name is None else self._number(name)

    def _number(self, name: str) -> int | None:
        return self.specials[name] if name in self.specials else self._backend.token_to_id(name)

    def token(self, number: int) -> str | None:
        """The name of an id, as its vocabulary has it: bytes as letters, ▁ or ## where it marks words so."""
        name = self._backend.id_to_token(number)
        return None if name is None else self._shown(name)

    def _shown(self, name: str) -> str:
        return name.removeprefix(HIDDEN) if self.parts.pieces else name

    @property
    def eos(self) -> int | None:
        """The id that ends an answer."""
        return self.named("eos")

    @property
    def bos(self) -> int | None:
        """The id that begins a document."""
        return self.named("bos")

    @property
    def pad(self) -> int | None:
        """The id that fills rows up."""
        return self.named("pad")

    @property
    def unk(self) -> int | None:
        """The id of what the vocabulary does not know."""
        return self.named("unk")

    @property
    def cls(self) -> int | None:
        """The id before a text, for encoders."""
        return self.named("cls")

    @property
    def sep(self) -> int | None:
        """The id after each text, for encoders."""
        return self.named("sep")

    @property
    def mask(self) -> int | None:
        """The id of a hidden place, for encoders."""
        return self.named("mask")

    def _around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What a reader said goes around a text, else what the file's post-processor puts there; the config decides."""
        before, after = (
            [number for name in names if (number := self._number(name)) is not None]
            for names in (self.parts.before, self.parts.after)
        )
        if self._backend.post_processor is not None:
            tried = self._backend.encode("a")
            first = next((at for at, added in enumerate(tried.special_tokens_mask) if not added), len(tried.ids))
            kept = sum(1 for added in tried.special_tokens_mask if not added)
            before, after = tried.ids[:first], tried.ids[first + kept :]
        if isinstance(wanted := self.config.get("add_bos_token"), bool) and self.bos is not None:
            before = ([self.bos] if wanted else []) + (before[1:] if before[:1] == [self.bos] else before)
        if isinstance(wanted := self.config.get("add_eos_token"), bool) and self.eos is not None:
            after = (after[:-1] if after[-1:] == [self.eos] else after) + ([self.eos] if wanted else [])
        return tuple(before), tuple(after)

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
        if specials and self.parts.prepare and self.specials:
            return [self._encode_pieces(self._named_pieces(text)) for text in texts]
        self._backend.encode_special_tokens = not specials
        with _translated(
            "A text cannot be encoded", "Leave out what the vocabulary does not know, or add an unknown token to it."
        ):
            for text in texts:
                if not text.isascii() and (half := _SURROGATE.search(text)):
                    raise ValueError(f"U+{ord(half[0]):04X} is half a character")
            ready = list(map(self.parts.prepare, texts)) if self.parts.prepare else list(texts)
            return [found.ids for found in self._backend.encode_batch_fast(ready, add_special_tokens=False)]

    def encode_prompt(self, text: str, specials: bool = False) -> list[int]:
        """A raw text with what the model expects around it: BOS, [CLS] … [SEP], T5's end, ChatGLM's two beginnings."""
        return [*self.before, *self.encode(text, specials), *self.after]

    def _named_pieces(self, text: str) -> list[tuple[str, bool]]:
        """The text cut at the names of control tokens: (text, is a control token)."""
        names = "|".join(map(re.escape, sorted(self.specials, key=len, reverse=True)))
        return [(part, bool(turn % 2)) for turn, part in enumerate(re.split(f"({names})", text)) if part]

    def decode(self, ids: Sequence[int], specials: bool = True) -> str:
        """ids → text; bytes that are no UTF-8 become U+FFFD. specials: keep the names of control tokens."""
        with _translated("These ids have no text", "Use ids of this model's own tokenizer."):
            return self._backend.decode(list(ids), skip_special_tokens=not specials)

    def token_bytes(self, number: int) -> int:
        """UTF-8 bytes that one id stands for. WordPiece and CLIP keep no spaces: there, those of the letters alone."""
        token = self.token(number) or ""
        return len(token.encode()) if number in self._added else self._size(token)

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self._backend.get_added_tokens_decoder())

    @cached_property
    def _size(self) -> Callable[[str], int]:
        """The bytes of a piece, by the kind of vocabulary."""
        model, decoder = self._backend.model, "" if self.parts.pieces else str(self._backend.decoder)
        if "ByteLevel" in decoder:
            ending = getattr(model, "end_of_word_suffix", None) or ""
            return lambda token: len(token.removesuffix(ending))
        if isinstance(model, tokenizers.models.WordPiece):
            prefix = model.continuing_subword_prefix
            return lambda token: len(token.removeprefix(prefix).encode())
        return lambda token: len(piece_bytes(token))

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
    """tokenizer_config.json, with the files beside it: special_tokens_map.json and the chat template."""
    path = folder / "tokenizer_config.json"
    config = {**read_object(folder / "special_tokens_map.json"), **read_object(path)}
    # Some models carry several named templates; the one for chats is called default.
    if isinstance(config.get("chat_template"), list):
        try:
            named = {item["name"]: item["template"] for item in config["chat_template"]}
        except (TypeError, KeyError):
            raise broken(path, "an entry of chat_template has no name or no template") from None
        config["chat_template"] = named.get("default")
    path = folder / "chat_template.jinja"
    if path.is_file():
        config["chat_template"] = read_text(path)
    return config
