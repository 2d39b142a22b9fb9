"""One batch as the screen keeps it: what was asked, how far it is, what came of it.

Pure state; knows neither client nor widget.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from corefeel_tui import events as ev

if TYPE_CHECKING:
    from corefeel_tui.batch_fold import Tally
    from corefeel_tui.gate import Judgement

PREFIX = "batch-"


class State(StrEnum):
    """What a batch is doing.  `waiting`: begun, and another one has its turn."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def pending(self) -> bool:
        """Whether it is not over."""
        return self.in_line or self is State.PAUSED

    @property
    def in_line(self) -> bool:
        """Whether it has its turn or wants it without being asked again."""
        return self in (State.QUEUED, State.RUNNING, State.WAITING)


@dataclass(slots=True)
class BatchRun:
    """`sent` tells whether the engine that runs now was asked for it; `reason` why it ended."""

    suites: tuple[str, ...]
    limit: int | None
    tally: Tally
    name: str = field(default_factory=lambda: f"{PREFIX}{token_hex(4)}")
    path: Path | None = None
    state: State = State.QUEUED
    sent: bool = False
    reason: str = ""
    judgement: Judgement | None = None
    quick: bool = False
    stop_collapsed: bool = False
    seed: int | None = None
    answers: int | None = None

    @property
    def title(self) -> str:
        """The suites, and how many items of each where that was limited."""
        names = " + ".join(self.suites)
        return f"{names} ≤ {self.limit}" if self.limit else names

    @property
    def fraction(self) -> float:
        """Finished items of the planned ones."""
        return self.tally.done / self.tally.planned if self.tally.planned else 0.0


def head_of(runs: Iterable[BatchRun]) -> BatchRun | None:
    """The run whose turn it is; where all the others are over, the first that rests."""
    pending = [run for run in runs if run.state.pending]
    return next((run for run in pending if run.state.in_line), next(iter(pending), None))


def batch_of(event: ev.Event) -> str:
    """The batch that an event belongs to; "" if to none."""
    run = getattr(event, "run", None) or ""
    return run.partition(":")[0] if run.startswith(PREFIX) else ""


def of_batch(event: ev.Event) -> bool:
    """Whether an event belongs to a batch."""
    return bool(batch_of(event))
