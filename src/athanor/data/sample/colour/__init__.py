"""What the town's papers say between the facts: weather, neighbours, opinions. One file a language, data only.

No sentence here states anything that can be asked. `{…}` are slots, filled from SLOTS.
"""

from __future__ import annotations

from athanor.data.sample.colour import chinese, english
from athanor.data.sample.things import Language

SLOTS: dict[Language, dict[str, tuple[str, ...]]] = {"en": english.SLOTS, "zh": chinese.SLOTS}
GENERAL: dict[Language, tuple[str, ...]] = {"en": english.GENERAL, "zh": chinese.GENERAL}
OF_KIND: dict[Language, dict[str, tuple[str, ...]]] = {"en": english.OF_KIND, "zh": chinese.OF_KIND}
