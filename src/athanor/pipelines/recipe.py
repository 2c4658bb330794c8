"""The recipe of a build: what a user may ask for, and nothing that calibration chooses."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from athanor.core.errors import RecipeError, UsageError
from athanor.core.seeds import MAX_SEED
from athanor.data.recipe import DataRecipe
from athanor.tokenizers.recipe import TokenizerRecipe
from athanor.train.recipe import TrainRecipe

DEFAULT_MINUTES = 5.0
MOST_MINUTES = 60 * 24 * 30


class ModelRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The network's shape, in the words of `inspect`; what is None is chosen by time and text."""

    layers: int | None = None
    width: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    inner: int | None = None
    """Width inside the MLP."""
    context: int | None = None
    """Longest sequence in tokens, and the length of a training row; at least 2."""

    def check(self) -> None:
        """Raise RecipeError for a number that is no count or far beyond any machine."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            least = 2 if name == "context" else 1
            if value is not None and not least <= value <= 1 << 20:
                limit = [least, 1 << 20]
                raise RecipeError(
                    f"model.{name} is {value}.", value=value, limit=limit, remedy=f"Give at least {least}."
                )


class BuildRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything `build` can be asked; `step` and `inputs` say what it was asked of."""

    step: str = "build"
    inputs: list[str] = []
    """The folder."""
    name: str | None = None
    minutes: float | None = None
    """Budget of the whole command but for measuring the machine; None with train.steps, or else the default."""
    seed: int = 0
    continues: str | None = None
    """The model to go on from, by name or id; `--continue` puts the name of the build here."""
    questions: str | None = None
    """A question file, asked after learning."""
    data: DataRecipe = DataRecipe()
    tokenizer: TokenizerRecipe = TokenizerRecipe()
    model: ModelRecipe = ModelRecipe()
    train: TrainRecipe = TrainRecipe()

    def check(self) -> None:
        """Raise RecipeError or UsageError for values that cannot stand together."""
        if self.step != "build":
            raise RecipeError(
                f"The recipe's step is {self.step!r}, not build.",
                value=self.step,
                limit="build",
                remedy="Run it with `athanor run`, which takes any step.",
            )
        for path in (*self.inputs, *filter(None, [self.questions])):
            _refuse_unwritable(path)
        if self.minutes is not None and not 0 < self.minutes <= MOST_MINUTES:
            raise UsageError(
                f"--minutes is {self.minutes}; it must be more than 0 and at most {MOST_MINUTES}.",
                value=self.minutes,
                limit=MOST_MINUTES,
                remedy="Say how many minutes the build may take, such as --minutes 5.",
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise UsageError(
                f"--seed is {self.seed}.",
                value=self.seed,
                limit=[0, MAX_SEED],
                remedy="Give a seed that is not negative.",
            )
        if self.minutes is not None and self.train.steps is not None:
            raise UsageError(
                f"train.steps={self.train.steps} and --minutes {self.minutes:g} cannot both rule.",
                value=self.train.steps,
                remedy="Give either train.steps or --minutes.",
            )
        if self.train.falls is not None and self.train.steps is None:
            raise UsageError(
                "train.falls says at which steps the rate falls, but the clock rules this build.",
                value=[list(fall) for fall in self.train.falls],
                remedy="Give train.steps too, or leave train.falls to the clock.",
            )

    @property
    def budget_seconds(self) -> float | None:
        """What the clock allows, None when the steps rule."""
        if self.train.steps is not None:
            return None
        return 60 * (self.minutes if self.minutes is not None else DEFAULT_MINUTES)

    @property
    def training_seed(self) -> int:
        """The seed of weights and data order."""
        return self.seed if self.train.seed is None else self.train.seed


def _refuse_unwritable(path: str) -> None:
    """Raise RecipeError for a path that the assistant's recipe could not hold, before a budget is spent on it."""
    if not Path(path).exists():  # whoever reads it says so
        return
    full = str(Path(path).resolve())
    try:
        full.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(full).decode("utf-8", "backslashreplace")
        raise RecipeError(
            f"The path {shown} is no UTF-8.",
            value=shown,
            limit="a path in UTF-8, since a recipe keeps it",
            remedy="Rename that part of it, or run under a UTF-8 locale (LANG=C.UTF-8).",
        ) from None
