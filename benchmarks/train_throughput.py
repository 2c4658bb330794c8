"""Training speed of a 13.8 M decoder (width 384, depth 6, 6 heads, SwiGLU 1024, vocabulary 4096, 16 × 256, untied).

Ours in float32 and bf16, plain and compiled, beside transformers' LLaMA of the same shape in float32 and under bf16
autocast, in turn, in one process; also the machine's peak in large products of either type. Ours has two q/k norms a
layer more. What the process sets for itself when it learns (memory kept, small numbers cut off) holds for all.

run: .venv/bin/python benchmarks/train_throughput.py [rounds]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import transformers

from athanor.models.decoder import Decoder, initialise
from athanor.objectives import next_token
from athanor.objectives.batch import Batch
from athanor.objectives.next_token import Step
from athanor.specs.decoder import DecoderSpec, training_flops_per_token
from athanor.train.compiled import compile_blocks
from athanor.train.optimiser import Optimiser
from athanor.train.runtime import prepare
from gate import ratio, rounds, show

ROWS, LENGTH, VOCABULARY = 16, 256, 4096
SPEC = DecoderSpec(
    family="qwen3",
    vocabulary=VOCABULARY,
    width=384,
    layers=6,
    heads=6,
    kv_heads=6,
    head_width=64,
    inner=1024,
    context=LENGTH,
    tied=False,
)
STEPS = 2  # steps a round


def ours(dtype: torch.dtype, cache: Path | None = None) -> Callable[[], float]:
    """Tokens a second of our own loop's parts with AdamW (Muon would be other work than theirs). cache: compile."""
    network = Decoder(SPEC)
    initialise(network, 0)
    network.to(dtype)
    optimiser = Optimiser(network, matrices=False)
    ids = torch.randint(0, VOCABULARY, (ROWS, LENGTH + 1))
    positions = torch.arange(LENGTH).expand(ROWS, LENGTH)
    ones = torch.ones(ROWS, LENGTH)
    batch = Batch(ids[:, :-1], ids[:, 1:], ones, torch.zeros(ROWS, LENGTH, dtype=torch.int64), positions, ROWS * LENGTH)
    step = Step(0, torch.Generator())

    def gradients() -> tuple[float, list[torch.Tensor]]:
        loss, _ = next_token.loss("decoder", {"decoder": network}, batch, step)
        loss.backward()
        found = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
        network.zero_grad()
        return float(loss.detach()), found

    def once() -> None:
        loss, _ = next_token.loss("decoder", {"decoder": network}, batch, step)
        loss.backward()
        optimiser.step(3e-4)

    if cache is not None:
        print(f"compiled {dtype}: {compile_blocks(network, gradients, cache) or 'the same gradients'}")
    return timed(once)


def theirs(bf16: bool) -> Callable[[], float]:
    """Tokens a second of transformers with the usual loop."""
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=SPEC.width,
        intermediate_size=SPEC.inner,
        num_hidden_layers=SPEC.layers,
        num_attention_heads=SPEC.heads,
        num_key_value_heads=SPEC.kv_heads,
        max_position_embeddings=LENGTH,
        tie_word_embeddings=False,
    )
    network = transformers.LlamaForCausalLM(config).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-4)
    ids = torch.randint(0, VOCABULARY, (ROWS, LENGTH))

    def once() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = network(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return timed(once)


def timed(once: Callable[[], None]) -> Callable[[], float]:
    """Warm up now; later: tokens a second over a few steps."""
    once()

    def run() -> float:
        began = time.perf_counter()
        for _ in range(STEPS):
            once()
        return STEPS * ROWS * LENGTH / (time.perf_counter() - began)

    return run


def peak(dtype: torch.dtype) -> Callable[[], float]:
    """Operations a second, in 10⁹, of a large matrix product."""
    a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)

    def run() -> float:
        torch.mm(a, b)
        began = time.perf_counter()
        for _ in range(4):
            torch.mm(a, b)
        return 4 * 2 * 2048**3 / (time.perf_counter() - began) / 1e9

    return run


def main() -> None:
    """Measure and print."""
    prepare()
    place = Path(tempfile.mkdtemp())
    candidates = {
        "ours float32": ours(torch.float32),
        "ours bf16": ours(torch.bfloat16),
        "ours float32 compiled": ours(torch.float32, place),
        "ours bf16 compiled": ours(torch.bfloat16, place),
        "transformers float32": theirs(False),
        "transformers bf16 autocast": theirs(True),
    }
    kept = rounds(candidates, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    show(kept, "tokens/s")
    best = max((name for name in kept if name.startswith("ours")), key=lambda name: sum(kept[name]))
    for name in dict.fromkeys((best.removesuffix(" compiled"), best)):
        ratio(kept, name, "transformers float32")
        ratio(kept, name, "transformers bf16 autocast")
    peaks = rounds({"product float32": peak(torch.float32), "product bf16": peak(torch.bfloat16)}, 5, 60)
    show(peaks, "GFLOP/s")
    work = training_flops_per_token(SPEC, LENGTH) / 1e9
    for name, speed in kept.items():
        dtype = "bf16" if "bf16" in name else "float32"
        if speed and peaks[f"product {dtype}"]:
            share = sorted(speed)[len(speed) // 2] * work / max(peaks[f"product {dtype}"])
            print(f"  {name}: {share:.0%} of the speed of large {dtype} products ({work * 1e3:.1f} MFLOP a token)")


if __name__ == "__main__":
    main()
