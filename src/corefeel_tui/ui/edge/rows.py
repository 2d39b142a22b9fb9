"""A list with a cursor: a head that stays, and rows of which only those in sight are drawn.

Knows lines; nothing of what they tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.ui.edge.painting import COLOURS, STYLES, Line
from corefeel_tui.ui.widgets.painting import painted


class Rows(Widget, can_focus=True):
    """`at` is the row under the cursor."""

    class Moved(Message):
        """The cursor is on another row."""

    COMPONENT_CLASSES: ClassVar[set[str]] = STYLES
    DEFAULT_CSS = f"Rows {{ height: 1fr; min-height: 2; {COLOURS} }}"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "edge(0)", show=False),
        Binding("end", "edge(1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.at = 0
        self._head: Line = []
        self._rows: Sequence[Line] = ()
        self._top = 0

    def show(self, head: Line, rows: Sequence[Line]) -> None:
        """Show these rows, the cursor where it was as far as there are as many."""
        if (head, rows) == (self._head, self._rows):
            return
        self._head, self._rows = head, rows
        self.at = max(0, min(self.at, len(rows) - 1))
        self._look()

    def _look(self) -> None:
        """Keep the cursor in sight."""
        height = max(1, self.size.height - 1)
        self._top = max(min(self._top, self.at), self.at - height + 1, 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at = self._top + y - 1
        if y == 0:
            return painted(self, "edge", self._head)
        if at >= len(self._rows):
            return painted(self, "edge", [])
        here = at == self.at and self.has_focus
        sign = ("accent", "▸") if here else ("text", " ")
        return painted(self, "edge", [sign, *self._rows[at]])

    # --- moving -----------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        self.go(self.at + step)

    def action_page(self, step: int) -> None:
        self.go(self.at + step * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        self.go(len(self._rows) - 1 if end else 0)

    def go(self, at: int) -> None:
        """Put the cursor on a row."""
        if self._rows:
            self.at = max(0, min(at, len(self._rows) - 1))
            self._look()
            self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        self.go(self._top + event.y - 1)

    def on_mouse_scroll_down(self) -> None:
        self.go(self.at + 3)

    def on_mouse_scroll_up(self) -> None:
        self.go(self.at - 3)

    def on_resize(self) -> None:
        self._look()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
