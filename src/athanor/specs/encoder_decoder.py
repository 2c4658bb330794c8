"""The spec of an encoder and a decoder that looks at what it made: one text in, another out."""

from __future__ import annotations

import msgspec

from athanor.specs.trunk import TrunkSpec, within

MOST_VOCABULARY, MOST_CONTEXT = 1 << 24, 1 << 22


class EncoderDecoderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two trunks over one embedding (Vaswani et al. 2017, arXiv:1706.03762)."""

    family: str
    """The family page that reads and writes its config: a module of `specs`."""
    vocabulary: int
    """V: rows of the embedding."""
    context: int
    """Longest text on either side, in tokens."""
    encoder: TrunkSpec
    decoder: TrunkSpec
    sinusoids: bool = False
    """Positions are sines and cosines, added to the embedding (§3.5); otherwise the trunks know them."""
    embedding_scale: float = 1.0
    """What the embedding of a token is multiplied by."""
    head_scale: float = 1.0
    """What the last hidden states are multiplied by in front of the head."""
    tied: bool = True
    """The output head is the embedding."""
    start: int = 0
    """The id that an answer begins behind."""
    padding: int | None = 0
    """The id that is no text and is not seen."""

    def check(self) -> EncoderDecoderSpec:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        within("vocabulary", self.vocabulary, MOST_VOCABULARY)
        within("context", self.context, MOST_CONTEXT)
        within("the id that answers begin behind", self.start + 1, self.vocabulary)
        within("width of the decoder", self.decoder.width, self.encoder.width)
        within("width of the encoder", self.encoder.width, self.decoder.width)
        self.encoder.check()
        self.decoder.check()
        return self
