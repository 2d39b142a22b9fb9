"""The token view: one model's text, tinted by KL, with a cursor; drawn line by line.

Knows cells and rows; nothing of runs or events.  Rows are laid out once per width and grow at the
end; scrolling follows the end only while the reader is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from corefeel_tui.ui.messages import CursorMoved, PaneFocused
from corefeel_tui.ui.text.cells import Mark, Script
from corefeel_tui.ui.text.ramp import LEVELS
from corefeel_tui.ui.text.worddiff import Edit
from corefeel_tui.ui.text.wrapping import Flow, Fragment

KEPT = 3
"""Layouts kept beside the one on show, so that going back to a view costs nothing."""

_MARKS = {
    Mark.HARD: "token--hard",
    Mark.FORK: "token--fork",
    Mark.ASIDE: "token--aside",
    Mark.END: "token--end",
    Mark.ADDED: "token--added",
    Mark.REMOVED: "token--removed",
    Mark.FOLDED: "token--folded",
}


class TokenView(ScrollView, can_focus=True):
    """Show a `Script`; report where the reader goes."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"token--kl-{level}" for level in range(1, LEVELS)),
        *_MARKS.values(),
        "token--flip",
        "token--cursor",
        "token--echo",
        "token--selected",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("shift+left", "step(-1, True)", show=False),
        Binding("shift+right", "step(1, True)", show=False),
        Binding("up", "row(-1)", show=False),
        Binding("down", "row(1)", show=False),
        Binding("shift+up", "row(-1, True)", show=False),
        Binding("shift+down", "row(1, True)", show=False),
        Binding("home", "edge(0)", show=False),
        Binding("end", "edge(1)", show=False),
    ]

    def __init__(self, pane: str) -> None:
        super().__init__()
        self.pane = pane
        self.follow = True
        self.cursor: int | None = None
        self.own_cursor = False
        self.selected: range | None = None
        self.placeholder: Sequence[str] = ()
        self._script: Script | None = None
        self._edits: Sequence[Edit] = ()
        self._key: tuple[object, ...] | None = None
        self._count = 0
        self.flow = Flow(2)
        self._kept: dict[object, tuple[Flow, int]] = {}
        self._width = 0
        self._ground: Style | None = None
        self._styles: dict[tuple[int, Mark, str], Style] = {}

    # --- attributes coming down -----------------------------------------------------------------

    def show(self, script: Script | None, edits: Sequence[Edit] = ()) -> None:
        """Show a script, or what has been added to it since."""
        if not self._width:
            self._script, self._edits = script, edits
            return
        length = len(script) if script and edits else 0
        shown = None if script is None else script.key
        key = (shown, tuple(edits), length, self._text_width)
        if key != self._key:
            self._restart(key, script)
        self._script, self._edits = script, edits
        if script is None or (len(script) == self._count and self._count):
            return
        first = self.flow.add(script.cells(self._count, edits))
        self._count = len(script)
        self._grow(first)

    def point(self, position: int | None, own: bool, selected: range | None = None) -> None:
        """Put the cursor, `own` or an echo of another pane's, and the selection."""
        if (position, own, selected) == (self.cursor, self.own_cursor, self.selected):
            return
        moved = position != self.cursor
        self.cursor, self.own_cursor, self.selected = position, own, selected
        if position is not None and moved:
            self.reveal(position)
        self.refresh()

    def reveal(self, position: int) -> None:
        """Scroll as little as needed to see a position."""
        row = self.flow.row_of(position)
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if row < top:
            self.scroll_to(y=row, animate=False, force=True)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, force=True)

    # --- rows -------------------------------------------------------------------------------------

    @property
    def _text_width(self) -> int:
        return max(2, self._width - 1)

    def _restart(self, key: tuple[object, ...], script: Script | None) -> None:
        if self._script is None or script is None or self._script.run is not script.run:
            self.follow = True
        self._kept[self._key] = (self.flow, self._count)
        self.flow, self._count = self._kept.pop(key, (Flow(self._text_width), 0))
        self._key = key
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        if self._count:
            self._grow(0)
        elif script is None or not len(script):
            self.virtual_size = Size(self._text_width, 0)
        self.refresh()

    def _grow(self, first: int) -> None:
        rows = len(self.flow.rows)
        follow = self.follow
        if rows != self.virtual_size.height:
            self._set_height(rows)
        if follow and self.scroll_offset.y != self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
            self.follow = True
        self.refresh_lines(first, rows - first)

    def _set_height(self, rows: int) -> None:
        """Grow without a new layout of the whole screen, unless a scrollbar comes or goes."""
        size = Size(self._text_width, rows)
        if self.show_vertical_scrollbar and rows > self.container_size.height:
            self.set_reactive(TokenView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = rows
        else:
            self.virtual_size = size

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.follow = round(new_value) >= self.max_scroll_y

    def on_resize(self) -> None:
        follow = self.follow
        self._width = self.size.width
        self.show(self._script, self._edits)
        if follow:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
            self.follow = True

    def render_line(self, y: int) -> Strip:
        """One visible row as styled segments."""
        number = y + self.scroll_offset.y
        if self._ground is None:  # what `rich_style` finds by walking up the whole tree
            self._ground = self.rich_style
        if self._script is None and number < len(self.placeholder):
            segments = [Segment(self.placeholder[number], self._styled(0, Mark.END, ""))]
        elif number >= len(self.flow.rows):
            return Strip.blank(self._width, self._ground)
        else:
            segments = [
                Segment("".join(fragment.text for fragment in group), style)
                for style, group in groupby(self.flow.rows[number], self._style)
            ]
        return Strip(segments).adjust_cell_length(self._width, self._ground)

    def _style(self, fragment: Fragment) -> Style:
        cell = fragment.cell
        role = ""
        if cell.covers(self.cursor) and not cell.mark & (Mark.REMOVED | Mark.ASIDE):
            role = "token--cursor" if self.own_cursor else "token--echo"
        elif self.selected is not None and cell.position in self.selected:
            role = "token--selected"
        return self._styled(cell.level, cell.mark, role)

    def _styled(self, level: int, mark: Mark, role: str) -> Style:
        key = (level, mark, role)
        if (style := self._styles.get(key)) is None:
            style = (self._ground or Style.null()) + self._make_style(level, mark, role)
            self._styles[key] = style
        return style

    def _make_style(self, level: int, mark: Mark, role: str) -> Style:
        if role in ("token--cursor", "token--echo"):
            return self.get_component_rich_style(role, partial=True)
        names = [f"token--kl-{level}"] if level else []
        if mark & Mark.FLIP:
            names.append("token--flip")
        names += [name for flag, name in _MARKS.items() if mark & flag]
        names += [role] if role else []
        styles = (self.get_component_rich_style(name, partial=True) for name in names)
        return sum(styles, Style.null())

    def notify_style_update(self) -> None:
        self._styles, self._ground = {}, None
        super().notify_style_update()

    # --- the reader -------------------------------------------------------------------------------

    def _move(self, position: int, extend: bool) -> None:
        if self._count:
            position = max(0, min(self._count - 1, position))
            if self._script is not None:
                position = self._script.stepped(position, self.cursor or 0)
            self.post_message(CursorMoved(self.pane, position, extend))

    @property
    def _at(self) -> int:
        """Where moves begin: the cursor, else the first position on screen."""
        if self.cursor is not None:
            return self.cursor
        return self.flow.hit(self.scroll_offset.y, 0)

    def action_step(self, count: int, extend: bool = False) -> None:
        self._move(self._at + count if self.cursor is not None else self._at, extend)

    def action_edge(self, end: int) -> None:
        self._move(self._count - 1 if end else 0, False)

    def action_row(self, count: int, extend: bool = False) -> None:
        self._move(self.flow.beside(self._at, count), extend)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        self._move(self.flow.hit(event.y + self.scroll_offset.y, event.x), event.shift)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._move(self.flow.hit(max(0, event.y + self.scroll_offset.y), event.x), True)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def on_focus(self) -> None:
        self.post_message(PaneFocused(self.pane))
