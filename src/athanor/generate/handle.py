"""`athanor.load`: a model folder or a name in the store, ready to use."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.manifest import Manifest
from athanor.artifacts.store import Store
from athanor.core.errors import InputError, NotFoundError, UsageError
from athanor.generate.embed import embed, manner, refuse
from athanor.generate.engine import Engine, NetworkStep
from athanor.generate.fill import Filled, fill
from athanor.generate.fitting import fitting_tokenizer
from athanor.generate.request import Request, Settings
from athanor.generate.step_torch import TorchStep
from athanor.generate.step_translate import TranslateStep
from athanor.models.build import Network
from athanor.models.decoder import PRECISIONS, Decoder
from athanor.models.encoder import Encoder
from athanor.models.encoder_decoder import EncoderDecoder
from athanor.models.opening import load_network
from athanor.models.recurrent import Recurrent
from athanor.specs.families import Spec, embedding_rows
from athanor.specs.folder import read_json
from athanor.tokenizers.tokenizer import Tokenizer
from athanor.tokenizers.train import END_OF_TEXT, END_TURN

GENERATION_CONFIG = "generation_config.json"


def load(name_or_folder: str | Path, precision: str | None = None) -> Model:
    """Open a model.

    name_or_folder: a name, an id or an id's prefix in the store; a path when it holds a separator or begins with a
    dot. precision: float32 (default) or bf16. Raises NotFoundError or InputError naming what is wrong.
    """
    if precision is not None and precision not in PRECISIONS:
        raise UsageError(
            f"The precision {precision!r} is unknown.",
            value=precision,
            limit=sorted(PRECISIONS),
            remedy=f"Known: {', '.join(sorted(PRECISIONS))}.",
        )
    folder, manifest = locate(name_or_folder)
    return Model.open(folder, precision or "float32", manifest)


def locate(name_or_folder: str | Path) -> tuple[Path, Manifest | None]:
    """The folder of a model and, for one in the store, its manifest."""
    text = str(name_or_folder)
    if isinstance(name_or_folder, Path) or "/" in text or text.startswith("."):
        folder = Path(name_or_folder)
        if not folder.is_dir():
            raise NotFoundError(f"There is no folder {folder}.", value=text, remedy="Check the path.")
        return folder, None
    artifact = Store.open().resolve(text, kinds=("model",))
    return artifact.folder, artifact.manifest


class Model:
    """A loaded model: network, tokenizer, and the engine that runs them."""

    def __init__(self, folder: Path, network: Network, manifest: Manifest | None = None) -> None:
        self.folder, self.network, self.manifest = folder, network, manifest
        self.spec: Spec = network.spec
        self.tokenizer: Tokenizer | None = fitting_tokenizer(folder, self.spec)
        path = folder / GENERATION_CONFIG
        self.defaults: dict[str, Any] = read_json(path) if path.is_file() else {}
        self.ends = self._ends()
        """Ids that end an answer."""

    @classmethod
    def open(cls, folder: Path, precision: str = "float32", manifest: Manifest | None = None) -> Model:
        """The model of a folder."""
        return cls(folder, load_network(folder, PRECISIONS[precision]), manifest)

    @classmethod
    def of(cls, artifact: Artifact, precision: str = "float32") -> Model:
        """The model of an artifact in the store."""
        return cls.open(artifact.folder, precision, artifact.manifest)

    @cached_property
    def engine(self) -> Engine:
        """The engine, made at first use. Raises InputError for a network that writes no text."""
        return Engine(self._step(), self._needed_tokenizer())

    def _step(self) -> NetworkStep:
        if isinstance(self.network, Decoder):
            return TorchStep(self.network)
        if isinstance(self.network, EncoderDecoder | Recurrent):
            return TranslateStep(self.network)
        raise InputError(
            f"This {self.spec.family} model writes no text.",
            value=self.spec.family,
            limit="a decoder or an encoder-decoder",
            remedy="`fill` and `embed` are what an encoder does, `text` and `image` what two towers do.",
        )

    @property
    def fills(self) -> bool:
        """Whether the network fills masks instead of going on with a text."""
        return isinstance(self.network, Encoder)

    def fill(self, text: str) -> Filled:
        """A text with the likeliest word for each of its masks."""
        if not isinstance(self.network, Encoder):
            raise InputError(
                f"This {self.spec.family} model fills no masks.", value=self.spec.family, limit="an encoder",
                remedy="Use a checkpoint with a masked head, such as BertForMaskedLM.",
            )  # fmt: skip
        _check_unicode(text)
        return fill(self.network, self._needed_tokenizer(), text)

    @property
    def talks(self) -> bool:
        """Whether the model has a chat template."""
        return self.tokenizer is not None and self.tokenizer.template is not None

    def settings(self, **chosen: Any) -> Settings:
        """Settings from the model's generation_config and what is chosen here; None means not chosen."""
        found = {name: value for name, value in chosen.items() if value is not None}
        for name in ("stop", "bad_words"):
            if isinstance(found.get(name), str):  # one string, not its letters
                found[name] = (found[name],)
        unknown = set(found) - set(Settings.__struct_fields__)
        if unknown:
            raise UsageError(
                f"Unknown setting {sorted(unknown)[0]!r}.",
                value=sorted(unknown),
                limit=list(Settings.__struct_fields__),
                remedy=f"Known: {', '.join(Settings.__struct_fields__)}.",
            )
        return Settings.of(found, {**self._default_settings, "seed": secrets.randbits(31)})

    @cached_property
    def _default_settings(self) -> dict[str, Any]:
        """What generation_config.json says of sampling. Raises InputError for what is no setting."""
        names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
        found = {name: self.defaults[name] for name in names if self.defaults.get(name) is not None}
        if not self.defaults.get("do_sample"):
            found["temperature"] = 0.0
        try:
            Settings(**found).check()
        except UsageError as error:
            raise InputError(
                f"{self.folder / GENERATION_CONFIG} cannot be used: {error.message}",
                value=error.value,
                limit=error.limit,
                remedy="Mend the file, or remove it.",
            ) from None
        return found

    def request(self, prompt: str | Sequence[Mapping[str, str]], settings: Settings) -> Request:
        """A request for a plain prompt or a chat's messages. Raises InputError for what is no text."""
        for text in _texts(prompt):
            _check_unicode(text)
        tokenizer = self._needed_tokenizer()
        ids = tokenizer.encode_prompt(prompt) if isinstance(prompt, str) else tokenizer.encode_chat(prompt)
        if isinstance(self.network, EncoderDecoder | Recurrent):
            return Request([self.network.spec.start], settings, self.ends, source=self._fitting(ids))
        return Request(ids, settings, self.ends)

    def _fitting(self, source: list[int]) -> list[int]:
        """The ids that an encoder-decoder is given. Raises InputError where they are none, or too many."""
        most = self.network.spec.context  # type: ignore[union-attr]
        if 0 < len(source) <= most:
            return source
        raise InputError(
            f"The text has {len(source)} tokens; this model reads 1 to {most}.",
            value=len(source),
            limit=most,
            remedy="Shorten the text." if source else "Give a word.",
        )

    def generate(self, prompt: str, **settings: Any) -> str:
        """The completion of a plain prompt, without the prompt."""
        return "".join(self.stream(prompt, **settings))

    def chat(self, messages: Sequence[Mapping[str, str]], **settings: Any) -> str:
        """The assistant's next answer."""
        return "".join(self.stream(messages, **settings))

    def stream(self, prompt: str | Sequence[Mapping[str, str]], **settings: Any) -> Iterator[str]:
        """The completion in pieces of whole characters, as they come."""
        request = self.request(prompt, self.settings(**settings))
        yield from self.stream_request(request)

    def stream_request(self, request: Request) -> Iterator[str]:
        """Run one request; closing the iterator cancels it."""
        self.engine.submit(request)
        shown = 0
        try:
            # The engine works on everything that is open, so its news may be another request's.
            for _ in self.engine.run():
                if len(request.text) > shown:
                    text, shown = request.text[shown:], len(request.text)
                    yield text
                if request.done:
                    break
            if len(request.text) > shown:
                yield request.text[shown:]
        finally:
            request.cancelled |= not request.done

    def embed(self, texts: Sequence[str], kind: str | None = None) -> npt.NDArray[np.float32]:
        """Sentence embeddings of an encoder, (N, D), each of length 1. kind: query or passage, for models that were
        trained with prefixes for the two."""
        if not isinstance(self.network, Encoder):
            raise refuse(self.spec.family)
        for text in texts:
            _check_unicode(text)
        how = manner(self.folder, self.network.spec.context)
        return embed(self.network, self._needed_tokenizer(), how, texts, kind)

    def _ends(self) -> frozenset[int]:
        listed, rows = self.defaults.get("eos_token_id"), embedding_rows(self.spec)
        found = list(listed) if isinstance(listed, list) else [listed]
        for number in found:
            if number is not None and (type(number) is not int or not 0 <= number < rows):
                raise InputError(
                    f"{self.folder / GENERATION_CONFIG} has eos_token_id {number!r}, which is no id of this model.",
                    value=number,
                    limit=rows - 1,
                    remedy="Give an id of the tokenizer there, or remove the key.",
                )
        found.append(self.tokenizer.eos if self.tokenizer else None)
        return frozenset(number for number in found if number is not None)

    def _needed_tokenizer(self) -> Tokenizer:
        if self.tokenizer is None:
            raise InputError(
                f"{self.folder} has no tokenizer files, so it cannot generate text.",
                value=str(self.folder),
                remedy="Add tokenizer.json beside config.json.",
            )
        return self.tokenizer


