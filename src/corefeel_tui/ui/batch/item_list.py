"""The list of items, disagreements first: a cursor that stays on its item while rows arrive."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events

from corefeel_tui.ui.batch.lines import COLOURS, STYLES
from corefeel_tui.ui.batch.view import Line, cut
from corefeel_tui.ui.widgets.cursor_list import CursorList

if TYPE_CHECKING:
    from corefeel_tui.batch_rows import Row


class ItemList(CursorList["Row"]):
    """Until the reader moves, the cursor is on the worst."""

    PAINT = "batch"
    COMPONENT_CLASSES: ClassVar[set[str]] = STYLES
    DEFAULT_CSS = f"ItemList {{ {COLOURS} }}"

    def __init__(self) -> None:
        super().__init__()
        self._caption = ""
        self._row: Row | None = None

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.at] if self._rows else None

    @property
    def at(self) -> int:
        if self._row is None or not self._rows:
            return 0
        found = bisect_left(self._rows, self._row.order, key=lambda row: row.order)
        return min(found, len(self._rows) - 1)

    def show(self, rows: Sequence[Row], caption: str) -> None:
        """Show these rows, which are in order."""
        self._rows, self._caption = rows, caption
        self.look()

    def forget(self) -> None:
        """Back to the worst."""
        self._row, self._top = None, 0

    def put(self, at: int) -> None:
        self._row = self._rows[at]

    def head(self) -> Line:
        return [("quiet", f" {self._caption}")]

    def line(self, at: int, here: bool) -> Line:
        from corefeel_tui.ui.batch.rows import row_line

        width = self.size.width
        line = cut(row_line(self._rows[at], width), width)
        if not here:
            return line
        sign, text = line[0], "".join(text for _, text in line[1:])
        return [sign, ("cursor", text.ljust(width - len(sign[1])))]

    def on_click(self, event: events.Click) -> None:
        """Open the item on the second click; the first one has put the cursor there."""
        if event.chain == 2:
            self.app.run_worker(self.app.run_action("app.batch('open_item')"))
