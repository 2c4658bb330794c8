"""What an unfinished run was doing: the choices it began with, and how far it came.

A resumed run never chooses again: the machine may have been measured anew since.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from athanor.artifacts.runs import Run
from athanor.core.errors import InputError
from athanor.core.files import write_atomic
from athanor.pipelines.plan import Choice
from athanor.train import checkpoint

FILE = "choice.json"


@dataclass(frozen=True)
class Unfinished:
    """step: of the newest checkpoint. spent: seconds of the budget used up to it."""

    step: int
    spent: float
    choice: Choice


def keep_choice(run: Run, choice: Choice) -> None:
    """Write down what the run begins with."""
    write_atomic(run.folder / FILE, msgspec.json.encode(choice))


def find_unfinished(run: Run, strict: bool = True) -> Unfinished | None:
    """What lies in a run, None where there is nothing to go on from.

    strict: raise InputError for a damaged checkpoint; else it counts as nothing.
    """
    try:
        state = checkpoint.peek(run.folder / "checkpoints")
        choice = msgspec.json.decode((run.folder / FILE).read_bytes(), type=Choice)
    except InputError:
        if strict:
            raise
        return None
    except (OSError, msgspec.MsgspecError):
        return None
    return None if state is None else Unfinished(state["step"], state["spent"], choice)
