"""From logits to the next id: penalties, cuts, a draw. NumPy only; float64 where probabilities are summed.

Order as in transformers: penalties, bans, temperature, top-k, top-p, min-p, draw. (vLLM cuts by min-p before top-k.)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from athanor.core.errors import InputError, ProofError
from athanor.generate.request import Request, Settings

Logits = npt.NDArray[np.float32]


def choose(
    logits: Logits, request: Request, generator: np.random.Generator, banned: Collection[int] = ()
) -> tuple[int, float]:
    """The next id and its log-probability under the model (before any setting).

    logits (V,) float32, left as they are. banned: ids that may not be chosen now. Raises ProofError for logits that
    are no numbers, InputError where every id is banned.
    """
    settings = request.settings
    adjusted = logits
    if banned or _penalised(settings):
        adjusted = penalise(logits.astype(np.float64), request)
        adjusted[list(banned)] = -np.inf
    if not np.isfinite(adjusted.max()):
        raise nothing_to_choose(logits, banned)
    if settings.greedy:
        chosen = int(adjusted.argmax())
    else:
        chosen = int(generator.choice(len(logits), p=distribution(adjusted, settings)))
    return chosen, float(log_softmax(logits)[chosen])


def distribution(logits: npt.NDArray, settings: Settings) -> npt.NDArray[np.float64]:
    """Probabilities (V,) float64 after temperature and cuts; they sum to 1."""
    scaled = logits.astype(np.float64) / settings.temperature
    if 0 < settings.top_k < len(scaled):
        threshold = np.partition(scaled, -settings.top_k)[-settings.top_k]
        scaled = np.where(scaled < threshold, -np.inf, scaled)
    found = np.exp(log_softmax(scaled))
    if settings.top_p < 1:
        order = np.argsort(-found, kind="stable")
        before = np.cumsum(found[order]) - found[order]
        found[order[1:][before[1:] >= settings.top_p]] = 0
    if settings.min_p > 0:
        found[found < settings.min_p * found.max()] = 0
    return found / found.sum()


def penalise(logits: npt.NDArray[np.float64], request: Request) -> npt.NDArray[np.float64]:
    """Logits after the three penalties, changed in place."""
    settings = request.settings
    if settings.repetition_penalty != 1:
        seen = np.unique(np.asarray(request.prompt + request.ids))
        kept = logits[seen]
        logits[seen] = np.where(kept > 0, kept / settings.repetition_penalty, kept * settings.repetition_penalty)
    if request.ids and (settings.presence_penalty or settings.frequency_penalty):
        ids, counts = np.unique(np.asarray(request.ids), return_counts=True)
        logits[ids] -= settings.presence_penalty + settings.frequency_penalty * counts
    return logits


def banned_ids(request: Request) -> set[int]:
    """Ids that may not come next: ends within the first min_tokens, and what would repeat an n-gram."""
    early = len(request.ids) < request.settings.min_tokens
    repeats = repeating(request.prompt + request.ids, request.settings.no_repeat_ngram_size)
    return repeats | request.ends if early else repeats


def repeating(ids: Sequence[int], size: int) -> set[int]:
    """Ids that would complete an n-gram of `size` ids that occurred; none for size 0."""
    if not 0 < size <= len(ids):
        return set()
    grams = np.lib.stride_tricks.sliding_window_view(np.asarray(ids), size)  # (T − size + 1, size)
    begun = (grams[:, :-1] == ids[len(ids) + 1 - size :]).all(axis=1)
    return set(grams[begun, -1].tolist())


def log_softmax(logits: npt.NDArray) -> npt.NDArray[np.float64]:
    """log p, (V,) float64."""
    shifted = logits.astype(np.float64) - float(logits.max())
    return shifted - np.log(np.exp(shifted).sum())


def nothing_to_choose(logits: Logits, banned: Collection[int]) -> InputError | ProofError:
    """Why no id of these logits can be taken."""
    if np.isfinite(logits.max()):
        return InputError(
            f"Nothing may come next: all {len(logits)} ids are banned.",
            value=len(set(banned)),
            limit=len(logits) - 1,
            remedy="Give fewer bad words, a smaller min-tokens, or a larger no-repeat-ngram-size.",
        )
    return ProofError(
        f"The model computed {logits.max()} instead of scores.",
        value=str(logits.max()),
        limit="finite numbers",
        remedy="Its weights are damaged, or too large for this precision; load it in float32 or take another model.",
    )


def _penalised(settings: Settings) -> bool:
    return bool(settings.repetition_penalty != 1 or settings.presence_penalty or settings.frequency_penalty)
