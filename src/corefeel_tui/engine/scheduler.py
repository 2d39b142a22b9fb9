"""Whose turn it is: jobs that advance a step at a time, interactive ones before background ones.

Knows generators of events; no model, no pipe.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from corefeel_tui import events as ev
from corefeel_tui.errors import CorefeelError

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """Steps of one command.  `run` is None for a load, which cannot be cancelled.

    A `probing` one was asked for by a person who goes on typing meanwhile.
    """

    run: str | None
    steps: Iterator[ev.Event | None] = field(default_factory=lambda: iter(()))
    background: bool = False
    probing: bool = False
    cancelled: bool = False
    paused: bool = False

    @property
    def rank(self) -> tuple[bool, bool]:
        """Smaller goes first: an answer or a needle, then probing, then a batch."""
        return self.background, self.probing


class Scheduler:
    """A queue in three classes; the oldest job of the first class always goes first."""

    def __init__(self, emit: Callable[[ev.Event], None]) -> None:
        self._emit = emit
        self._jobs: list[Job] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def submit(self, job: Job) -> None:
        """Queue a job behind those of its class."""
        self._jobs.append(job)

    def cancel(self, run: str) -> None:
        """Let a run end after the token it is computing; unknown runs are none of our business."""
        for job in self._jobs:
            if job.run == run:
                job.cancelled = True

    def pause(self, run: str, paused: bool) -> None:
        """Let a run rest, or go on."""
        for job in self._jobs:
            if job.run == run:
                job.paused = paused

    @property
    def busy(self) -> bool:
        """Whether any job can advance."""
        return any(not job.paused or job.cancelled for job in self._jobs)

    def step(self) -> None:
        """Advance the first job to its next resting point (or its end)."""
        ready = [job for job in self._jobs if not job.paused or job.cancelled]
        if not ready:
            return
        job = min(ready, key=lambda job: job.rank)
        try:
            for event in job.steps:
                if event is None:
                    return
                self._emit(event)
        except CorefeelError as error:
            self._fail(job, str(error))
        except Exception as error:
            log.exception("a job failed")
            self._fail(job, f"the engine stumbled: {type(error).__name__}: {error}")
        self._jobs.remove(job)

    def _fail(self, job: Job, reason: str) -> None:
        self._emit(ev.Failed(reason, run=job.run, fatal=job.run is None))
        if job.run is not None:
            self._emit(ev.ItemFinished(job.run, "failed"))
