"""`inspect`: what a model folder is, what its files are for, what running and training it takes. Headers only.

What is wrong with a folder is a finding, and stops nothing as long as something can still be said: where weights are
missing, numbers come from config.json alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from athanor.core.errors import InputError
from athanor.core.progress import Reporter
from athanor.specs import arithmetic
from athanor.specs.checkpoint import aliases
from athanor.specs.counting import Counted, count
from athanor.specs.drawing import draw
from athanor.specs.families import Family, family
from athanor.specs.file_roles import role_of
from athanor.specs.findings import File, Finding, by_names, files_of, listed, seen_weights
from athanor.specs.folder import CONFIG, INDEX, Stored, read_json
from athanor.specs.gguf_look import gguf_of, look
from athanor.specs.licences import stated_licence
from athanor.specs.nonfinite import nonfinite
from athanor.specs.safetensors import Entry
from athanor.specs.subject import find_model

DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bf16", "F8_E4M3": "float8", "F8_E5M2": "float8",
    "I8": "int8", "U8": "uint8", "I32": "int32",
}  # fmt: skip
SPELLED = {"bfloat16": "bf16"}
NUMBERS = ("layers", "width", "heads", "kv_heads", "vocabulary", "context")
UNFIT = "missing_shard", "size_mismatch", "pointer_file"  # kinds that leave the weights incomplete


def inspect(name_or_path: str, deep: bool, reporter: Reporter) -> dict[str, Any]:
    """CONTRACT's object of `inspect`. deep: read every weight and look for NaN and infinity; of a GGUF file those that
    are not packed."""
    path, licence = find_model(name_or_path)
    packed = gguf_of(path)
    if packed is None:
        return inspect_folder(path, licence or stated_licence(path), deep, reporter)
    if path.is_dir():
        return inspect_gguf(packed, files_of(path), licence or stated_licence(path), deep, reporter)
    files = [File(path.name, path.stat().st_size, *role_of(path.name))]
    return inspect_gguf(packed, files, licence, deep, reporter)


def inspect_folder(folder: Path, licence: str | None, deep: bool, reporter: Reporter) -> dict[str, Any]:
    """The object for a folder with config.json. Raises InputError where that cannot be read."""
    files = files_of(folder)
    config = read_json(folder / CONFIG)
    stored, findings = seen_weights(folder)
    page, spec, why = _spec(config, stored)
    findings = [*by_names(folder, files, config, page is not None), *findings]
    counted = count(stored, page, spec)
    whole = not any(finding.kind in UNFIT for finding in findings) and bool(stored)
    described = arithmetic.parameters(spec) if spec else None
    parts = counted.parts if whole or described is None else described
    findings += _of_weights(folder, stored, counted, described) if whole else []
    findings += _nonfinite(stored, reporter) if deep else []
    dtype = _most((its.entry.dtype, its.entry.bytes) for its in stored.values()) or _named_dtype(config)
    return _object(config.get("model_type"), spec, why, parts, dtype, list(_noted(files, stored)), licence, findings)


def inspect_gguf(path: Path, files: list[File], licence: str | None, deep: bool, reporter: Reporter) -> dict[str, Any]:
    """The object for one GGUF file. Raises InputError for a header that cannot be read."""
    header, spec, why, parts = look(path)
    stored = {
        name: Stored(path, Entry(name, entry.kind.name, entry.shape, entry.start, entry.bytes))
        for name, entry in header.tensors.items()
    }
    named = getattr(spec, "family", None) or header.metadata.get("general.architecture")
    stated = str(header.metadata.get("general.license") or "")[:80] or None
    dtype = _most((its.entry.dtype, its.entry.bytes) for its in stored.values())
    said = why.message if why else ""
    findings = _nonfinite(stored, reporter) if deep else []
    return _object(named, spec, said, parts, dtype, files, licence or stated, findings)


def _object(
    family_named: Any, spec: Any, why: str, parts: dict[str, int], dtype: str | None, files: list[File],
    licence: str | None, findings: list[Finding],
) -> dict[str, Any]:  # fmt: skip
    """CONTRACT's object. why: what is said where there is no spec."""
    if licence is None:
        findings.append(Finding("licence", None, "No licence is stated: ask whoever made the model what is allowed."))
    total = sum(parts.values())
    return {
        "family": family_named,
        "architecture": why if spec is None else draw(spec),
        "parameters": total,
        "parameters_human": arithmetic.human(total),
        "by_part": parts,
        **{name: arithmetic.number(spec, name) if spec else None for name in NUMBERS},
        "dtype": dtype,
        "bytes_on_disk": sum(file.bytes for file in files),
        "files": [file._asdict() for file in files],
        "memory_to_run": arithmetic.run_table(spec, parts),
        "memory_to_train": arithmetic.fine_tuning(spec, total),
        "licence": licence,
        "findings": [finding._asdict() for finding in findings],
    }


