"""Who runs next: waiting requests take free memory slots in order of arrival, running ones decode together.

Knows requests and slot numbers, no network. Prompts are read in chunks of a bounded number of tokens, and between two
such chunks every running answer gets its next token, so that neither waits long for the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
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
    forks: list[tuple[int, int]] = field(default_factory=list)
    """Memories to copy before the next step, (from, to) slots each; no slot is in both places."""
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
        self.forks = [pair for pair in self.forks if pair[1] in self.running]
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
            if self.running[row.slot] is row.request:  # no other beam since
                self.read[row.slot] = row.start + len(row.ids)

    def fork(self, beams: Sequence[tuple[Request, int]]) -> None:
        """Put the new beams of one request, each longer by one id, in the slots of the old ones.

        beams: each with the slot of the beam that it continues. The first one to continue a slot stays there, the
        others take slots that nobody continues.
        """
        whole, continued = beams[0][0].whole, {slot for _, slot in beams}
        free = [slot for slot, beam in self.running.items() if beam.whole is whole and slot not in continued]
        placed: dict[int, Request] = {}
        forks: list[tuple[int, int]] = []
        for beam, source in beams:
            slot = free.pop() if source in placed else source
            placed[slot] = beam
            forks += [(source, slot)] if slot != source else []
        self.running.update(placed | dict.fromkeys(free, beams[0][0]))
        length = beams[0][0].length
        self.read.update(dict.fromkeys(placed, length - 1) | dict.fromkeys(free, length))
        self.forks += forks

    def _admit(self) -> None:
        while self.waiting:
            needed = self.waiting[0].settings.num_beams
            # One with more beams than there are slots waits until all are free, and takes what it needs.
            free = [slot for slot in range(max(self.slots, needed)) if slot not in self.running]
            if len(free) < needed:
                return
            request = self.waiting.popleft()
            # A slot in which all is read makes no row: so do those that wait for beams.
            self.running.update(dict.fromkeys(free[:needed], request))
            self.read.update(dict.fromkeys(free[:needed], request.length) | {free[0]: 0})

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
