"""The panel of searches: what was found, and one example with what changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from corefeel_tui.events import EdgeFound
from corefeel_tui.ui.edge.findings import (
    Entry,
    entries,
    example_head,
    example_tints,
    row,
    summary,
)
from corefeel_tui.ui.edge.painting import EdgeLines, Line
from corefeel_tui.ui.edge.panel import Look, Panel, Taken, refusal_lines, waiting_line
from corefeel_tui.ui.edge.prose import painted_rows, window, wrapped
from corefeel_tui.ui.edge.rows import Rows

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import SearchRun

EMPTY: list[Line] = [
    [("strong", " What is the smallest change that tips a variant and not the reference?")],
    [
        ("key", " F4"),
        ("quiet", " rewords, drops and reorders until one leaves;"),
    ],
    [("key", " F5"), ("quiet", " does it for the narrowest items of a suite.")],
]


class SearchPanel(Panel):
    """One search."""

    def __init__(self) -> None:
        super().__init__()
        self.border_title = "search"
        self.head = EdgeLines()
        self.rows = Rows()
        self.example = EdgeLines()
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.rows
        yield self.example

    @property
    def entry(self) -> Entry | None:
        """The row under the cursor."""
        return self._entries[self.rows.at] if self.rows.at < len(self._entries) else None

    @property
    def found(self) -> EdgeFound | None:
        """The example under the cursor."""
        return self.entry.found if self.entry else None

    def clear(self, lines: Sequence[Line]) -> None:
        """Show these lines and nothing else."""
        self._entries = []
        self.head.show(lines)
        self.rows.show([], [])
        self.example.show([])

    def draw(self, look: Look) -> None:
        search = look.view.search(look.record)
        self._entries = entries(search) if search else []
        if search is None or not self._entries:
            self.clear(refusal_lines(look, search, EMPTY))
            return
        line = waiting_line(search, look.live)
        told: Line = [("quiet", f" {summary(search, self._entries)}")]
        self.head.show([[*line, ("faint", " ·"), *told] if line else told])
        suite, width = search.ranked is not None, self.content_size.width
        room = self.content_size.height
        height = min(len(self._entries) + 1, max(3, room // 2))
        self.rows.styles.height = height
        self.rows.show(_head(suite), [row(entry, width, suite) for entry in self._entries])
        self.example.show(self._example(search, room - 1 - height))

    def _example(self, search: SearchRun, room: int) -> list[Line]:
        found = self.found
        if found is None:
            return []
        base = _base(search, found)
        head: list[Line] = [[], *example_head(found), []]
        rows = wrapped(found.prompt, self.content_size.width - 2)
        tints = example_tints(base, found)
        lines = painted_rows(found.prompt, rows, tints)
        left = room - len(head)
        focus = tints[0][0] if tints else 0
        return [*head, *(window(lines, rows, left, focus) if left > 0 else [])]

    def on_rows_moved(self) -> None:
        self.redraw()

    @property
    def unsearched(self) -> tuple[str, str] | None:
        """Suite and id of a ranked item under the cursor of which no prompt was told."""
        search = self.seen.view.search(self.seen.record) if self.seen else None
        ranked = search.ranked if search else None
        return (ranked.suite, self.entry.item) if ranked and self.entry else None

    def taken(self) -> Taken | None:
        """The example, else the item's own prompt."""
        search = self.seen.view.search(self.seen.record) if self.seen else None
        entry = self.entry
        if search is None or entry is None:
            return None
        found = entry.found
        if found is not None:
            return Taken(found.prompt, found.readout, found.system, found.suite, found.item)
        item = search.items.get(entry.item)
        if item is None:
            return None
        started = item.started
        return Taken(started.prompt, started.readout, started.system, started.suite, started.item)


def _base(search: SearchRun, found: EdgeFound) -> str:
    """The prompt before the change."""
    item = search.items.get(found.item or "")
    return item.started.prompt if item else found.prompt


def _head(suite: bool) -> Line:
    if suite:
        return [("quiet", f" {'item':<22}{'margin':>6} {'says':<9}{'variant':<9}leaves for, after")]
    return [("quiet", f" {'variant':<9}leaves for, after")]
