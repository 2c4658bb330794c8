"""Stop strings in a stream: nothing of a stop, and nothing after it, is ever given out."""

from __future__ import annotations

from collections.abc import Sequence


class StopFinder:
    """Feed text, get what may be shown. Of the stops that are complete, the one that begins earliest wins."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """What has become certain not to belong to a stop."""
        if self.stopped:
            return ""
        if not self._stops:
            return text
        self._held += text
        begin = self._first_stop()
        if begin is not None:
            self.stopped = True
            shown, self._held = self._held[:begin], ""
            return shown
        keep = self._longest_beginning()
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def finish(self) -> str:
        """What was held because a stop might have followed."""
        shown, self._held = self._held, ""
        return shown

    def _first_stop(self) -> int | None:
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if not places:
            return None
        return min(places)

    def _longest_beginning(self) -> int:
        most = max(len(stop) for stop in self._stops) - 1
        for length in range(min(most, len(self._held)), 0, -1):
            tail = self._held[-length:]
            if any(stop.startswith(tail) for stop in self._stops):
                return length
        return 0