def _texts(prompt: str | Sequence[Mapping[str, str]]) -> list[str]:
    if isinstance(prompt, str):
        return [prompt]
    if not isinstance(prompt, Sequence) or not all(isinstance(turn, Mapping) for turn in prompt):
        raise InputError(
            f"A prompt is a text or a chat's messages, not {type(prompt).__name__}.",
            value=repr(prompt)[:200],
            limit="text, or a list of objects with role and content",
            remedy="Give one of the two.",
        )
    return [part for turn in prompt for part in turn.values() if isinstance(part, str)]


def _check_unicode(text: str) -> None:
    """Raise InputError for half a UTF-16 pair, which no tokenizer reads."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"The prompt is no Unicode text: it holds {text[error.start]!r} at place {error.start}.",
            value=error.start,
            limit="Unicode characters without surrogates",
            remedy="Give the prompt in UTF-8.",
        ) from None


def write_generation_config(folder: Path, tokenizer: Tokenizer) -> None:
    """The defaults of an own model: sampling cool enough to keep to what was learned."""
    ends = sorted(tokenizer.specials[name] for name in (END_OF_TEXT, END_TURN))
    found = {
        "do_sample": True,
        "temperature": 0.5,
        "top_p": 0.9,
        "eos_token_id": ends,
        "pad_token_id": tokenizer.specials[END_OF_TEXT],
    }
    (folder / GENERATION_CONFIG).write_text(json.dumps(found, indent=2) + "\n")
