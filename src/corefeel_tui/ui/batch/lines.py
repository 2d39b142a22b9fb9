"""A few lines of styled words, drawn as they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.ui.batch.view import Line, cut
from corefeel_tui.ui.widgets.painting import painted

STYLES: set[str] = {
    f"batch--{name}"
    for name in (
        "text", "quiet", "faint", "strong", "accent", "good", "warn", "error", "alarm", "cursor",
    )
}  # fmt: skip

COLOURS = """
    & > .batch--text { color: $foreground; }
    & > .batch--quiet { color: $quiet; }
    & > .batch--faint { color: $faint; }
    & > .batch--strong { color: $foreground; text-style: bold; }
    & > .batch--accent { color: $accent; }
    & > .batch--good { color: $success; text-style: bold; }
    & > .batch--warn { color: $warning; }
    & > .batch--error { color: $error; text-style: bold; }
    & > .batch--alarm { color: $alarm-text; background: $alarm-ground; text-style: bold; }
    & > .batch--cursor { color: $foreground; background: $panel; text-style: bold; }
"""


class Lines(Widget):
    """As high as its lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = STYLES
    DEFAULT_CSS = f"Lines {{ height: auto; {COLOURS} }}"

    def __init__(self) -> None:
        super().__init__()
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines."""
        if lines == self._lines:
            return
        if len(lines) != len(self._lines):
            self.styles.height = len(lines)
        self._lines = lines
        self.refresh()

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else []
        return painted(self, "batch", cut(line, self.size.width))
