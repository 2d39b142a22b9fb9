"""Where the Batch pane stands: beside the board where that is wide, below it where it is high.

Where it is neither, the pane takes the board's place while it is open.
"""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from corefeel_tui.ui.batch.pane import TWO_COLUMNS, BatchPane

WIDE = 160
"""Columns from which board and pane stand side by side."""

HIGH, HIGH_AND_NARROW = 26, 36
"""Rows of the dock from which they stand one above the other."""


class Dock(Container):
    """The board and the Batch pane."""

    DEFAULT_CSS = """
    Dock { height: 1fr; layout: vertical; }
    Dock.-wide { layout: horizontal; }
    Dock.-wide BatchPane { width: 44%; }
    Dock.-high BatchPane { height: 52%; }
    """

    def __init__(self, board: Widget, pane: BatchPane) -> None:
        super().__init__()
        self._board = board
        self.pane = pane

    def compose(self) -> ComposeResult:
        yield self._board
        yield self.pane

    @property
    def covering(self) -> bool:
        """Whether there is no room for both."""
        width, height = self.size
        high = HIGH if width > TWO_COLUMNS else HIGH_AND_NARROW
        return width < WIDE and height < high

    def toggle(self) -> bool:
        """Open or close the pane; whether it is open now."""
        self.pane.display = not self.pane.display
        self.fit()
        return self.pane.display

    def fit(self) -> None:
        """Share the room."""
        shown = self.pane.display
        wide = self.size.width >= WIDE
        self.set_class(wide and shown, "-wide")
        self.set_class(not wide and not self.covering and shown, "-high")
        self._board.display = not (shown and self.covering)

    def on_resize(self, event: events.Resize) -> None:
        self.fit()