def _spec(config: Mapping[str, Any], stored: Mapping[str, Stored]) -> tuple[Family | None, Any, str]:
    """The family's page and the spec, each None where it is not known, and then why."""
    page = None
    try:
        page = family(config.get("model_type"), config)
        spec = page.read_config(config).check()
    except InputError as error:
        return page, None, error.message
    fitted = getattr(page, "fitted", None)
    return page, fitted(spec, set(aliases(page, set(stored)))) if fitted and stored else spec, ""


def _of_weights(
    folder: Path, stored: Mapping[str, Stored], counted: Counted, described: Mapping[str, int] | None
) -> Iterator[Finding]:
    """What names and sizes of the tensors tell."""
    for name in counted.twice:
        tensor = stored[name]
        again = f"{name} is another tensor once more: {tensor.entry.bytes} bytes stored twice, counted once."
        yield Finding("tied_twice", tensor.path.name, again)
    if counted.missing:
        yield Finding("size_mismatch", CONFIG, f"It asks for tensors that are not there: {listed(counted.missing)}.")
    if counted.unknown:
        yield Finding("size_mismatch", CONFIG, f"It does not know of these tensors: {listed(counted.unknown)}.")
    counts = sum(counted.parts.values())
    fits = described is None or counted.missing or counted.unknown or sum(described.values()) == counts
    if described is not None and not fits:
        said = f"It describes {sum(described.values()):,} parameters; the weights hold {counts:,}."
        yield Finding("size_mismatch", CONFIG, said)
    yield from _total_size(folder, stored)


def _total_size(folder: Path, stored: Mapping[str, Stored]) -> Iterator[Finding]:
    if not any(tensor.path.name != "model.safetensors" for tensor in stored.values()) or not (folder / INDEX).is_file():
        return
    metadata = read_json(folder / INDEX).get("metadata")
    said = metadata.get("total_size") if isinstance(metadata, dict) else None
    there = sum(tensor.entry.bytes for tensor in stored.values())
    if isinstance(said, int | float) and said != there:
        yield Finding("size_mismatch", INDEX, f"It says that the tensors take {said} bytes; they take {there}.")


def _nonfinite(stored: Mapping[str, Stored], reporter: Reporter) -> list[Finding]:
    tensors = sorted(stored.values(), key=lambda tensor: (tensor.path.name, tensor.entry.start))
    with reporter.bar("reading weights", sum(tensor.entry.bytes for tensor in tensors)) as bar:
        found = list(nonfinite(tensors, bar.update))
    said = "holds NaN or infinity"
    return [
        Finding("nonfinite", its.path.name, f"{its.entry.name} {said}: {number:,} numbers.") for its, number in found
    ]


def _most(types: Iterable[tuple[str, int]]) -> str | None:
    """The type that most bytes are stored in."""
    bytes_by_type: Counter[str] = Counter()
    for dtype, size in types:
        bytes_by_type[dtype] += size
    most = bytes_by_type.most_common(1)
    return DTYPES.get(most[0][0], most[0][0].lower()) if most else None


def _named_dtype(config: Mapping[str, Any]) -> str | None:
    """The type that config.json names."""
    named = config.get("dtype") or config.get("torch_dtype")
    return SPELLED.get(named, named) if isinstance(named, str) else None


def _noted(files: list[File], stored: Mapping[str, Stored]) -> Iterator[File]:
    """The files, with what the headers say of those with weights."""
    seen: dict[str, list[str]] = {}
    for tensor in stored.values():
        seen.setdefault(tensor.path.name, []).append(DTYPES.get(tensor.entry.dtype, tensor.entry.dtype.lower()))
    for file in files:
        types = seen.get(file.path)
        note = f"{file.note}: {len(types)} tensors, {', '.join(sorted(set(types)))}" if types else file.note
        yield file._replace(note=note)
