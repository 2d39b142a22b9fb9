"""The list of items, disagreements first: a cursor that stays on its item while rows arrive."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.ui.batch.lines import COLOURS, STYLES
from corefeel_tui.ui.batch.view import cut
from corefeel_tui.ui.widgets.painting import painted

if TYPE_CHECKING:
    from corefeel_tui.batch_rows import Row


class ItemList(Widget, can_focus=True):
    """Draws only the rows in sight.  Until the reader moves, the cursor is on the worst."""

    COMPONENT_CLASSES: ClassVar[set[str]] = STYLES
    DEFAULT_CSS = f"ItemList {{ height: 1fr; min-height: 2; {COLOURS} }}"
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
        self._rows: Sequence[Row] = ()
        self._caption = ""
        self._row: Row | None = None
        self._top = 0

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.at] if self._rows else None

    @property
    def at(self) -> int:
        """Where the cursor is."""
        if self._row is None or not self._rows:
            return 0
        found = bisect_left(self._rows, self._row.order, key=lambda row: row.order)
        return min(found, len(self._rows) - 1)

    def show(self, rows: Sequence[Row], caption: str) -> None:
        """Show these rows, which are in order."""
        self._rows, self._caption = rows, caption
        self._look()

    def forget(self) -> None:
        """Back to the worst."""
        self._row, self._top = None, 0

    def _look(self) -> None:
        """Keep the cursor in sight."""
        height, at = max(1, self.size.height - 1), self.at
        self._top = max(min(self._top, at), at - height + 1, 0)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if y == 0:
            return painted(self, "batch", [("quiet", f" {self._caption}")])
        at = self._top + y - 1
        if at >= len(self._rows):
            return painted(self, "batch", [])
        from corefeel_tui.ui.batch.rows import row_line

        width = self.size.width
        line = cut(row_line(self._rows[at], width), width)
        if at == self.at and self.has_focus:
            text = "".join(text for _, text in line)
            line = [line[0], ("cursor", text[len(line[0][1]) :].ljust(width - len(line[0][1])))]
        return painted(self, "batch", line)

    # --- moving -----------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        self._go(self.at + step)

    def action_page(self, step: int) -> None:
        self._go(self.at + step * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        self._go(len(self._rows) - 1 if end else 0)

    def _go(self, at: int) -> None:
        if self._rows:
            self._row = self._rows[max(0, min(at, len(self._rows) - 1))]
            self._look()

    def on_click(self, event: events.Click) -> None:
        self._go(self._top + event.y - 1)
        if event.chain == 2:
            self.app.run_worker(self.app.run_action("app.batch('open_item')"))

    def on_mouse_scroll_down(self) -> None:
        self._go(self.at + 3)

    def on_mouse_scroll_up(self) -> None:
        self._go(self.at - 3)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
