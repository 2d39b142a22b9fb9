"""Session files of batches that run beside a conversation: each gets its own runs and no others.

Knows which lines belong to which batch; nothing of what the events mean or are shown on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from corefeel_tui import events as ev
from corefeel_tui.costs import retold
from corefeel_tui.errors import SessionError
from corefeel_tui.session_writer import SessionWriter, make_header


@dataclass(slots=True)
class Known:
    """What a file begun or gone on with later needs, told to the engine's listeners long ago."""

    engine: ev.EngineStarted | None = None
    loaded: ev.Loaded | None = None
    failed_variants: list[ev.Failed] = field(default_factory=list)
    pieces: dict[str, str] = field(default_factory=dict)

    def take(self, event: ev.Event) -> None:
        """Remember an event where it is of that kind."""
        match event:
            case ev.EngineStarted():
                self.engine = event
            case ev.Loaded():
                self.loaded = event
            case ev.Timed() if self.loaded:
                variants = retold(self.loaded.variants, event.variants)
                self.loaded = replace(self.loaded, variants=variants)
            case ev.Failed(run=None, variant=str()):
                self.failed_variants.append(event)
            case ev.Pieces():
                self.pieces.update(event.texts)

    def preface(self) -> list[ev.Event]:
        """What a reader must know before the next run."""
        loaded: list[ev.Event] = [self.loaded] if self.loaded else []
        pieces: list[ev.Event] = [ev.Pieces(dict(self.pieces))] if self.pieces else []
        return [*loaded, *self.failed_variants, *pieces]


def batch_of(event: ev.Event) -> str:
    """The run an event belongs to, without the part that names an item; "" if it has none."""
    return (getattr(event, "run", None) or "").partition(":")[0]


class BatchLogs:
    """The files of the batches that are going on, by run.

    A batch whose file cannot be written any more is given up here: its events are swallowed up to
    its end, so that nothing is shown that is not on disk.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._writers: dict[str, SessionWriter] = {}
        self._given_up: set[str] = set()

    def begin(self, run: str, path: Path) -> None:
        """Make the file of a batch, or go on with it.  Raises SessionError if neither can be."""
        if self._known.loaded is None:
            raise SessionError("the models are still loading")
        header = make_header(self._known.engine, self._known.loaded, {})
        self._close(run)
        self._given_up.discard(run)
        try:
            again = path.exists()
            writer = SessionWriter.reopen(path, header) if again else SessionWriter(path, header)
            self._writers[run] = writer
            for line in self._known.preface():
                writer.append(line)
        except OSError as error:
            self._close(run)
            reason = (error.strerror or str(error)).lower()
            raise SessionError(f"{path} cannot be written: {reason}") from error

    def owns(self, event: ev.Event) -> bool:
        """Whether an event is told to a batch's file alone."""
        run = batch_of(event)
        return run in self._writers or run in self._given_up

    async def store(self, event: ev.Event) -> Iterator[ev.Event]:
        """Put a batch's own event on disk; what may be shown then: it, or why it was not stored."""
        run = batch_of(event)
        writer = self._writers.get(run)
        if writer is None:
            return iter([event] if self._ended(event) else [])
        try:
            writer.append(event)
            if isinstance(event, ev.ItemFinished):
                if event.run == run:
                    writer.append(ev.SessionFinished(event.status))
                if event.run == run or event.item is not None:
                    await writer.sync()
        except OSError as error:
            return iter([self._give_up(run, error)])
        if isinstance(event, ev.ItemFinished) and event.run == run:
            self._close(run)
        return iter([event])

    def share(self, event: ev.Event) -> list[ev.Failed]:
        """Tell every file what all of them need; the batches that had to be given up."""
        failed = []
        if isinstance(event, ev.Pieces | ev.EngineDied):
            for run, writer in list(self._writers.items()):
                try:
                    writer.append(event)
                except OSError as error:
                    failed.append(self._give_up(run, error))
        if isinstance(event, ev.EngineDied):
            for run in list(self._writers):
                self._close(run)
        return failed

    async def finish(self) -> None:
        """Close all files in order: these batches were cancelled."""
        for run, writer in list(self._writers.items()):
            try:
                writer.append(ev.SessionFinished("cancelled"))
                await writer.sync()
            except OSError:
                pass  # the reader will call the session cut off, which it then is
            finally:
                self._close(run)

    def _give_up(self, run: str, error: OSError) -> ev.Failed:
        path = self._writers[run].path
        self._close(run)
        self._given_up.add(run)
        reason = (error.strerror or str(error)).lower()
        return ev.Failed(f"{path} cannot be written: {reason}; nothing finished is lost", run=run)

    def _ended(self, event: ev.Event) -> bool:
        """Whether a batch that was given up has come to rest."""
        over = isinstance(event, ev.ItemFinished) and event.run == batch_of(event)
        if over:
            self._given_up.discard(batch_of(event))
        return over

    def _close(self, run: str) -> None:
        if writer := self._writers.pop(run, None):
            writer.close()
