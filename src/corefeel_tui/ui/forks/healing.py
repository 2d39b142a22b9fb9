"""The heal test in the app: which fork is meant, what is asked, and where the outcome goes.

Knows the app, feeds and the screens of this room; nothing of what is drawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from corefeel_tui import events as ev
from corefeel_tui.commands import Cancel, Heal
from corefeel_tui.errors import CorefeelError
from corefeel_tui.folding import Record, Run, apply, fold
from corefeel_tui.ui.feed import Feed
from corefeel_tui.ui.forks.addendum import keep_addendum

if TYPE_CHECKING:
    from corefeel_tui.forks import Place
    from corefeel_tui.ui.app import CorefeelApp
    from corefeel_tui.ui.forks.heal_screen import HealScreen
    from corefeel_tui.ui.forks.tally_screen import TallyScreen


@dataclass(slots=True)
class Job:
    """A heal that was asked for; the outcome goes to every one of `records`."""

    run: str
    records: tuple[Record, ...]


class HealControl:
    """What the keys of the heal test do."""

    def __init__(self, app: CorefeelApp) -> None:
        self._app = app
        self._jobs: dict[str, Job] = {}
        self._one: HealScreen | None = None
        self._all: TallyScreen | None = None

    def available(self) -> bool:
        """Whether there is a fork to look into."""
        run = self._app.compare.reading.run
        return run is not None and any(own.fork is not None for own in run.trajectories.values())

    # --- healing ----------------------------------------------------------------------------------

    async def heal(self) -> None:
        """The current fork: what it was, or find out."""
        from corefeel_tui.ui.forks.heal_screen import HealScreen

        reading = self._app.compare.reading
        run = reading.run
        variant = self._variant(run) if run else None
        if run is None or variant is None:
            self._app.tell("no answer leaves the reference's here")
            return
        record = reading.feed.record
        place = run.started.run, variant
        if place not in record.healed and not await self._find_out(
            [place], record, (record,), reading.feed
        ):
            return
        self._one = HealScreen(record, run, variant)
        self._app.push_screen(self._one, self._after_one)

    def _variant(self, run: Run) -> str | None:
        """Whose fork is meant: the pane's, else one where the cursor or the eye is, else any."""
        from corefeel_tui.forks import forked

        reading, names = self._app.compare.reading, forked(run)
        if reading.pane in names:
            return reading.pane
        seen = reading.inspection()
        at = seen.position if seen else None
        here = [name for name in names if run.trajectories[name].fork == at]
        return next(iter([*here, *names]), None)

    async def _after_one(self, answer: str | None) -> None:
        self._one = None
        if answer == "all":
            await self.heal_all()
        elif answer == "next":
            await self._next_fork()

    async def _next_fork(self) -> None:
        from corefeel_tui.forks import forked

        reading = self._app.compare.reading
        run = reading.run
        names = forked(run) if run else []
        if run is None or not names:
            return
        at = names.index(reading.pane) if reading.pane in names else -1
        name = names[(at + 1) % len(names)]
        await self._app.compare.look_at(run.started.run, name, run.trajectories[name].fork)
        await self.heal()

    async def heal_all(self) -> None:
        """Every fork of the session, with a tally."""
        from corefeel_tui.forks import testable
        from corefeel_tui.ui.forks.tally_screen import TallyScreen

        feed = self._app.shown
        record = await self._whole(feed)
        if record is None:
            return
        self._all = TallyScreen(record)
        self._app.push_screen(self._all, self._after_all)
        going = any(record in job.records for job in self._jobs.values())
        places = testable(record)
        if places and not going:
            await self._find_out(places, record, (record, feed.record), feed)
            self._show()

    async def _whole(self, feed: Feed) -> Record | None:
        """The feed's record; of a session that plays or an item of one, all that the file holds."""
        if feed.path is None:
            return feed.record
        for job in self._jobs.values():
            if len(job.records) > 1 and job.records[1] is feed.record:
                return job.records[0]
        try:
            return await asyncio.to_thread(_read, feed.path)
        except CorefeelError as error:
            self._app.tell(str(error), "error")
            return None

    async def _after_all(self, place: Place | None) -> None:
        record = self._all.record if self._all else None
        self._all = None
        if place is None or record is None:
            return
        run, variant = place
        feed = self._app.shown
        self._app.player.hold(feed)
        if run not in feed.record.runs:
            feed.record = record  # a replay that has not come so far: go there
        await self._app.compare.look_at(run, variant, record.runs[run].trajectories[variant].fork)
        await self.heal()

    async def _find_out(
        self, places: Sequence[Place], record: Record, into: tuple[Record, ...], feed: Feed
    ) -> bool:
        """Ask the engine; False where it cannot be asked, which is said."""
        from corefeel_tui import forks

        if reason := self._unready():
            self._app.tell(reason, "warning")
            return False
        now = self._app.desk.live.record.loaded
        try:
            here = forks.made_by(record, places, now) if now else places
            cases = [forks.case_of(record.runs[run], name).as_dict() for run, name in here]
        except CorefeelError as error:
            self._app.tell(str(error), "warning")
            return False
        many = len(cases) > 1
        command = Heal(f"heal-{token_hex(4)}", cases, background=many)
        keep_addendum(self._app, command.run, feed)
        self._jobs[command.run] = Job(command.run, into)
        await self._app.desk.send(command)
        return True

    def _unready(self) -> str:
        """Why the engine cannot be asked now; a run that goes on does not matter."""
        reason = self._app.desk.unready()
        return "" if self._app.desk.running and self._app.desk.live.record.loaded else reason

    async def cancel(self) -> None:
        """End the tests that are going on; what they found stays."""
        for run in self._jobs:
            await self._app.desk.send(Cancel(run))

    # --- what the engine says ---------------------------------------------------------------------

    def meet(self, event: ev.Event) -> None:
        """Take in what concerns a heal."""
        job = self._jobs.get(getattr(event, "run", None) or "")
        if isinstance(event, ev.EngineDied):
            self._jobs.clear()
            self._end(event.reason)
        if job is None:
            return
        match event:
            case ev.Healed():
                self._take(job, event)
            case ev.Progress(done=done, total=total) if self._all is not None:
                self._all.progress = done, total
            case ev.Failed(reason=reason):
                self._end(reason)
            case ev.ItemFinished():
                del self._jobs[job.run]
                self._end("")
        self._show()

    def _take(self, job: Job, event: ev.Healed) -> None:
        live = self._app.desk.live.record
        for record in job.records:
            if record is not live:
                record.pieces.update(live.pieces)
                apply(record, event)

    def _end(self, reason: str) -> None:
        """Nothing more comes; say why where that was not to be expected."""
        if self._all is not None and not reason:
            self._all.progress, self._all.cancelling = None, False
        if self._one is not None and reason:
            self._one.fail(reason)

    def _show(self) -> None:
        if self._one is not None and self._one.is_mounted:
            self._one.show()
        if self._all is not None:
            self._all.show()


def _read(path: Path) -> Record:
    """Everything that a session's file holds of the models to compare.  Raises SessionError."""
    from corefeel_tui.sessions import read_session
    from corefeel_tui.ui.batch.opening import compared

    return fold(map(compared, read_session(path)[1]))
