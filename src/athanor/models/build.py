"""From a spec to its network."""

from __future__ import annotations

from torch import nn

from athanor.models.decoder import Decoder
from athanor.models.encoder import Encoder
from athanor.models.encoder_decoder import EncoderDecoder
from athanor.models.recurrent import Recurrent
from athanor.models.towers import Towers
from athanor.models.vision import Vision
from athanor.specs.decoder import DecoderSpec
from athanor.specs.encoder import EncoderSpec
from athanor.specs.encoder_decoder import EncoderDecoderSpec
from athanor.specs.families import Spec
from athanor.specs.recurrent import RecurrentSpec
from athanor.specs.towers import TowersSpec
from athanor.specs.vision import VisionSpec

Network = Decoder | Encoder | EncoderDecoder | Recurrent | Vision | Towers
NETWORKS: dict[type, type[nn.Module]] = {
    DecoderSpec: Decoder, EncoderSpec: Encoder, EncoderDecoderSpec: EncoderDecoder, RecurrentSpec: Recurrent,
    VisionSpec: Vision, TowersSpec: Towers,
}  # fmt: skip


def network_for(spec: Spec) -> Network:
    """The network of a spec, its weights not filled."""
    return NETWORKS[type(spec)](spec)  # type: ignore[return-value]
