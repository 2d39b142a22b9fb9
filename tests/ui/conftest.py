"""How UI tests run the app: a scripted client, a size, and waiting on conditions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot

from corefeel_tui.commands import Load
from corefeel_tui.events import Event
from corefeel_tui.ui.app import CorefeelApp, make_app
from tests.ui import stream
from tests.ui.scripted import ScriptedClient


@dataclass
class Stage:
    """A running app with the client behind it."""

    app: CorefeelApp
    pilot: Pilot[None]
    client: ScriptedClient

    async def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait for a condition, not for a time."""
        async with asyncio.timeout(seconds):
            while not condition():
                await self.pilot.pause()
                await asyncio.sleep(0.005)

    async def say(self, events: Iterable[Event]) -> None:
        """Let the engine speak, and the app take all of it in."""
        self.client.say(*events)
        feed = self.app.desk.live
        await self.until(
            lambda: self.client.empty and not feed.waiting and not self.app.arrivals.draining
        )
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def pane(self, name: str) -> Any:
        return self.app.compare.board.panes.pane(name)

    def text(self, name: str) -> str:
        """What a pane's token view shows, row by row."""
        return rows(self.pane(name).text)

    def line(self, widget: Any, y: int = 0) -> str:
        return str(widget.render_line(y).text)

    @property
    def notices(self) -> list[str]:
        return [note.message for note in self.app._notifications]


def rows(view: Any) -> str:
    """Every visible row of a line widget."""
    return "\n".join(view.render_line(y).text.rstrip() for y in range(view.size.height)).rstrip()


@asynccontextmanager
async def stage(
    size: tuple[int, int] = (120, 35),
    events: Iterable[Event] | None = None,
    client: ScriptedClient | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    """The app with `events` (a whole comparison by default) shown, prompt focused."""
    client = client or ScriptedClient()
    options.setdefault("load", Load(None, list(stream.ANSWERS)) if client.live else None)
    app = make_app(client, **options)
    async with app.run_test(size=size) as pilot:
        on = Stage(app, pilot, client)
        await on.say(stream.session() if events is None else events)
        yield on
