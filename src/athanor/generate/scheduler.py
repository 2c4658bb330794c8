"""Who runs next: waiting requests take free memory slots in order of arrival, running ones decode together.

Knows requests and slot numbers, no network. Prompts are read in chunks of a bounded number of tokens, and between two
such chunks every running answer gets its next token, so that neither waits long for the other.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from athanor.generate.request import Request

PREFILL_TOKENS = 2048  # of prompts read in one step


@dataclass
class Work:
    """One row of a step: these ids of a request, written to `slot` from `start` on."""

    request: Request
    slot: int
    start: int
    ids: list[int]

    @property
    def ready(self) -> bool:
        """Whether the row's last logits choose a new token."""
        return self.start + len(self.ids) == self.request.length


@dataclass
class Scheduler:
    """Slots of a memory and the requests in them."""

    slots: int
    waiting: deque[Request] = field(default_factory=deque)
    running: dict[int, Request] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    """Positions of each slot that are in memory."""
    just_read: bool = False
    """Whether the newest step read prompts; the next one decodes, where anything does."""

    def submit(self, request: Request) -> None:
        """Queue a request."""
        self.waiting.append(request)

    @property
    def busy(self) -> bool:
        """Whether anything is waiting or running."""
        return bool(self.waiting or self.running)

    def release_finished(self) -> list[Request]:
        """Free the slots of requests that are done, and forget done ones that wait; those requests."""
        released = [request for request in (*self.running.values(), *self.waiting) if request.done]
        for slot in [slot for slot, request in self.running.items() if request.done]:
            del self.running[slot], self.read[slot]
        if released:
            self.waiting = deque(request for request in self.waiting if not request.done)
        return released

    def next(self) -> list[Work]:
        """Rows for one step: all that decode, or else prompts to read, never both (their rows differ in length)."""
        self._admit()
        rows = [Work(request, slot, self.read[slot], self._unread(slot)) for slot, request in self.running.items()]
        decoding = [row for row in rows if len(row.ids) == 1]
        reading = [row for row in rows if len(row.ids) > 1]
        self.just_read = bool(reading) and not (self.just_read and decoding)
        return self._bounded(reading) if self.just_read else decoding

    def advance(self, rows: list[Work]) -> None:
        """Note that the step for these rows has run."""
        for row in rows:
            self.read[row.slot] = row.start + len(row.ids)

    def _admit(self) -> None:
        free = [slot for slot in range(self.slots) if slot not in self.running]
        for slot in free:
            if not self.waiting:
                return
            self.running[slot] = self.waiting.popleft()
            self.read[slot] = 0

    def _unread(self, slot: int) -> list[int]:
        request = self.running[slot]
        return (request.prompt + request.ids)[self.read[slot] :]

    def _bounded(self, rows: list[Work]) -> list[Work]:
        rows.sort(key=lambda row: len(row.ids))
        taken: list[Work] = []
        for row in rows:
            row.ids = row.ids[:PREFILL_TOKENS]
            if taken and (len(taken) + 1) * len(row.ids) > PREFILL_TOKENS:
                break
            taken.append(row)
        return taken
