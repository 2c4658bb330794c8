"""A model as one GGUF file, with its tokenizer; read back and compared before it counts as written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from athanor.core.errors import NameTakenError, ProofError
from athanor.core.files import sha256_file
from athanor.generate.embed import POOLING_TYPES, manner
from athanor.generate.fitting import fitting_tokenizer
from athanor.models import roundtrip
from athanor.models.gguf import export_published, open_gguf
from athanor.models.opened import Opened
from athanor.models.opening import open_model
from athanor.specs.encoder import EncoderSpec
from athanor.specs.families import embedding_rows
from athanor.tokenizers.ggml_out import to_gguf

TOLERANCES = {"f32": 0.0, "f16": 1e-3, "bf16": 4e-3, "q8_0": 8e-3, "q4_0": 0.15}
"""Largest difference of a weight that a type may cost, in parts of its tensor's largest: half a step of each type."""


class _Published(Mapping[str, Tensor]):
    """The published tensors of a checkpoint, read when they are asked for."""

    def __init__(self, found: Opened) -> None:
        self._found = found

    def __getitem__(self, name: str) -> Tensor:
        return self._found.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found.kinds)

    def __len__(self) -> int:
        return len(self._found.kinds)


def export_gguf_file(
    source: Path,
    target: Path,
    dtype: str,
    name: str,
    licence: str | None,
    reason: str | None,
    progress: Callable[[int], None],
) -> dict[str, Any]:
    """Write a model as the new file `target`: {"files", "format", "proof", "notes"}.

    dtype: one of TOLERANCES. reason: why a difference beyond the tolerance is taken; without one it raises ProofError
    and nothing is left.
    """
    if target.exists():
        raise NameTakenError(
            f"There is something at {target} already.",
            value=str(target),
            limit="a new file",
            remedy="Name another file, or remove that one.",
        )
    found = open_model(source)
    tokenizer = fitting_tokenizer(source, found.spec)
    more = to_gguf(tokenizer, embedding_rows(found.spec)) if tokenizer is not None else {}
    if licence:
        more["general.license"] = licence
    if isinstance(found.spec, EncoderSpec):
        how = manner(source, found.spec.context)
        more["bert.pooling_type"] = POOLING_TYPES[how.first]
        lost = [f"the prefix {text!r} of a {kind}" for kind, text in how.prefixes.items()]
    else:
        lost = []
    target.parent.mkdir(parents=True, exist_ok=True)
    notes = [f"left out, since GGUF has no name for it: {what}" for what in lost]
    notes += export_published(found.spec, _Published(found), target, dtype.upper(), name, more)
    try:
        proof = _proof(found, target, dtype, reason, progress)
    except ProofError:
        target.unlink()
        raise
    file = {"path": target.name, "bytes": target.stat().st_size, "sha256": sha256_file(target)}
    return {"files": [file], "format": "gguf", "proof": proof, "notes": notes}


def _proof(
    found: Opened, target: Path, dtype: str, reason: str | None, progress: Callable[[int], None]
) -> dict[str, Any]:
    """What reading the file back gives, tensor by tensor, beside what was written."""
    back, worst, worst_name, total = open_gguf(target), 0.0, "", 0.0
    for number, name in enumerate(back.shapes, start=1):
        before = found.read(name).float()
        largest = float(before[before.isfinite()].abs().max()) if bool(before.isfinite().any()) else 0.0
        difference = roundtrip.difference(before, back.read(name)) / (largest or 1.0)
        total += difference
        if difference > worst:
            worst, worst_name = difference, name
        progress(number)
    tolerance = TOLERANCES[dtype]
    outside = worst > tolerance
    if outside and (reason is None or worst == float("inf")):
        raise ProofError(
            f"As {dtype} {worst_name} differs by {worst:.2g} of its largest number; {tolerance:g} is allowed.",
            value=worst,
            limit=tolerance,
            remedy="Choose a finer --dtype, or say why the difference is taken: --accept.",
        )
    return {
        "method": f"{len(back.shapes)} tensors read back; differences in parts of each tensor's largest number",
        "verdict": "outside" if outside else "same" if worst == 0.0 else "within",
        "tolerance": tolerance,
        "max_difference": worst,
        "mean_difference": total / max(1, len(back.shapes)),
        "kl": None,
        "top1_agreement": None,
        "perplexity": None,
        "worst_prompt": None,
        "worst_tensor": worst_name or None,
        "accepted": reason,
    }
