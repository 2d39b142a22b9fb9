"""The list of a panel: lines as they are given, and word of where the cursor goes.

Knows lines; nothing of what they tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.message import Message

from corefeel_tui.ui.edge.painting import COLOURS, STYLES, Line
from corefeel_tui.ui.widgets.cursor_list import CursorList


class Rows(CursorList[Line]):
    """The cursor keeps its number while rows change."""

    class Moved(Message):
        """The cursor is on another row."""

    PAINT = "edge"
    COMPONENT_CLASSES: ClassVar[set[str]] = STYLES
    DEFAULT_CSS = f"Rows {{ {COLOURS} }}"

    def __init__(self) -> None:
        super().__init__()
        self._at = 0
        self._head: Line = []

    @property
    def at(self) -> int:
        return self._at

    def show(self, head: Line, rows: Sequence[Line]) -> None:
        """Show these rows, the cursor where it was as far as there are as many."""
        if (head, rows) == (self._head, self._rows):
            return
        self._head, self._rows = head, rows
        self._at = max(0, min(self._at, len(rows) - 1))
        self.look()

    def put(self, at: int) -> None:
        self._at = at
        self.post_message(self.Moved())

    def head(self) -> Line:
        return self._head

    def line(self, at: int, here: bool) -> Line:
        sign = ("accent", "▸") if here else ("text", " ")
        return [sign, *self._rows[at]]
