"""The table of a run by token role: every variant's mean KL and flips at verdict words, names, …"""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.folding import Record, Run
from corefeel_tui.role_drift import RoleDrift, run_by_role
from corefeel_tui.roles import ROLES
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import MISSING, short
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.widgets.painting import Part, painted

NAME_WIDTH = 13
WIDTH = 13

Rows = list[tuple[str, ...]]


class RoleTable(Widget):
    """Draws a line per variant and a column per role that the answer has."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--head", "table--text", "table--note"}

    def __init__(self) -> None:
        super().__init__()
        self._rows: Rows = []
        self._caption = ""

    def show(self, record: Record, run: Run | None, view: View) -> None:
        """Show a run's drift."""
        rows = [] if run is None else role_rows(record, run, view)
        where = "the reference's answer" if view is View.LOCKED else "each model's own answer"
        caption = f"mean KL in nats and flips of tokens, on {where}"
        if (rows, caption) == (self._rows, self._caption):
            return
        self._rows, self._caption = rows, caption
        self.border_title = "by token role"
        self.styles.height = len(rows) + 3
        self.refresh()

    def render_line(self, y: int) -> Strip:
        parts: list[Part] = []
        if y < len(self._rows):
            name, *cells = self._rows[y]
            tone = "text" if y else "head"
            parts = [(tone, f" {name:<{NAME_WIDTH}}"), *((tone, f"{x:<{WIDTH}}") for x in cells)]
        elif y == len(self._rows):
            parts = [("note", f" {self._caption}")]
        return painted(self, "table", parts)


def role_rows(record: Record, run: Run, view: View) -> Rows:
    """The heading, then a row per variant; only roles that some answer has."""
    found = run_by_role(record, run, locked=view is View.LOCKED)
    roles = [role for role in ROLES if any(role in own for own in found.values())]
    rows = [(inert(name), *(_cell(own.get(role)) for role in roles)) for name, own in found.items()]
    return [("model", *roles), *rows]


def _cell(own: RoleDrift | None) -> str:
    """Mean KL, then flips of positions where there are any."""
    if own is None:
        return MISSING
    return f"{short(own.kl_mean)} {own.flips}/{own.positions}"
