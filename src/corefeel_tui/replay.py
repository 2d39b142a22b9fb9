"""A recorded session in the place of an engine: the same face, no model, no tokenizer.

Knows time and the session file; nothing of how events are shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path

from corefeel_tui.commands import (
    Ask,
    Command,
    Heal,
    Ladder,
    Load,
    Meter,
    Scan,
    Score,
    Search,
)
from corefeel_tui.errors import EngineError
from corefeel_tui.events import Event, Loaded, SessionHeader, Tokens
from corefeel_tui.paths import sample_session
from corefeel_tui.sessions import read_timed

LINE_SECONDS = 0.04
"""Time a line of the reference's tokens stands for where the file tells none."""

LONGEST_PAUSE = 1.0
"""Seconds; nobody wants to wait again while somebody thinks about the next prompt."""

TICK = 0.05
"""Seconds after which a change of speed or a pause is felt."""

QUESTIONS = Ask | Heal | Ladder | Load | Meter | Scan | Score | Search
"""What only a model can answer."""


class ReplayClient:
    """Plays events at their own pace times `speed` (inf: at once).

    The iterator of `events` ends with the recording, or early after `stop`; `restart` plays from
    the first line again.  `position` and `duration` are in seconds of the recording.
    """

    live = False

    def __init__(self, source: Path | Iterable[Event], speed: float = 1.0) -> None:
        self.header: SessionHeader | None = None
        timed: Iterable[tuple[float | None, Event]]
        if isinstance(source, Path):
            self.header, timed = read_timed(source)
        else:
            timed = ((None, event) for event in source)
        self._schedule: Sequence[tuple[float, Event]] = list(_paced(timed))
        self.speed = speed
        self.paused = False
        self.position = 0.0
        self.duration = self._schedule[-1][0] if self._schedule else 0.0
        self._next = 0
        self._stopped = False

    async def start(self) -> None:
        """Nothing to start."""

    async def send(self, command: Command) -> None:
        """A recording cannot answer.  Raises EngineError if it is asked to."""
        if isinstance(command, QUESTIONS):
            raise EngineError("this is a recording: open a model to ask it something")

    async def events(self) -> AsyncIterator[Event]:
        """The recording's events, each when its time has come."""
        while self._next < len(self._schedule) and not self._stopped:
            time, event = self._schedule[self._next]
            if await self._reach(time):
                self._next += 1
                yield event

    async def restart(self) -> None:
        """From the first line again."""
        self._next, self.position, self._stopped = 0, 0.0, False

    async def stop(self) -> None:
        """End the iterator at its next step."""
        self._stopped = True

    async def _reach(self, time: float) -> bool:
        """Let at most one tick pass; whether `time` has come."""
        if self.paused or self.speed <= 0:
            await asyncio.sleep(TICK)
            return False
        left = max(time - self.position, 0.0) / self.speed
        if left == 0:
            self.position = max(self.position, time)
            await asyncio.sleep(0)
            return True
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.sleep(min(left, TICK))
        self.position = min(time, self.position + (loop.time() - begun) * self.speed)
        return self.position >= time


def sample_path() -> Path:
    """The recording that plays while a model loads."""
    return sample_session()


def _paced(timed: Iterable[tuple[float | None, Event]]) -> Iterator[tuple[float, Event]]:
    """Events with the time each is due: stored gaps, shortened, or made up where none is stored."""
    due, previous, reference = 0.0, None, None
    for stored, event in timed:
        if isinstance(event, Loaded):
            reference = event.reference
        if stored is not None:
            gap = stored - previous if previous is not None else 0.0
            previous = stored
            due += min(max(gap, 0.0), LONGEST_PAUSE)
        elif isinstance(event, Tokens) and event.trajectory == reference:
            due += LINE_SECONDS
        yield due, event
