"""What our own training loop takes on this machine: rows, micro-batches, memory. `build` and `plan` ask here."""

from __future__ import annotations

from athanor.specs.decoder import DecoderSpec, parameters

USUAL_ROW = 1024
MICRO_TOKENS = 8192  # positions of one micro-batch at the most: activations stay bounded
PROGRAM_BYTES = 670 << 20  # interpreter, torch and its kernels, matplotlib, corpus tools


def row_length_for(spec: DecoderSpec) -> int:
    """Tokens of a row."""
    return min(spec.context, USUAL_ROW)


def batch_size_for(spec: DecoderSpec, row_length: int) -> int:
    """Rows an optimiser step: small networks on little text learn most from many small steps (LOG.md)."""
    tokens = 1024 if spec.width < 256 else 2048 if spec.width < 384 else 8192 if spec.width < 768 else 16_384
    return max(4, round(tokens / row_length))


def micro_rows(batch_size: int, row_length: int, accumulate: int = 1) -> int:
    """Rows that go through the network at one time: the most that divide the batch evenly, since micro-batches of one
    shape are compiled once. accumulate: the least number of micro-batches."""
    most = min(-(-batch_size // accumulate), MICRO_TOKENS // row_length)
    return max(rows for rows in range(1, max(1, most) + 1) if batch_size % rows == 0)


def peak_memory(spec: DecoderSpec, rows: int, row_length: int) -> dict[str, int]:
    """Bytes by kind, and their total, of learning with micro-batches of so many rows.

    4 bytes a parameter for weights and as many for gradients; 16 for the optimiser: its moments, the step it works
    out, and what a checkpoint is written from. Activations: 26·D + 6·F + N·T floats a token and layer (attention's
    scores are kept, see `nn.attention`), and four times 1,024 rows of logits. The program itself comes on top.
    """
    weights = 4 * sum(parameters(spec).values())
    a_layer = 26 * spec.width + 6 * spec.inner + spec.heads * row_length
    found = {
        "weights": weights,
        "gradients": weights,
        "optimizer": 4 * weights,
        "activations": 4 * rows * row_length * spec.layers * a_layer + 4 * 4 * 1024 * spec.vocabulary,
        "program": PROGRAM_BYTES,
    }
    return {**found, "total": sum(found.values())}
