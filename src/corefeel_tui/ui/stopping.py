"""Ctrl+C and leaving: stop what is going on, ask where that is meant to end the app, end it.

Knows the app; what is asked on the way out is `dialogs`'s.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp

TWICE = 2.0
"""Seconds in which a second Ctrl+C asks to quit."""


class Stopping:
    """Remembers when Ctrl+C was pressed last."""

    def __init__(self, app: CorefeelApp) -> None:
        self._app = app
        self._pressed = 0.0

    async def stop(self) -> None:
        """Stop the run or take the waiting prompt back; twice, or with neither, ask to quit."""
        app = self._app
        prompt = app.compare.prompt
        if app.screen is app.compare and prompt.has_focus and prompt.selected_text:
            app.copy_to_clipboard(prompt.selected_text)
            return
        again = monotonic() - self._pressed < TWICE
        self._pressed = monotonic()
        if again:
            app.dialogs.ask_to_quit()
        elif app.waiting.text:
            app.waiting.give_back()
            app.refresh_status()
        elif app.desk.running:
            await app.desk.cancel()
        else:
            app.tell("press ^C again to quit")

    async def quit(self) -> None:
        """Leave, unless something is going on and the reader has not been asked yet."""
        app = self._app
        busy = app.desk.running or app.batch.queue.unfinished
        if busy and not app.dialogs.quitting:
            app.dialogs.ask_to_quit()
        else:
            await self.close()

    async def close(self) -> None:
        """Stop every client, then leave."""
        for feed in (self._app.desk.live, *self._app.player.feeds):
            await feed.client.stop()
        self._app.exit()
