"""What feeds bring: looked at once a tick, and told to everyone whom it concerns.

Knows the app's parts that listen; nothing of what they draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from corefeel_tui import events as ev
from corefeel_tui.commands import Command
from corefeel_tui.ui.feed import Feed

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp

TICK = 0.04
"""Seconds between two looks at what arrived: one line of tokens."""


class Arrivals:
    """The feeds that are listened to."""

    def __init__(self, app: CorefeelApp) -> None:
        self._app = app
        self._due: set[int] = set()

    @property
    def draining(self) -> bool:
        """Whether something that arrived has not been shown yet."""
        return bool(self._due)

    def watch(self, feed: Feed, first: Command | None = None) -> None:
        """Start a feed, its first command sent."""
        self._app.run_worker(feed.pump(self._arrived, first))

    def _arrived(self, feed: Feed) -> None:
        if id(feed) not in self._due:
            self._due.add(id(feed))
            self._app.set_timer(TICK, lambda: self._drain(feed))

    async def _drain(self, feed: Feed) -> None:
        app, batch = self._app, feed.drain()
        if feed is app.desk.live:
            await self._drain_live(feed, batch)
        app.edge.absorb(feed, batch)
        if feed is app.shown:
            await app.compare.absorb(batch)
        app.refresh_status()
        self._due.discard(id(feed))
        if feed.waiting:
            self._arrived(feed)

    async def _drain_live(self, feed: Feed, batch: Sequence[ev.Event]) -> None:
        """What the live client says of batches and recordings, and beyond the run on show."""
        apart, feed.apart = feed.apart, []
        await self._app.batch.take(apart)
        for event in [*batch, *feed.passed_on()]:
            await self._meet(event)
        for guest in feed.guests.values():
            if guest.waiting:
                self._arrived(guest)

    async def _meet(self, event: ev.Event) -> None:
        app = self._app
        if not app.edge.owns(event):
            app.desk.meet(event)
        await app.batch.meet(event)
        app.forks.meet(event)
        match event:
            case ev.Loaded():
                await app.player.stop_sample()
                app.switching.remember()
            case ev.EngineDied() if app.desk.live.live:
                app.dialogs.tell_death(event)
        await app.waiting.meet(event)
