"""Lines of styled words for the Edge screen: one palette, one widget that draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.text.numbers import MISSING, signed
from corefeel_tui.ui.widgets.painting import Part, painted

Line = list[Part]
"""Words with the last part of a component class: text, quiet, strong, up-3, series-1, …"""

SERIES = 6
"""Colours for models, the reference first; a seventh model begins again after the reference."""

HEATS = 4
"""Steps of the heat in each direction."""

_COLOURS = {
    "text": "color: $foreground;",
    "quiet": "color: $quiet;",
    "faint": "color: $faint;",
    "strong": "color: $foreground; text-style: bold;",
    "accent": "color: $accent;",
    "key": "color: $accent; text-style: bold;",
    "good": "color: $success;",
    "warn": "color: $warning; text-style: bold;",
    "error": "color: $error; text-style: bold;",
    "alarm": "color: $alarm-text; background: $alarm-ground; text-style: bold;",
    "cursor": "color: $foreground; background: $panel; text-style: bold;",
    "here": "text-style: reverse bold;",
    "rise": "color: $accent;",
    "hang": "color: $error; text-style: reverse;",
    "added": "color: $accent; text-style: bold;",
    "removed": "color: $quiet; text-style: strike;",
    "up-1": "background: $kl-1;",
    "up-2": "background: $kl-3; text-style: bold;",
    "up-3": "background: $kl-4; text-style: bold;",
    "up-4": "background: $kl-5; text-style: bold;",
    "down-1": "background: $accent 12%; text-style: italic;",
    "down-2": "background: $accent 25%; text-style: italic underline;",
    "down-3": "background: $accent 40%; text-style: italic underline;",
    "down-4": "background: $accent 55%; text-style: italic underline;",
    "series-0": "color: $foreground; text-style: bold;",
    "series-1": "color: $success;",
    "series-2": "color: $accent;",
    "series-3": "color: $warning;",
    "series-4": "color: $error;",
    "series-5": "color: $primary;",
}

STYLES = {f"edge--{name}" for name in _COLOURS}
COLOURS = "\n".join(f"& > .edge--{name} {{ {style} }}" for name, style in _COLOURS.items())


def series(index: int) -> str:
    """The style of a model by its place, the reference being 0."""
    return f"series-{index if index < SERIES else 1 + (index - 1) % (SERIES - 1)}"


def figure(margin: float | None) -> str:
    """A margin in nats, with more digits where it is close to the edge: +6.1, −0.04, +0.002, –."""
    if margin is None or abs(margin) >= 0.095 or not margin:
        return signed(margin) or MISSING
    digits = 2 if abs(margin) >= 0.005 else 3
    return f"{margin:+.{digits}f}".replace("-", "−")


def joined(cells: Sequence[tuple[str, str]]) -> Line:
    """Neighbours of one style as one part."""
    line: Line = []
    for style, text in cells:
        if line and line[-1][0] == style:
            line[-1] = (style, line[-1][1] + text)
        else:
            line.append((style, text))
    return line


class EdgeLines(Widget):
    """Draws lines; it is as high as its style says."""

    COMPONENT_CLASSES: ClassVar[set[str]] = STYLES
    DEFAULT_CSS = f"EdgeLines {{ height: auto; {COLOURS} }}"

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines; an automatic height follows them."""
        if lines == self._lines:
            return
        if len(lines) != len(self._lines) and not self.has_class("fixed"):
            self.styles.height = len(lines)
        self._lines = lines
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return painted(self, "edge", self._lines[y] if y < len(self._lines) else [])
