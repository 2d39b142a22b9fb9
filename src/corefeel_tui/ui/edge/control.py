"""What belongs to the Edge screen while it is not open: its events, folded per feed, and its door.

Knows the app and its feeds; draws nothing.  Light to import: the first paint waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from corefeel_tui import events as ev
from corefeel_tui.ui.edge import PREFIX
from corefeel_tui.ui.feed import Feed

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import EdgeRecord
    from corefeel_tui.ui.app import CorefeelApp
    from corefeel_tui.ui.edge.screen import EdgeScreen

TOLD = (
    ev.Margins,
    ev.EdgeStarted,
    ev.WordMargin,
    ev.RungMargin,
    ev.Ranked,
    ev.Tried,
    ev.EdgeFound,
    ev.EdgeSearched,
)
"""Events that are an edge's alone."""

SHARED = (ev.Progress, ev.ItemFinished, ev.Failed)
"""Events that may be."""


class EdgeControl:
    """`screen` is made when it is first opened, and kept."""

    def __init__(self, app: CorefeelApp) -> None:
        self._app = app
        self._records: WeakKeyDictionary[Feed, EdgeRecord] = WeakKeyDictionary()
        self._models: WeakKeyDictionary[Feed, str] = WeakKeyDictionary()
        self.screen: EdgeScreen | None = None
        self.progress: ev.Progress | None = None

    @property
    def open(self) -> bool:
        """Whether the screen is there, perhaps under a dialog."""
        return self.screen is not None and self.screen in self._app.screen_stack

    def record(self, feed: Feed) -> EdgeRecord:
        """What a feed has told of edges."""
        from corefeel_tui.edge.fold import EdgeRecord

        return self._records.setdefault(feed, EdgeRecord())

    def owns(self, event: ev.Event) -> bool:
        """Whether an event belongs to a run that was asked for here."""
        return str(getattr(event, "run", None) or "").startswith(PREFIX)

    def absorb(self, feed: Feed, batch: Sequence[ev.Event]) -> None:
        """Fold what a feed tells of edges, and show it where it is looked at."""
        mine = [event for event in batch if isinstance(event, TOLD) or self._shares(feed, event)]
        models = any(isinstance(event, ev.Loaded | ev.EngineDied) for event in batch)
        if models:
            self._forget_another_model(feed)
        if mine:
            from corefeel_tui.edge.fold import apply

            record = self.record(feed)
            for event in mine:
                apply(record, event)
                if isinstance(event, ev.Progress):
                    self.progress = event
        if feed is not self._app.shown or not (mine or models):
            return
        if self.open and self.screen is not None:
            self.screen.take()
        elif mine and not feed.live and not feed.record.runs and self.screen is None:
            self.toggle_edge()

    def _shares(self, feed: Feed, event: ev.Event) -> bool:
        return isinstance(event, SHARED) and (feed in self._records or self.owns(event))

    def _forget_another_model(self, feed: Feed) -> None:
        """Margins of another model are no trail of this one; their session keeps them."""
        loaded = feed.record.loaded
        if loaded is None:
            return
        if self._models.setdefault(feed, loaded.model) != loaded.model:
            self._models[feed] = loaded.model
            self._records.pop(feed, None)

    def attach(self) -> None:
        """Another feed is on show."""
        if self.open and self.screen is not None:
            self.screen.attach()

    async def do(self, name: str) -> None:
        """Do what a key of the screen, its footer or the palette asks for."""
        if name == "toggle_edge":
            self.toggle_edge()
        elif self.open and self.screen is not None:
            from corefeel_tui.ui.edge.deeds import Deeds

            done = getattr(Deeds(self._app, self.screen), name)()
            if isawaitable(done):
                await done

    def available(self, name: str) -> bool:
        """Whether an action would do something."""
        if name == "toggle_edge":
            return True
        if not self.open or self.screen is None:
            return False
        from corefeel_tui.ui.edge.hints import available

        return available(self.screen, name)

    def toggle_edge(self) -> None:
        """Open the screen, or go back to Compare."""
        from corefeel_tui.ui.edge.screen import EdgeScreen

        if self.open and self.screen is not None:
            self.screen.leave()
            return
        if self.screen is None:
            self.screen = EdgeScreen(self._app)
            self._app.install_screen(self.screen, "edge")
        self._app.push_screen(self.screen)
