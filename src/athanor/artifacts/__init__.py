"""The artifact store: everything made is kept once, found again, and says what it was made from. No torch, no numpy."""

from athanor.artifacts.artifact import Artifact
from athanor.artifacts.draft import Draft
from athanor.artifacts.ids import KINDS, artifact_id, step_key
from athanor.artifacts.manifest import FileEntry, Manifest, Source, environment
from athanor.artifacts.runs import Run
from athanor.artifacts.store import Store

__all__ = [
    "KINDS",
    "Artifact",
    "Draft",
    "FileEntry",
    "Manifest",
    "Run",
    "Source",
    "Store",
    "artifact_id",
    "environment",
    "step_key",
]
