"""The spec of a network that sees: a trunk over the patches of a picture."""

from __future__ import annotations

from athanor.specs.trunk import TrunkSpec, within

MOST = {"image": 1 << 14, "patch": 1 << 14, "channels": 1 << 10}
MOST_LABELS = 1 << 20


class VisionSpec(TrunkSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ViT (Dosovitskiy et al. 2020, arXiv:2010.11929): a square picture in square patches behind one learned token."""

    family: str
    """The family page that reads and writes its config: a module of `specs`."""
    image: int
    """Side of the picture, in pixels."""
    patch: int
    """Side of a patch, in pixels."""
    channels: int = 3
    patch_bias: bool = True
    first_norm: bool = False
    """What enters the trunk is normed, as in CLIP."""
    pooler: bool = False
    """A layer over the first position."""
    labels: int | None = None
    """Classes that pictures are told apart by; None: there is no head."""

    @property
    def positions(self) -> int:
        """Patches, and the learned token in front of them."""
        return (self.image // self.patch) ** 2 + 1

    def check(self) -> VisionSpec:
        """Raise RecipeError where the numbers do not fit together; returns itself."""
        for name, most in MOST.items():
            within(name, getattr(self, name), most)
        within("patch", self.patch, self.image)
        within("labels", self.labels or 1, MOST_LABELS)
        return super().check()
