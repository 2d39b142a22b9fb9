"""Where the reader is: feed, run, pane, cursor, selection, view.  Pure state, no widget."""

from __future__ import annotations

from dataclasses import dataclass

from corefeel_tui.folding import Run
from corefeel_tui.ui.feed import Feed
from corefeel_tui.ui.text import navigation
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.text.inspection import Inspection, inspect


@dataclass(slots=True)
class Reading:
    """`cursor` None lets the screen choose the most telling position."""

    feed: Feed
    pane: str = ""
    view: View = View.FREE
    cursor: int | None = None
    anchor: int | None = None
    focus_view: bool = False
    unfolded: bool = False

    @property
    def run(self) -> Run | None:
        """The run on show."""
        return self.feed.record.runs.get(self.feed.run or "")

    @property
    def reference(self) -> str:
        """The reference's name; "" until something tells."""
        loaded = self.feed.record.loaded
        if self.run:
            return self.run.started.reference
        return loaded.reference if loaded else ""

    @property
    def names(self) -> list[str]:
        """The models on show, the reference first."""
        loaded = self.feed.record.loaded
        if self.run:
            return self.run.started.variants
        return [str(variant["name"]) for variant in loaded.variants] if loaded else []

    @property
    def selection(self) -> range | None:
        """Selected positions of the pane."""
        if self.anchor is None or self.cursor is None:
            return None
        return range(min(self.anchor, self.cursor), max(self.anchor, self.cursor) + 1)

    def open_run(self, run: str | None) -> None:
        """Look at another run of the feed, from its beginning."""
        self.feed.run = run
        self.cursor = self.anchor = None
        if self.names and self.pane not in self.names:
            self.pane, self.focus_view = self.names[0], False

    def neighbour(self, step: int) -> str | None:
        """The run before (−1) or after this one."""
        runs = list(self.feed.record.runs)
        at = runs.index(self.feed.run) + step if self.feed.run in runs else -1
        return runs[at] if 0 <= at < len(runs) else None

    def move(self, pane: str, position: int, extend: bool) -> None:
        """Put the cursor; with `extend` select from where it was."""
        if not extend or pane != self.pane:
            self.anchor = None
        elif self.anchor is None:
            self.anchor = self.cursor
        self.pane, self.cursor = pane, position

    def enter(self, pane: str) -> None:
        """Go to another pane; the cursor comes along as far as that text reaches."""
        self.pane, self.anchor = pane, None
        if self.run and self.cursor is not None and pane in self.run.trajectories:
            length = len(navigation.shown(self.run, pane, self.view).ids)
            self.cursor = min(self.cursor, length - 1) if length else None

    def undo(self) -> bool:
        """Give up the selection, else the cursor; False if there was neither."""
        if self.anchor is not None:
            self.anchor = None
        elif self.cursor is not None:
            self.cursor = None
        else:
            return False
        return True

    def cursor_in(self, pane: str) -> int | None:
        """The cursor as another pane shows it: only where both stand on the same context."""
        run, cursor = self.run, self.cursor
        if run is None or cursor is None or pane == self.pane:
            return cursor
        if not {pane, self.pane} <= set(run.trajectories):
            return None
        same = navigation.same_context(run, self.pane, pane, cursor, self.view)
        return cursor if same else None

    def inspection(self) -> Inspection | None:
        """What every model says at the cursor, or at the most telling position."""
        run = self.run
        if run is None:
            return None
        pane, position = self.pane, self.cursor
        if position is None:
            pane, position = self.reference, navigation.telling_position(run)
        if position is None or pane not in run.trajectories:
            return None
        return inspect(self.feed.record, run, pane, position, self.view)

    def positions(self, kind: str) -> list[int]:
        """Where there are flips of this pane's model, or forks."""
        if self.run is None or self.pane not in self.run.trajectories:
            return []
        if kind == "fork":
            return navigation.forks(self.run)
        return navigation.flips(self.run, self.pane, self.view)

    def copied(self) -> tuple[str, str]:
        """The selected text, else the answer of the pane; and what it is."""
        run = self.run
        if run is None or self.pane not in run.trajectories:
            return "", ""
        shown = navigation.shown(run, self.pane, self.view)
        if self.selection is not None:
            chosen = shown.ids[self.selection.start : self.selection.stop]
            return self.feed.record.text(chosen), "the selection"
        text = shown.text if shown.text is not None else self.feed.record.text(shown.ids)
        return text, f"the answer of {shown.name}"
