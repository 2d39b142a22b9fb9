"""One stream of events and the record it makes; drained in batches, never for long at once.

Knows a client and the fold; nothing of what is on the screen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from corefeel_tui.client import Client
from corefeel_tui.commands import Command
from corefeel_tui.errors import CorefeelError
from corefeel_tui.events import EngineDied, Event, Loaded, Pieces, Tokens
from corefeel_tui.folding import Record, apply
from corefeel_tui.ui.batch.run import of_batch

SLICE = 0.02
"""Longest time in seconds one drain folds before the screen gets its turn."""


class Feed:
    """A client's events, folded into `record`.  `label` is "" for what is live.

    What a live engine says of batches is not folded but put into `apart`, and what it says of the
    runs in `guests` goes to the feed of the recording that they belong to.  `path` is the session
    file of a recording.
    """

    def __init__(self, client: Client, label: str = "", path: Path | None = None) -> None:
        self.client = client
        self.label = label
        self.path = path
        self.guests: dict[str, Feed] = {}
        self._passed: list[Event] = []
        self.record = Record()
        self.run: str | None = None
        self.waiting: deque[Event] = deque()
        self.apart: list[Event] = []
        self.rate = 0.0
        self._counted = (0.0, 0)

    @property
    def live(self) -> bool:
        """Whether prompts can be sent here."""
        return self.client.live

    async def pump(self, arrived: Callable[[Feed], None], first: Command | None = None) -> None:
        """Start the client, send the first command, and queue what it says until it ends."""
        try:
            await self.client.start()
            if first is not None:
                await self.client.send(first)
            async for event in self.client.events():
                self.waiting.append(event)
                arrived(self)
        except CorefeelError as error:
            self.waiting.append(EngineDied(str(error)))
            arrived(self)

    def drain(self) -> list[Event]:
        """Fold what waits, for at most a slice of time; returns what was folded."""
        end = monotonic() + SLICE
        batch: list[Event] = []
        while self.waiting and (len(batch) % 16 or monotonic() < end):
            event = self.waiting.popleft()
            if self.live and of_batch(event):
                self.apart.append(event)
                continue
            if isinstance(event, Loaded) and self._is_of_another(event):
                self._begin_anew()
            if self._passes_on(event):
                continue
            apply(self.record, event)
            batch.append(event)
        self._measure(batch)
        return batch

    def _is_of_another(self, event: Loaded) -> bool:
        """Whether a model was loaded whose tokens and runs are not those so far."""
        before = self.record.loaded
        return before is not None and before.model != event.model

    def _begin_anew(self) -> None:
        """Runs of other models cannot be read with this one's pieces; their session keeps them."""
        self.record = Record(engine=self.record.engine, status=self.record.status)
        self.run = None

    def passed_on(self) -> list[Event]:
        """What went to guests since the last call."""
        passed, self._passed = self._passed, []
        return passed

    def _passes_on(self, event: Event) -> bool:
        """Give a guest what is its; texts of tokens are for everybody."""
        if isinstance(event, Pieces):
            for feed in self.guests.values():
                apply(feed.record, event)
        guest = self.guests.get(getattr(event, "run", None) or "")
        if guest is None:
            return False
        guest.waiting.append(event)
        self._passed.append(event)
        return True

    def _measure(self, batch: list[Event]) -> None:
        """Tokens per second of the reference's answer, over about a second."""
        run = self.record.runs.get(self.run or "")
        if run is None:
            return
        name = run.started.reference
        count = sum(len(e.ids) for e in batch if isinstance(e, Tokens) and e.trajectory == name)
        since, total = self._counted
        now = monotonic()
        if now - since >= 1.0:
            self.rate = total / (now - since) if now - since < 3 else 0.0
            self._counted = (now, count)
        else:
            self._counted = (since, total + count)
