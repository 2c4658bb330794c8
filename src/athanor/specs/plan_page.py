"""The page docs/plan.md: what `plan` works out beside what was published, the devices and the presets, with sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from athanor.specs import arithmetic
from athanor.specs.hardware_table import DEVICES
from athanor.specs.planning import LONGEST_ROW, PUE, TOKENS_A_PARAMETER, find, implied_utilisation
from athanor.specs.presets import presets
from athanor.specs.published_runs import RUNS, Run

HEAD = f"""# What training takes

`athanor plan` works out from a model's shape what training it takes. This page is written by
`python tools/plan_page.py`.

* Operations: 6 for each parameter that multiplies and each token, and attention's own, causal where the model is
  (Kaplan et al. 2020, arXiv:2001.08361, §2.1), in rows of the whole context, at most {LONGEST_ROW:,} tokens.
* Compute-optimal tokens: {TOKENS_A_PARAMETER} a parameter (Hoffmann et al. 2022, arXiv:2203.15556).
* Memory: in 16 bits weights 2, gradients 2, AdamW's masters and moments 12 bytes a parameter (Rajbhandari et al. 2019,
  arXiv:1910.02054, §3.1), and the activations of one row, nothing worked out twice but attention's scores.
* Device hours: operations / (peak · utilisation). Energy: hours · power · {PUE:g} (PUE).
* A checkpoint holds weights, masters and moments: 14 bytes a parameter in 16 bits.
* Serving: weights, keys and values of one text; tokens/s at most bandwidth / bytes read for each token.

## Published runs

Our operations for the published tokens beside the published ones. Where a source tells its device hours, the
utilisation that they imply is printed and not judged: hours may hold down time, or operations done twice.
"""
COUNTED = ("model", "parameters", "16-bit weights", "tokens", "FLOPs here", "published", "ratio")
TIMED = ("model", "device", "device hours", "implied utilisation", "published", "note")


def page() -> str:
    """The page's text."""
    runs = _table(COUNTED, [_counted(run) for run in RUNS])
    timed = _table(TIMED, [_timed(run) for run in RUNS if run.device_hours])
    sources = [f"* {run.preset}: {run.source}" for run in RUNS]
    return "\n".join([HEAD, *runs, "", *timed, "", "Sources:", "", *sources, "", *_devices(), "", *_presets(), ""])


def _counted(run: Run) -> list[str]:
    model = find(run.preset)
    total = sum(model.parts.values())
    row = min(LONGEST_ROW, arithmetic.number(model.spec, "context") or LONGEST_ROW)
    flops = run.tokens * arithmetic.flops_per_token(model.spec, model.parts, row)
    published = [f"{run.flops:.3g}", f"{flops / run.flops:.2f}"] if run.flops else ["–", "–"]
    return [run.preset, f"{total:,}", f"{2 * total / 1e9:.1f} GB", f"{run.tokens:.3g}", f"{flops:.3g}", *published]


def _timed(run: Run) -> list[str]:
    implied = implied_utilisation(run, find(run.preset))
    said = f"{run.utilisation:.1%}" if run.utilisation else "–"
    return [run.preset, run.hardware or "–", f"{run.device_hours:,}", f"{implied:.0%}", said, run.note]


def _devices() -> Iterator[str]:
    yield "## Devices\n"
    rows = [
        [
            device.name,
            ", ".join(f"{dtype} {peak / 1e12:g}" for dtype, peak in device.peak_flops.items()),
            f"{device.memory_bytes / 1e9:.0f} GB",
            f"{device.bandwidth / 1e9:.0f} GB/s",
            f"{device.watts:.0f} W",
            f"[sheet]({device.source})",
        ]
        for device in DEVICES.values()
    ]
    yield from _table(("name", "peak in TFLOPS", "memory", "bandwidth", "power", "source"), rows)
    yield "\n`this` is the machine at hand, at the training speed that `athanor build` measured, else at a guess."


def _presets() -> Iterator[str]:
    yield "## Presets\n"
    rows = []
    for name, spec in presets().items():
        total = sum((arithmetic.parameters(spec) or {}).values())
        rows.append([name, arithmetic.human(total), f"{total:,}", str(spec.layers), f"{spec.width:,}", str(spec.heads)])
    yield from _table(("name", "size", "parameters", "layers", "width", "heads"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"
