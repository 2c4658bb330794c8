"""Copies: exact by a hash, near by the Jaccard similarity of shingles (Broder 1997).

MinHash with banding finds the candidates (rensa computes the signatures), the exact similarity decides, and the first
in the order of paths is kept: the result is exact up to candidates missed (chance below 1e-4 at the threshold) and the
same on every machine. Pages filled into one form are all candidates of each other; so that their number costs no more
than their length, crowded bands take no more pages and only the likeliest candidates are compared, which may leave a
copy among thousands of pages that are nearly copies themselves. Bands are kept in plain dictionaries and not in
rensa's own index, which cannot be asked in a fixed order across processes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import numpy as np

from athanor.core.errors import MissingExtraError
from athanor.data.quality import count_han

PERMUTATIONS = 128
SEED = 20_240_601
MISSED = 1e-4  # chance that a pair exactly at the threshold shares no band
# An estimate this far below the threshold is no candidate: 3.4 standard deviations of 128 permutations at 0.8, 2.7 at
# 0.5. More would compare every page of a form with every other.
SLACK = 0.12
VERIFIED = 16  # candidates compared exactly, the likeliest first
CROWDED = 64  # pages of one band; what more of them share is their form
WORDS, CHARACTERS = 5, 5  # in a shingle
MIN_CHARACTERS, MIN_HAN = 200, 80  # shorter texts are compared exactly only
_WORD = re.compile(r"\w+")


def exact_key(text: str) -> bytes:
    """16 bytes that are the same for texts that differ in white space only."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8")).digest()[:16]


def shingles(text: str) -> set[str]:
    """Character pieces of a Chinese text, word pieces of any other; empty for a text too short to compare nearly."""
    han = count_han(text[:100_000])
    if han >= MIN_HAN and han * 3 >= min(len(text), 100_000):
        solid = "".join(_WORD.findall(text.lower()))
        return {solid[n : n + CHARACTERS] for n in range(len(solid) - CHARACTERS + 1)}
    if len(text) < MIN_CHARACTERS:
        return set()
    words = _WORD.findall(text.lower())
    return {" ".join(words[n : n + WORDS]) for n in range(len(words) - WORDS + 1)}


def signature(pieces: set[str]) -> bytes | None:
    """The MinHash signature of shingles, 128 × uint32; None where there are none."""
    if not pieces:
        return None
    try:
        from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]  compiled, without types
    except ImportError as error:
        raise MissingExtraError("rensa", "train") from error
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(list(pieces))  # the order of a set is of no effect
    return np.asarray(sketch.digest(), dtype=np.uint32).tobytes()


def rows_of_a_band(threshold: float) -> int:
    """The largest number of rows with which a pair at the threshold is missed with a chance below MISSED."""
    for rows in range(16, 1, -1):
        if (1 - threshold**rows) ** (PERMUTATIONS // rows) < MISSED:
            return rows
    return 1


def jaccard(one: set[str], other: set[str]) -> float:
    """Size of the intersection over size of the union."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


class Duplicates:
    """What was kept so far. Ask in the order of the documents.

    text_of: gives back the text of a kept document by its number; texts themselves are not held here.
    """

    def __init__(self, threshold: float, text_of: Callable[[int], str]) -> None:
        self._threshold = threshold
        self._text_of = text_of
        self._exact: set[bytes] = set()
        self._rows = rows_of_a_band(threshold)
        self._bands: dict[bytes, int | list[int]] = {}
        self._signatures: dict[int, bytes] = {}

    def is_exact(self, key: bytes) -> bool:
        """Whether the same text was seen; remembers it."""
        if key in self._exact:
            return True
        self._exact.add(key)
        return False

    def is_near(self, sketch: bytes, text: str) -> bool:
        """Whether a kept document is at least `threshold` alike."""
        near = self._candidates(sketch)
        if not near:
            return False
        own = shingles(text)
        return any(jaccard(own, shingles(self._text_of(number))) >= self._threshold for number in near)

    def keep(self, number: int, sketch: bytes) -> None:
        """Remember a kept document under its number."""
        self._signatures[number] = sketch
        for key in self._keys(sketch):
            held = self._bands.get(key)
            if held is None:
                self._bands[key] = number
            elif isinstance(held, int):
                self._bands[key] = [held, number]
            elif len(held) < CROWDED:
                held.append(number)

    def _candidates(self, sketch: bytes) -> list[int]:
        """Kept documents that may be near, the likeliest first, then the earliest."""
        numbers: set[int] = set()
        for key in self._keys(sketch):
            held = self._bands.get(key)
            if held is not None:
                numbers.update([held] if isinstance(held, int) else held)
        if not numbers:
            return []
        inorder = sorted(numbers)
        others = np.frombuffer(b"".join([self._signatures[number] for number in inorder]), np.uint32)
        same = (others.reshape(-1, PERMUTATIONS) == np.frombuffer(sketch, np.uint32)).sum(axis=1)
        likeliest = np.argsort(-same, kind="stable")[:VERIFIED]
        least = (self._threshold - SLACK) * PERMUTATIONS
        return [inorder[place] for place in likeliest if same[place] >= least]

    def _keys(self, sketch: bytes) -> list[bytes]:
        size = 4 * self._rows
        return [
            bytes([band]) + hashlib.blake2b(sketch[band * size : (band + 1) * size], digest_size=7).digest()
            for band in range(PERMUTATIONS // self._rows)
        ]
