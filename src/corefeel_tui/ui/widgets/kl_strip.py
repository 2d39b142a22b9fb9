"""KL by position as one row of blocks; the scale is the token tint's (`text.ramp`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.ui.text.ramp import BLOCKS, UNSCORED, column_of, strip_levels


class KLStrip(Widget):
    """A sparkline of KL, with the cursor's column marked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "strip--low",
        "strip--mid",
        "strip--high",
        "strip--cursor",
    }

    def __init__(self) -> None:
        super().__init__()
        self._kls: Sequence[float | None] = ()
        self._count = 0
        self._cursor: int | None = None

    def show(self, kls: Sequence[float | None]) -> None:
        """Show these positions; the list may be the record's own and grow."""
        if kls is not self._kls or len(kls) != self._count:
            self._kls, self._count = kls, len(kls)
            self.refresh()

    def point(self, cursor: int | None) -> None:
        """Mark a position's column."""
        if cursor != self._cursor:
            self._cursor = cursor
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        levels = strip_levels(self._kls[: self._count], width)
        at = None
        if self._cursor is not None and self._cursor < self._count:
            at = column_of(self._cursor, self._count, width)
        keys = [(_shade(level), column == at) for column, level in enumerate(levels)]
        blocks = [UNSCORED if level is None else BLOCKS[level] for level in levels]
        segments = [
            Segment("".join(block for _, block in group), self._style(*key))
            for key, group in groupby(zip(keys, blocks, strict=True), lambda pair: pair[0])
        ]
        return Strip(segments, len(levels)).adjust_cell_length(width, self._style("low", False))

    def _style(self, shade: str, cursor: bool) -> Style:
        style = self.get_component_rich_style(f"strip--{shade}")
        return style + self.get_component_rich_style("strip--cursor") if cursor else style


def _shade(level: int | None) -> str:
    return "low" if not level or level < 3 else "mid" if level < 5 else "high"
