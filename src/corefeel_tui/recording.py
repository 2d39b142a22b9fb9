"""A client that leaves a session behind: each event is on disk before anybody sees it.

Knows what belongs into a session; nothing of what the events are shown on.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from corefeel_tui import events as ev
from corefeel_tui.addenda import Addenda
from corefeel_tui.batch_log import BatchLogs, Known
from corefeel_tui.client import Client
from corefeel_tui.commands import Cancel, Command, Load
from corefeel_tui.errors import EngineError, SessionError
from corefeel_tui.paths import sessions_directory
from corefeel_tui.session_writer import SessionWriter, create_session, make_header, slugify

Beginning = ev.Started | ev.Scored | ev.Planned | ev.Margins | ev.EdgeStarted | ev.Ranked
"""What a session file is made for."""


class Recorder:
    """A client whose events are appended to a session file before they are passed on.

    The file is made with the first run, so that looking around leaves nothing behind.  What cannot
    be written is said once, in a notice, and the work goes on unsaved.  A batch announced by
    `keep_batch` has a file of its own; one that cannot be written any more is cancelled.
    """

    def __init__(
        self, client: Client, path: Path | None = None, saving: bool = True, resume: bool = False
    ) -> None:
        """With `resume` an existing file at `path` goes on (SessionError if it cannot)."""
        self._client = client
        self._resume = resume
        self._given_path = path
        self._slug: str | None = None
        self._path: Path | None = None
        self._writer: SessionWriter | None = None
        self._known = Known()
        self._batches = BatchLogs(self._known)
        self._addenda = Addenda(self._known)
        self._unfinished: set[str] = set()
        self._preface_due = True
        self.saving = saving

    @property
    def live(self) -> bool:
        """Whether the client can be asked something new."""
        return self._client.live

    @property
    def path(self) -> Path | None:
        """The session file, still there after `stop`; None until there is one."""
        return self._path

    async def start(self) -> None:
        """Start the client."""
        await self._client.start()

    async def send(self, command: Command) -> None:
        """Pass a command on; `started` will tell of it in the file."""
        if isinstance(command, Load):
            self._known.failed_variants.clear()
        await self._client.send(command)

    async def restart(self) -> None:
        """Restart the client; the file goes on."""
        await self._client.restart()

    async def stop(self) -> None:
        """Stop the client and close the file with its last line."""
        await self._client.stop()
        await self._batches.finish()
        self._addenda.finish()
        await self._finish()
        self.saving = False

    async def _begin_anew_for(self, loaded: ev.Loaded) -> None:
        """Another model makes another session: the one so far gets its last line."""
        before = self._known.loaded
        if before is None or before.model == loaded.model:
            return
        await self._finish()
        self._known.pieces.clear()
        self._path = self._given_path = self._slug = None

    async def _finish(self) -> None:
        """Close the file in order, if there is one."""
        if self._writer is None:
            return
        status = "cancelled" if self._unfinished else "finished"
        try:
            self._writer.append(ev.SessionFinished(status))
            await self._writer.sync()
        except OSError:
            pass  # the reader will call the session cut off, which it then is
        finally:
            self._close()
            self._unfinished.clear()

    async def events(self) -> AsyncIterator[ev.Event]:
        """The client's events, stored; a notice where storing failed."""
        async for event in self._client.events():
            if isinstance(event, ev.Loaded):
                await self._begin_anew_for(event)
            self._known.take(event)
            if self._batches.owns(event):
                for shown in await self._batches.store(event):
                    await self._cancel_lost(shown)
                    yield shown
                continue
            if self._addenda.owns(event):
                if notice := await self._addenda.store(event):
                    yield notice
                yield event
                continue
            for notice in self._addenda.share(event):
                yield notice
            for lost in self._batches.share(event):
                await self._cancel_lost(lost)
                yield lost
            try:
                self._keep(event)
                if self.saving:
                    self._store(event)
                    if isinstance(event, ev.ItemFinished) and self._writer:
                        await self._writer.sync()
            except OSError as error:
                self.saving = False
                self._close()
                reason = (error.strerror or str(error)).lower()
                where = error.filename or self._given_path or sessions_directory()
                yield ev.Notice(f"nothing is being saved: {where}: {reason}", "warning")
            yield event

    def keep_batch(self, run: str, path: Path) -> None:
        """Give the batch that is about to be asked for its own file, new or to go on with.

        Raises SessionError where it cannot be written.
        """
        self._batches.begin(run, path)

    def keep_addendum(self, run: str, path: Path) -> None:
        """Put what a run finds out into a session recorded earlier with the same models.

        Raises SessionError where it cannot be written.
        """
        self._addenda.begin(run, path)

    async def _cancel_lost(self, event: ev.Event) -> None:
        """Let the engine rest where a batch's file could not be written."""
        if isinstance(event, ev.Failed) and event.run is not None and event.variant is None:
            with contextlib.suppress(EngineError):
                await self._client.send(Cancel(event.run))

    def toggle_saving(self) -> bool:
        """Stop storing at once, or store again from here on; returns whether it stores now."""
        self.saving = not self.saving
        self._preface_due = self.saving
        return self.saving

    def rename(self, slug: str) -> Path | None:
        """Give the session a speaking name.  Raises SessionError if the name is not to be had."""
        self._slug = slugify(slug)
        if self._writer:
            path = self._writer.path
            try:
                self._writer.rename(path.with_name(f"{path.name[:10]}-{self._slug}.jsonl"))
            except OSError as error:
                raise SessionError(
                    f"{path} cannot be renamed to “{self._slug}”: {error}"
                ) from error
            self._path = self._writer.path
        return self._path

    def _keep(self, event: ev.Event) -> None:
        """Remember which runs are not over."""
        match event:
            case ev.Started() | ev.EdgeStarted():
                self._unfinished.add(event.run)
            case ev.ItemFinished():
                self._unfinished.discard(event.run)

    def _store(self, event: ev.Event) -> None:
        loaded = self._known.loaded
        match event:
            case ev.EngineStarted() | ev.Loading() | ev.Timed() | ev.Status():
                return
            case ev.Notice() | ev.Progress():
                return
        if self._writer is None and loaded and isinstance(event, Beginning):
            self._open(event, loaded)
        if self._writer is None:
            return
        if self._preface_due:
            self._preface_due = False
            for line in self._known.preface():
                self._writer.append(line)
        self._writer.append(event)

    def _open(self, event: Beginning, loaded: ev.Loaded) -> None:
        sampling = event.sampling if isinstance(event, ev.Started) else {}
        prompt = getattr(event, "prompt", event.name)
        header = make_header(self._known.engine, loaded, sampling)
        if self._given_path and self._resume and self._given_path.exists():
            self._writer = SessionWriter.reopen(self._given_path, header)
        elif self._given_path:
            self._writer = SessionWriter(self._given_path, header)
        else:
            self._writer = create_session(self._slug or slugify(prompt), header)
        self._path = self._writer.path

    def _close(self) -> None:
        if self._writer:
            self._writer.close()
            self._writer, self._preface_due = None, True
