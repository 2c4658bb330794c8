"""Attention against torch's own kernel, rotary turns against complex numbers, packed rows against rows apart.

Laws: grouped heads = repeated heads; a turn by position keeps lengths and depends on distance only; what stands in
document A never reaches document B (bit for bit); padding after a document changes nothing.

Run: pytest tests/nn/test_attention_and_positions.py
"""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from athanor.models.decoder import Decoder, initialise
from athanor.nn.attention import attend
from athanor.nn.frame import causal_frame, packed_frame
from athanor.nn.norm import RMSNorm
from athanor.nn.rotary import rotary_table, rotate
from athanor.specs.decoder import DecoderSpec
from athanor.specs.rotary import Rotary

SPEC = DecoderSpec(
    family="qwen3", vocabulary=40, width=24, layers=3, heads=4, kv_heads=2, head_width=8, inner=32, context=48
)


@pytest.fixture
def network() -> Decoder:
    made = Decoder(SPEC)
    initialise(made, 0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3 if parameter.dim() > 1 else 1)  # logits that differ, so that a leak would be seen
    return made.eval()


@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (4, 2), (6, 2), (5, 1)])
@pytest.mark.parametrize(("length", "span"), [(7, 7), (1, 9), (3, 9)])
def test_attend_is_torch_scaled_dot_product_attention(heads, groups, length, span):
    """Forward and backward in float64, so that only the formula is compared: 1e-12."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    q, k, v = random(2, heads, length, 6), random(2, groups, span, 6), random(2, groups, span, 6)
    seen = torch.arange(span)[None] <= torch.arange(length)[:, None] + span - length
    bias = torch.zeros(1, 1, length, span, dtype=torch.float64).masked_fill(~seen, float("-inf"))
    other = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, enable_gqa=True)
    ours = attend(q, k, v, bias, 6**-0.5)
    torch.testing.assert_close(ours, other, atol=1e-12, rtol=0)
    weight = torch.randn(ours.shape, generator=generator, dtype=torch.float64)
    wanted = torch.autograd.grad((other * weight).sum(), (q, k, v))
    for mine, theirs in zip(torch.autograd.grad((ours * weight).sum(), (q, k, v)), wanted, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=0)


def test_rotary_turns_pairs_as_complex_numbers():
    """x_i + i·x_{i+K/2} times e^{i·p·θ^(−2i/K)}, term by term."""
    width, theta = 10, 500.0
    x = torch.randn(6, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    cos, sin = rotary_table(20, width, Rotary(theta=theta))[:, :6].double()
    found = rotate(x, cos, sin)
    for position in range(6):
        for pair in range(width // 2):
            turn = torch.polar(*torch.tensor([1.0, position * theta ** (-2 * pair / width)]).double())
            wanted = torch.complex(x[position, pair], x[position, pair + width // 2]) * turn
            assert abs(found[position, pair] - wanted.real) < 1e-6  # the table is float32
            assert abs(found[position, pair + width // 2] - wanted.imag) < 1e-6


def test_rotary_scores_depend_on_distance_only():
    table = rotary_table(64, 8, Rotary())
    q, k = torch.randn(2, 8, generator=torch.Generator().manual_seed(2))
    scores = [float(rotate(q, *table[:, 5 + at]) @ rotate(k, *table[:, at])) for at in range(0, 50, 7)]
    assert max(scores) - min(scores) < 1e-5


def test_rms_norm_formula():
    norm = RMSNorm(5, 1e-3)
    torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(0))
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    wanted = x / (x.square().mean(-1, keepdim=True) + 1e-3).sqrt() * norm.weight
    torch.testing.assert_close(norm(x), wanted, atol=1e-6, rtol=0)


def packed(network: Decoder, documents: list[torch.Tensor], empty: int = 0) -> torch.Tensor:
    """Logits (T, V) of documents packed into one row, with `empty` positions of padding after them."""
    ids = torch.cat([*documents, torch.zeros(empty, dtype=torch.int64)])
    numbers = torch.cat([torch.full((len(ids_),), at) for at, ids_ in enumerate(documents, 1)] + [torch.zeros(empty)])
    places = torch.cat([torch.arange(len(ids_)) for ids_ in documents] + [torch.zeros(empty)]).long()
    return network.logits(network.hidden(ids[None], network.packed(numbers.long()[None], places[None])))[0]


def random_ids(length: int, seed: int) -> torch.Tensor:
    return torch.randint(SPEC.vocabulary, (length,), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_packed_documents_do_not_see_each_other(network):
    """Change every id of the first and the last document: the middle one's logits stay bit-equal."""
    first, middle, last = random_ids(9, 1), random_ids(11, 2), random_ids(6, 3)
    before = packed(network, [first, middle, last])
    after = packed(network, [(first + 7) % SPEC.vocabulary, middle, (last + 5) % SPEC.vocabulary])
    assert torch.equal(before[9:20], after[9:20])
    assert not torch.equal(before[:9], after[:9])


@torch.no_grad()
def test_packed_is_apart(network):
    """Each document alone, from position 0: ≤ 1e-5, since rows of other lengths sum in another order."""
    documents = [random_ids(length, length) for length in (1, 9, 14, 4)]
    together = packed(network, documents, empty=5)
    at = 0
    for document in documents:
        alone = network(document[None])[0]
        torch.testing.assert_close(together[at : at + len(document)], alone, atol=1e-5, rtol=0)
        at += len(document)


@torch.no_grad()
@pytest.mark.parametrize("empty", [1, 7, 24])
def test_padding_is_inert_and_finite(network, empty):
    document = random_ids(20, 5)
    bare, padded = packed(network, [document]), packed(network, [document], empty)
    torch.testing.assert_close(padded[:20], bare, atol=1e-5, rtol=0)
    assert padded.isfinite().all()


@torch.no_grad()
def test_a_position_never_sees_what_follows(network):
    ids = random_ids(16, 8)
    changed = ids.clone()
    changed[10:] = (changed[10:] + 3) % SPEC.vocabulary
    before, after = network(ids[None])[0], network(changed[None])[0]
    assert torch.equal(before[:10], after[:10])
    assert not torch.equal(before[10:], after[10:])


def test_frames_say_who_is_seen():
    """The bias of a packed row by hand, and of a whole row."""
    table = rotary_table(8, 4, Rotary(theta=100.0))
    frame = packed_frame(table, torch.tensor([[1, 1, 2, 2, 2]]), torch.tensor([[0, 1, 0, 1, 2]]), torch.float32)
    wanted = ["x....", "xx...", "..x..", "..xx.", "..xxx"]
    assert ["".join("x" if b == 0 else "." for b in row) for row in frame.bias[0, 0].tolist()] == wanted
    cos, _ = frame.turns
    assert torch.equal(cos[0, 2], cos[0, 0]) and torch.equal(cos[0, 1, 0], table[0, 1])
    whole = causal_frame(table, 3, torch.float32).bias[0, 0]
    assert (whole == 0).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
