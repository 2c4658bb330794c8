"""The tokenizer's part of a recipe."""

from __future__ import annotations

import msgspec

from athanor.core.errors import RecipeError

LEAST, MOST = 260, 262_144


class TokenizerRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a tokenizer is trained."""

    vocabulary: int | None = None
    """Ids in all, control tokens and the 256 bytes included; None: chosen by the corpus's size."""

    def check(self) -> None:
        """Raise RecipeError where the number cannot be."""
        if self.vocabulary is not None and not LEAST <= self.vocabulary <= MOST:
            raise RecipeError(
                f"tokenizer.vocabulary is {self.vocabulary}.",
                value=self.vocabulary,
                limit=[LEAST, MOST],
                remedy=f"Choose between {LEAST} and {MOST}.",
            )


def vocabulary_for(characters: int) -> int:
    """A vocabulary for a corpus of so many characters, from a coarse ladder.

    The larger the corpus, the more pieces occur often enough to be learned.
    """
    for limit, vocabulary in ((60_000, 1024), (200_000, 2048), (4_000_000, 4096), (20_000_000, 8192)):
        if characters < limit:
            return vocabulary
    return 16_384 if characters < 200_000_000 else 32_768
