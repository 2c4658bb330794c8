"""The spec of two towers that meet: one reads texts, one sees pictures, and both end in one space."""

from __future__ import annotations

import msgspec

from athanor.specs.decoder import DecoderSpec
from athanor.specs.encoder import EncoderSpec
from athanor.specs.trunk import within
from athanor.specs.vision import VisionSpec

MOST_PROJECTION = 1 << 16


class TowersSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """CLIP (Radford et al. 2021, arXiv:2103.00020)."""

    family: str
    """The family page that reads and writes its config: a module of `specs`."""
    text: DecoderSpec | EncoderSpec
    """A decoder is read where the text ends, an encoder where it begins."""
    image: VisionSpec
    projection: int
    """Numbers of the space in which both meet."""
    end: int | None = None
    """The id that ends a text for a decoder; None: the largest of its ids does."""

    def check(self) -> TowersSpec:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        within("projection", self.projection, MOST_PROJECTION)
        self.text.check()
        self.image.check()
        return self
