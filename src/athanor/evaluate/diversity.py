"""How unlike one another generated texts are, and how much each repeats itself.

Tokens are given as sequences; words or characters or ids, the caller says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

Tokens = Sequence[Hashable]
BLEU_ORDER = 4


def distinct(texts: Sequence[Tokens], n: int) -> float:
    """distinct-n (Li et al. 2016, arXiv:1510.03055): different n-grams over all n-grams of all texts."""
    grams = [gram for text in texts for gram in ngrams(text, n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def self_bleu(texts: Sequence[Tokens]) -> list[float]:
    """BLEU-4 of each text against all others; their mean is Self-BLEU (Zhu et al. 2018, arXiv:1802.01886)."""
    return [bleu(text, [other for at, other in enumerate(texts) if at != number]) for number, text in enumerate(texts)]


def bleu(text: Tokens, references: Sequence[Tokens]) -> float:
    """Sentence BLEU-4 (Papineni et al. 2002) with exponential smoothing and effective order, as sacrebleu computes."""
    if not text or not references:
        return 0.0
    logs, halvings = [], 0
    for n in range(1, BLEU_ORDER + 1):
        counts = Counter(ngrams(text, n))
        total = sum(counts.values())
        if not total:
            break
        most: Counter[tuple[Hashable, ...]] = Counter()
        for reference in references:
            most |= Counter(ngrams(reference, n))
        hits = sum((counts & most).values())
        if not hits:
            if n == 1:
                return 0.0  # not a word in common
            halvings += 1
        logs.append(math.log(hits / total if hits else 1 / (2**halvings * total)))
    closest = min((abs(len(reference) - len(text)), len(reference)) for reference in references)[1]
    brevity = min(0.0, 1 - closest / len(text))
    return math.exp(sum(logs) / len(logs) + brevity)


def repetition(text: Tokens, n: int = 4) -> float:
    """Share of a text's n-grams that occurred in it before (seq-rep-n, Welleck et al. 2020, arXiv:1908.04319)."""
    grams = ngrams(text, n)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def ngrams(text: Tokens, n: int) -> list[tuple[Hashable, ...]]:
    """All runs of n tokens."""
    return [tuple(text[at : at + n]) for at in range(len(text) - n + 1)]
