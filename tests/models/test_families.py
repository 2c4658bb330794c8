"""What every member of every family must do: compute what an independent network computes with the same weights, and
lose nothing on the way in, out and in again.

Each variant of `variants` is a folder of random weights written by that network. Tolerance 1e-4 at float32: two orders
of sums over a few layers stay near 1e-6, and a wrong term shows in the first digits.

Run: pytest tests/models/test_families.py
"""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from asking import Answers, Continuing, Translating, Variant, difference, greedy, same_greedy
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from variants import VARIANTS

from athanor.core.errors import InputError
from athanor.generate.request import Request, Settings
from athanor.generate.scheduler import Work
from athanor.generate.step_torch import TorchStep
from athanor.generate.step_translate import TranslateStep
from athanor.models import roundtrip
from athanor.models.build import Network
from athanor.models.decoder import Decoder
from athanor.models.encoder_decoder import EncoderDecoder
from athanor.models.folder import Folder, save_network
from athanor.models.opening import load_network, open_model
from athanor.models.recurrent import Recurrent
from athanor.specs import arithmetic
from athanor.specs.families import families, family
from athanor.specs.keymap import published_names

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor", "ignore:The PyTorch API of nested tensors")
TOLERANCE = 1e-4
GENERATING = [name for name, its in VARIANTS.items() if isinstance(its.asking, (Continuing, Translating))]
LEARNING = [
    "gpt2", "llama-rope-yarn", "qwen3-moe", "glm4", "bert-next-sentence", "roberta-classes", "ernie-tasks", "t5",
    "t5-gated", "transformer", "transformer-norm-first", "lstm-bahdanau", "gru-luong", "rnn-none", "vit", "clip",
]  # fmt: skip
TIED_TWICE = {
    "gpt2": "lm_head.weight", "llama-tied": "lm_head.weight", "qwen2-tied": "lm_head.weight",
    "bert-masked": "cls.predictions.decoder.weight", "bert-next-sentence": "cls.predictions.decoder.bias",
    "roberta-masked": "lm_head.decoder.weight", "t5": "encoder.embed_tokens.weight",
}  # fmt: skip


class Made(NamedTuple):
    variant: Variant
    model: nn.Module
    """The independent network."""
    folder: Path

    def opened(self) -> Folder:
        found = open_model(self.folder)
        assert isinstance(found, Folder)
        return found


