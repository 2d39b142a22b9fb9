"""A list with a cursor: a head that stays, and rows of which only those in sight are drawn.

Knows keys, mouse and scrolling; what a row is and how it is painted is its subclass's business.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.ui.widgets.painting import Part, painted

T = TypeVar("T")


class CursorList(Widget, Generic[T], can_focus=True):
    """`PAINT` is the first word of its component classes."""

    PAINT: ClassVar[str]
    DEFAULT_CSS = "CursorList { height: 1fr; min-height: 2; }"
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
        self._rows: Sequence[T] = ()
        self._top = 0

    @property
    @abstractmethod
    def at(self) -> int:
        """The row under the cursor; 0 where there is none."""

    @abstractmethod
    def put(self, at: int) -> None:
        """Put the cursor on a row that is there."""

    @abstractmethod
    def head(self) -> Sequence[Part]:
        """The line that stays."""

    @abstractmethod
    def line(self, at: int, here: bool) -> Sequence[Part]:
        """A row that is there; `here` if the cursor of a list in use is on it."""

    def look(self) -> None:
        """Draw afresh, the cursor in sight."""
        height, at = max(1, self.size.height - 1), self.at
        self._top = max(min(self._top, at), at - height + 1, 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at = self._top + y - 1
        if y == 0:
            return painted(self, self.PAINT, self.head())
        if at >= len(self._rows):
            return painted(self, self.PAINT, [])
        return painted(self, self.PAINT, self.line(at, at == self.at and self.has_focus))

    def go(self, at: int) -> None:
        """Put the cursor as near to a row as there are rows."""
        if self._rows:
            self.put(max(0, min(at, len(self._rows) - 1)))
            self.look()

    def action_move(self, step: int) -> None:
        self.go(self.at + step)

    def action_page(self, step: int) -> None:
        self.go(self.at + step * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        self.go(len(self._rows) - 1 if end else 0)

    def on_click(self, event: events.Click) -> None:
        self.go(self._top + event.y - 1)

    def on_mouse_scroll_down(self) -> None:
        self.go(self.at + 3)

    def on_mouse_scroll_up(self) -> None:
        self.go(self.at - 3)

    def on_resize(self) -> None:
        self.look()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
