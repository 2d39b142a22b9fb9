"""The panes: as many columns as stay readable, or one pane with all the width."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, lcm

from textual import events
from textual.containers import Container

from corefeel_tui.ui.widgets.pane import Pane

MIN_WIDTH = 26
"""Columns a pane wants; narrower, words break more than they are read."""


def rows_of(count: int, width: int) -> list[int]:
    """How many panes stand in each row, fullest first."""
    across = max(1, min(count, width // MIN_WIDTH))
    rows = ceil(count / across)
    return [count // rows + (row < count % rows) for row in range(rows)]


class PaneGrid(Container):
    """One pane per model, in the order given."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        super().__init__(*(Pane(name) for name in names))
        self.names = list(names)
        self.focused_only = False
        self._fitted: object = None

    @property
    def panes(self) -> list[Pane]:
        """The panes in order."""
        return [child for child in self.children if isinstance(child, Pane)]

    @property
    def visible_panes(self) -> list[Pane]:
        """Those that are on the screen; the others do no work."""
        return [pane for pane in self.panes if pane.display]

    def pane(self, name: str) -> Pane | None:
        """The pane of a model."""
        return next((pane for pane in self.panes if pane.model == name), None)

    async def set_names(self, names: Sequence[str]) -> None:
        """Show these models; panes of models that stay are kept."""
        if list(names) == self.names:
            return
        kept = {pane.model: pane for pane in self.panes if pane.model in names}
        self.names = list(names)
        await self.remove_children([pane for pane in self.panes if pane.model not in names])
        await self.mount_all(Pane(name) for name in names if name not in kept)
        self.sort_children(key=lambda pane: names.index(pane.model))  # type: ignore[attr-defined]
        self.fit()

    def focus_pane(self, name: str | None) -> None:
        """Give one pane all the room, or with None share it again."""
        self.focused_only = name is not None
        for pane in self.panes:
            pane.display = name is None or pane.model == name
        self.fit()

    def on_resize(self, event: events.Resize) -> None:
        self.fit()

    def fit(self) -> None:
        """Fit the grid to the width."""
        panes = self.visible_panes
        layout = (self.size.width, [pane.model for pane in panes])
        if not panes or not self.size.width or layout == self._fitted:
            return
        self._fitted = layout
        rows = rows_of(len(panes), self.size.width)
        columns = lcm(*rows)
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = len(rows)
        spans = [columns // count for count in rows for _ in range(count)]
        for pane, span in zip(panes, spans, strict=True):
            pane.styles.column_span = span