@pytest.fixture(scope="module", params=VARIANTS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A variant's checkpoint, and the network that wrote it."""
    variant, folder = VARIANTS[request.param], tmp_path_factory.mktemp(request.param)
    return Made(variant, variant.make(folder), folder)


only = pytest.mark.parametrize


def close(ours: Answers, theirs: Answers) -> None:
    for name, wanted in theirs.items():
        torch.testing.assert_close(ours[name], wanted, atol=TOLERANCE, rtol=0, msg=lambda said, name=name: name + said)


def test_the_table_has_every_family() -> None:
    """Of every page, a variant whose folder names it."""
    assert {its.family for its in VARIANTS.values()} == {
        "GPT-2", "LLaMA", "SmolLM2", "Mistral", "Qwen2", "Qwen3", "ChatGLM3", "GLM-4", "BERT", "RoBERTa", "ERNIE",
        "MiniLM", "T5", "Transformer (2017)", "ViT", "CLIP", "Chinese-CLIP", "RNN", "LSTM", "GRU",
    }  # fmt: skip


def test_every_page_has_a_variant(tmp_path: Path) -> None:
    found = set()
    for name in VARIANTS:
        VARIANTS[name].make(tmp_path / name)
        found.add(json.loads((tmp_path / name / "config.json").read_text())["model_type"])
    assert found == set(families())


def test_the_same_answers(made: Made) -> None:
    theirs = made.variant.asking.theirs(made.model)
    assert all(its.std() > 0.1 for its in theirs.values())  # they say something, so the tolerance does too
    assert difference(made.variant, made.model, made.folder) <= TOLERANCE


@only("made", GENERATING, indirect=True)
def test_the_same_greedy_ids(made: Made) -> None:
    assert same_greedy(made.variant, made.model, made.folder) is True


@only("made", LEARNING, indirect=True)
def test_the_same_gradients(made: Made, tmp_path: Path) -> None:
    """Gradients are a checkpoint too: the other network saves its own in place of weights, and we read them as ours. Of
    the sines, since the mean of what a norm gives would be constant."""
    theirs, network = copy.deepcopy(made.model).requires_grad_(True), load_network(made.folder).requires_grad_(True)
    for answers in (made.variant.asking.theirs(theirs), made.variant.asking.ours(network)):
        torch.stack([its.sin().mean() for its in answers.values()]).sum().backward()
    with torch.no_grad():
        for its in theirs.parameters():
            its.copy_(torch.zeros_like(its) if its.grad is None else its.grad)
    made.variant.save(theirs, tmp_path)
    made.variant.edit(tmp_path)
    wanted = named(load_network(tmp_path))
    assert max(its.abs().max() for its in wanted.values()) > 1e-3
    for name, its in named(network).items():
        gradient = torch.zeros_like(its) if its.grad is None else its.grad
        torch.testing.assert_close(
            gradient, wanted[name], atol=1e-6, rtol=1e-3, msg=lambda said, name=name: name + said
        )


def named(network: Network) -> dict[str, nn.Parameter]:
    return dict(network.named_parameters())


def test_the_config_comes_back(made: Made) -> None:
    spec = made.opened().spec
    page = family(spec.family)
    written = page.write_config(spec, "bfloat16")
    assert page.read_config(json.loads(json.dumps(written))) == spec
    assert written["torch_dtype"] == written["dtype" if "dtype" in written else "torch_dtype"] == "bfloat16"


def test_the_key_map_is_one_to_one(made: Made) -> None:
    """Every stored tensor is one published weight, a copy of one, or follows from the config; every one of ours is
    filled once; and both hold as many numbers."""
    found = made.opened()
    stored = found.checkpoint.weights
    assert set(stored) == published_names(found.rules)
    paths = {its.entry.name for its in [*stored.values(), *(its for _, its in found.checkpoint.copies)]}
    assert len(paths) == len(stored) + len(found.checkpoint.copies)
    assert paths | set(found.checkpoint.buffers) == set(load_file(made.folder / "model.safetensors"))
    ours = [rule.ours for rule in found.rules]
    assert sorted(ours) == sorted(found.ours)
    numbers = sum(math.prod(its.entry.shape) for its in stored.values())
    assert numbers == sum(math.prod(shape) for shape in found.ours.values())


def test_the_round_trip_is_byte_equal(made: Made) -> None:
    found = made.opened()
    proof = roundtrip.prove(found)
    weights = found.checkpoint.weights.values()
    assert proof["equal"] is True
    assert (proof["tensors"], proof["bytes"]) == (len(weights), sum(its.entry.bytes for its in weights))
    for name, was, back in roundtrip.rewritten(found):  # not by the proof's own word
        assert torch.equal(back, was), name


def test_parameters_are_counted(made: Made) -> None:
    """By the network, by the other network, and by the spec's arithmetic where its kind has any."""
    found = made.opened()
    count = sum(math.prod(shape) for shape in found.ours.values())
    assert count == sum(its.numel() for its in made.model.parameters())
    by_part = arithmetic.parameters(found.spec)
    assert by_part is None or sum(by_part.values()) == count


def test_saved_and_loaded_is_bit_equal(made: Made, tmp_path: Path) -> None:
    """And what was saved computes the same in the independent network, where that can be opened from a folder."""
    network = load_network(made.folder)
    save_network(network, tmp_path)
    again = load_network(tmp_path)
    assert again.spec == network.spec
    for name, its in named(again).items():
        assert torch.equal(its, named(network)[name]), name
    if hasattr(made.model, "save_pretrained") and made.variant.family != "ChatGLM3":
        theirs: Any = type(made.model)
        close(made.variant.asking.theirs(theirs.from_pretrained(tmp_path)), made.variant.asking.theirs(made.model))


@only("made", GENERATING, indirect=True)
def test_step_by_step_is_the_whole_pass(made: Made) -> None:
    """With what a step remembers of a text, as when it is all read anew for each id."""
    asking: Any = made.variant.asking
    network = load_network(made.folder)
    with torch.no_grad():
        wanted = greedy(lambda answer: asking.our_next(network, answer), asking.prompt)
        source = () if asking.source is None else (asking.source,)
        whole = network(*source, wanted)[:, asking.prompt.shape[1] - 1 : -1]
    found, logits = stepwise(network, asking.prompt, asking.source, whole.shape[1])
    assert found == wanted.tolist()
    torch.testing.assert_close(logits, whole, atol=TOLERANCE, rtol=0)


def stepwise(network: Network, prompt: Tensor, source: Tensor | None, steps: int) -> tuple[list[list[int]], Tensor]:
    """The greedy ids of each row, and the logits (B, steps, V) that chose them."""
    assert isinstance(network, (Decoder, EncoderDecoder, Recurrent))
    step = TorchStep(network, slots=4) if isinstance(network, Decoder) else TranslateStep(network)
    sources = [[]] * len(prompt) if source is None else source.tolist()
    texts, seen = prompt.tolist(), []
    requests = [Request(text[:], Settings(), source=read) for text, read in zip(texts, sources, strict=True)]
    rows = [Work(request, slot, 0, request.prompt) for slot, request in enumerate(requests)]
    for _ in range(steps):
        logits = torch.from_numpy(step.run(rows))
        seen.append(logits)
        for text, number in zip(texts, logits.argmax(-1).tolist(), strict=True):
            text.append(number)
        rows = [Work(row.request, row.slot, len(text) - 1, text[-1:]) for row, text in zip(rows, texts, strict=True)]
    return texts, torch.stack(seen, dim=1)


@only("made", TIED_TWICE, indirect=True)
@only("wrong", [False, True])
def test_a_tied_tensor_that_is_stored_again(made: Made, wrong: bool, tmp_path: Path) -> None:
    """Read where it is the first once more; refused by both names where it is not."""
    found = made.opened()
    twin = next(name for variant, name in TIED_TWICE.items() if VARIANTS[variant] is made.variant)
    first = found.checkpoint.page.COPIES[twin]
    (tmp_path / "config.json").write_text(json.dumps(found.config))
    stored = load_file(made.folder / "model.safetensors")
    stored[twin] = stored[first] + 1e-3 * wrong
    save_file(stored, tmp_path / "model.safetensors")
    if not wrong:
        ours = named(load_network(made.folder))
        assert all(torch.equal(its, ours[name]) for name, its in named(load_network(tmp_path)).items())
        return
    with pytest.raises(InputError, match=rf"{twin} .* {first} again") as caught:
        load_network(tmp_path)
    assert caught.value.value == twin
