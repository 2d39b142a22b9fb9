"""The middle of the Compare screen: panes, the line at the cursor, and one drawer below them.

Shows a `Reading`; texts follow every batch of events, numbers a few times a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer

from corefeel_tui import events as ev
from corefeel_tui.ui.actions import pane_bindings
from corefeel_tui.ui.reading import Reading
from corefeel_tui.ui.text import facts
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.widgets.cost_table import CostTable
from corefeel_tui.ui.widgets.cursor_line import CursorLine
from corefeel_tui.ui.widgets.inspector import Inspector
from corefeel_tui.ui.widgets.pane_grid import PaneGrid
from corefeel_tui.ui.widgets.pane_tabs import PaneTabs, Tab
from corefeel_tui.ui.widgets.role_table import RoleTable
from corefeel_tui.ui.widgets.run_table import RunTable

Drawer = Inspector | RunTable | RoleTable | CostTable

FACTS_SECONDS = 0.25
"""Numbers that change faster than this cannot be read."""


class Board(Vertical):
    """Everything that shows a run."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings()

    def __init__(self, reading: Reading, names: Sequence[str]) -> None:
        super().__init__()
        self.reading = reading
        self.tabs = PaneTabs()
        self.panes = PaneGrid(names)
        self.cursor_line = CursorLine()
        self.inspector = Inspector()
        self.table = RunTable()
        self.roles = RoleTable()
        self.costs = CostTable()
        self._facts_at = 0.0
        self._facts_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        for widget in (self.tabs, self.cursor_line, *self.drawers):
            widget.display = False
        yield self.tabs
        yield self.panes
        yield self.cursor_line
        yield from self.drawers

    async def open_run(self, run: str | None) -> None:
        """Show another run, or with None the models without one."""
        self.reading.open_run(run)
        if self.reading.names:
            await self.panes.set_names(self.reading.names)
        self.lay_out()

    def lay_out(self) -> None:
        """Show as many panes as the reading asks for, and bring all up to date."""
        self.panes.focus_pane(self.reading.pane if self.reading.focus_view else None)
        self.show_all()

    async def absorb(self, batch: Sequence[ev.Event]) -> None:
        """Show what a batch of events changed."""
        changed: set[str] = set()
        facts_due = False
        for event in batch:
            match event:
                case ev.Tokens(run=run, trajectory=name) if run == self.reading.feed.run:
                    changed.add(name)
                case ev.TrajectoryFinished(run=run, trajectory=name) if (
                    run == self.reading.feed.run
                ):
                    changed.add(name)
                    facts_due = True
                case ev.Started(run=run):
                    await self.open_run(run)
                case ev.Loaded():
                    await self.open_run(self.reading.feed.run)
                case ev.Timed():
                    changed.update(self.panes.names)  # panes without a text tell speeds in it
                    facts_due = True
                case ev.Verdict() | ev.ItemFinished() | ev.Failed():
                    facts_due = True
        self.show_texts(changed)
        if facts_due:
            self.show_facts()
        elif changed:
            self._show_facts_soon()

    def show_all(self) -> None:
        """Bring every widget up to date."""
        self.show_texts({*self.panes.names})
        self.show_facts()

    def show_texts(self, changed: set[str]) -> None:
        """Texts whose trajectory grew; where the reference's is part of every text, all of them."""
        reading = self.reading
        everyone = reading.view is not View.FREE and reading.reference in changed
        for pane in self.panes.visible_panes:
            if everyone or pane.model in changed:
                pane.show_text(reading.feed.record, reading.run, reading.view, reading.unfolded)

    def _show_facts_soon(self) -> None:
        left = FACTS_SECONDS - (monotonic() - self._facts_at)
        if left <= 0:
            self.show_facts()
        elif self._facts_timer is None:
            self._facts_timer = self.set_timer(left, self.show_facts)

    def show_facts(self) -> None:
        """Verdicts, numbers and everything else that is read rather than watched."""
        if self._facts_timer is not None:
            self._facts_timer.stop()
            self._facts_timer = None
        self._facts_at = monotonic()
        reading = self.reading
        for pane in self.panes.visible_panes:
            pane.show_facts(reading.feed.record, reading.run, reading.view, reading.reference)
        self._show_tabs()
        for table in (self.table, self.roles, self.costs):
            if table.display:
                table.show(reading.feed.record, reading.run, reading.view)
        self.show_cursor()

    def _show_tabs(self) -> None:
        reading, run = self.reading, self.reading.run
        self.tabs.display = reading.focus_view
        if not reading.focus_view:
            return
        known = run.trajectories if run else {}
        self.tabs.show(
            [
                Tab(
                    name,
                    facts.badge(run, name, reading.view)
                    if run and name in known
                    else facts.Badge(),
                    name == reading.pane,
                )
                for name in self.panes.names
            ]
        )

    def show_cursor(self) -> None:
        """The cursor, its echoes in panes on the same context, and what all models say there."""
        reading = self.reading
        self.cursor_line.display = reading.run is not None
        for pane in self.panes.visible_panes:
            own = pane.model == reading.pane
            pane.point(reading.cursor_in(pane.model), own, reading.selection if own else None)
        inspection = reading.inspection()
        self.cursor_line.show(inspection, reading.cursor is not None)
        if self.inspector.display:
            self.inspector.show(inspection)

    @property
    def drawers(self) -> tuple[Drawer, ...]:
        """What may stand below the panes, one at a time."""
        return self.inspector, self.table, self.roles, self.costs

    def open_drawer(self, drawer: Drawer | None) -> None:
        """Open one drawer, or with None close whichever is open."""
        for other in self.drawers:
            other.display = other is drawer
        self.show_facts()

    def toggle_drawer(self, drawer: Drawer) -> None:
        """Open one drawer and close the others, or close it."""
        self.open_drawer(None if drawer.display else drawer)

    def next_table(self) -> None:
        """The run's table, then the one by token role, then none."""
        if self.table.display:
            self.open_drawer(self.roles)
        else:
            self.open_drawer(None if self.roles.display else self.table)
