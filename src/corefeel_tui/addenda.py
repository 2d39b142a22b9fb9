"""What is found out later about a recorded session: appended to its file, beside all other files.

Knows session files and which run's events belong to which; nothing of what they mean.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from corefeel_tui import events as ev
from corefeel_tui.batch_log import Known
from corefeel_tui.errors import SessionError
from corefeel_tui.session_writer import SessionWriter, make_header
from corefeel_tui.sessions import read_session


class Addenda:
    """The sessions that are being added to, by the run that adds.

    Nothing is written at the end: a session that was cut off stays one.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._writers: dict[str, SessionWriter] = {}
        self._announced: set[str] = set()

    def begin(self, run: str, path: Path) -> None:
        """Let a run's events go to a session of the same weights.  Raises SessionError."""
        if self._known.loaded is None:
            raise SessionError("the models are still loading")
        earlier, _ = read_session(path)
        now = make_header(self._known.engine, self._known.loaded, {})
        # The same weights may stand elsewhere by now, beside other variants.
        same = replace(now, model=earlier.model, variants=earlier.variants)
        self._close(run)
        try:
            self._writers[run] = SessionWriter.reopen(path, same)
            if self._known.pieces:
                self._writers[run].append(ev.Pieces(dict(self._known.pieces)))
        except OSError as error:
            self._close(run)
            reason = (error.strerror or str(error)).lower()
            raise SessionError(f"{path} cannot be written: {reason}") from error

    def owns(self, event: ev.Event) -> bool:
        """Whether an event belongs to a session's addendum alone."""
        return getattr(event, "run", None) in self._writers

    async def store(self, event: ev.Event) -> ev.Notice | None:
        """Put an event on disk; says so where that fails, and gives the file up."""
        run = str(getattr(event, "run", ""))
        writer = self._writers.get(run)
        if writer is None or isinstance(event, ev.Progress):
            return None
        if isinstance(event, ev.Started):
            self._announced.add(run)
        over = isinstance(event, ev.ItemFinished)
        try:
            if not over or run in self._announced:
                writer.append(event)
            if over:
                await writer.sync()
                self._close(run)
        except OSError as error:
            return self._give_up(run, error)
        return None

    def share(self, event: ev.Event) -> list[ev.Notice]:
        """Tell every file the texts of tokens; a dead engine ends them all."""
        lost = []
        for run, writer in list(self._writers.items()):
            try:
                if isinstance(event, ev.Pieces):
                    writer.append(event)
            except OSError as error:
                lost.append(self._give_up(run, error))
        if isinstance(event, ev.EngineDied):
            self.finish()
        return lost

    def finish(self) -> None:
        """Let go of every file."""
        for run in list(self._writers):
            self._close(run)

    def _give_up(self, run: str, error: OSError) -> ev.Notice:
        path = self._writers[run].path
        self._close(run)
        reason = (error.strerror or str(error)).lower()
        return ev.Notice(f"{path} cannot be written: {reason}", "warning")

    def _close(self, run: str) -> None:
        self._announced.discard(run)
        if writer := self._writers.pop(run, None):
            writer.close()
