"""Recordings in the app: the sample while a model loads, and sessions opened again.

Knows replay clients; nothing of what is drawn.
"""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import TYPE_CHECKING

from corefeel_tui.client import Client
from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.feed import Feed

if TYPE_CHECKING:
    from corefeel_tui.replay import ReplayClient
    from corefeel_tui.ui.app import CorefeelApp

SPEEDS = (1.0, 4.0, math.inf)
SAMPLE = "sample"


class Player:
    """The feeds that are recordings."""

    def __init__(self, app: CorefeelApp, sample: Client | Path | None) -> None:
        self._app = app
        self._sample_source = sample
        self.feeds: list[Feed] = []

    def playing(self, feed: Feed) -> bool:
        """Whether a feed can be paused and sped up: it is a recording and not at its end."""
        if feed.live or not hasattr(feed.client, "speed"):
            return False
        return _replay(feed).position < _replay(feed).duration

    def label(self, feed: Feed) -> str:
        """What the status bar calls a feed that is not live."""
        if feed.live or not feed.label:
            return ""
        if not self.playing(feed) or feed.label == SAMPLE:
            return feed.label  # nothing to say of the pace
        speed = _replay(feed).speed
        pace = "paused" if _replay(feed).paused else "max" if speed == math.inf else f"{speed:g}×"
        return f"{feed.label} {pace}"

    # --- the sample -------------------------------------------------------------------------------

    def play_sample(self) -> None:
        """Show the product while a model loads."""
        if self._sample_source is not None:
            self._app.run_worker(self._play_sample(self._sample_source))

    async def _play_sample(self, source: Client | Path) -> None:
        client: Client | None = await _open(source) if isinstance(source, Path) else source
        if client is not None and self._app.desk.live.record.loaded is None:
            await self._play(Feed(client, SAMPLE))

    async def stop_sample(self) -> None:
        """The models are there: show them."""
        for feed in [feed for feed in self.feeds if feed.label == SAMPLE]:
            await self._close(feed)

    # --- sessions ---------------------------------------------------------------------------------

    async def open(self, path: Path) -> None:
        """Play a saved session."""
        try:
            client = await asyncio.to_thread(_load, path)
        except CorefeelError as error:
            self._app.tell(str(error), "error")
            return
        await self.leave_replay()
        await self._play(Feed(client, f"replay {path.stem[:32]}", path))
        self._app.compare.enter_panes()

    async def show_item(self, feed: Feed) -> None:
        """Look at one item of a batch, all of it at once."""
        await self.leave_replay()
        self.feeds.append(feed)
        await self._app.show_feed(feed)

    async def leave_replay(self) -> None:
        """Back to the live models."""
        for feed in list(self.feeds):
            await self._close(feed)

    async def _play(self, feed: Feed) -> None:
        self.feeds.append(feed)
        await self._app.show_feed(feed)
        self._app.arrivals.watch(feed)

    async def _close(self, feed: Feed) -> None:
        self.feeds.remove(feed)
        await feed.client.stop()
        if self._app.shown is feed:
            await self._app.show_feed(self._app.desk.live)

    # --- pace -------------------------------------------------------------------------------------

    async def pause(self) -> None:
        """Hold the recording, or let it go on."""
        client = _replay(self._app.shown)
        client.paused = not client.paused

    def hold(self, feed: Feed) -> None:
        """Let a recording rest, so that what the reader went to stays on show."""
        if self.playing(feed):
            _replay(feed).paused = True

    async def speed(self) -> None:
        """1×, 4×, at once, and round again."""
        client = _replay(self._app.shown)
        at = SPEEDS.index(client.speed) if client.speed in SPEEDS else -1
        client.speed = SPEEDS[(at + 1) % len(SPEEDS)]


def _replay(feed: Feed) -> ReplayClient:
    from typing import cast

    return cast("ReplayClient", feed.client)


def _load(path: Path) -> ReplayClient:
    from corefeel_tui.replay import ReplayClient

    return ReplayClient(path)


async def _open(path: Path) -> ReplayClient | None:
    """The sample; a missing one is no reason to say anything."""
    try:
        return await asyncio.to_thread(_load, path)
    except CorefeelError:
        return None
