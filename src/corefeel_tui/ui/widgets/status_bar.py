"""The top line: what is loaded, what it costs, whether it is being saved, which view is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.widgets.painting import Part, painted


@dataclass(frozen=True, slots=True)
class StatusLine:
    """What the status bar says; `facts` go from the right where the width does not hold them.

    `source` is "" for a live run, else "sample" or "replay …".
    """

    model: str = ""
    facts: tuple[str, ...] = ()
    alarm: str = ""
    source: str = ""
    saving: str = ""
    view: View = View.FREE


class StatusBar(Widget):
    """Draws a `StatusLine`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--name",
        "status--model",
        "status--fact",
        "status--alarm",
        "status--source",
        "status--view",
        "status--on",
    }

    def __init__(self) -> None:
        super().__init__()
        self._line = StatusLine()

    def show(self, line: StatusLine) -> None:
        """Show a status."""
        if line != self._line:
            self._line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        right = self._right(width)
        left = self._left(width - sum(len(text) for _, text in right) - 1)
        gap = width - sum(len(text) for _, text in [*left, *right])
        parts = [*left, ("fact", " " * max(0, gap)), *right]
        return painted(self, "status", parts)

    def _left(self, room: int) -> list[Part]:
        line = self._line
        parts = [("name", " corefeel ")]
        if line.source:
            parts += [("source", f" {line.source} "), ("fact", " ")]
        if line.alarm:
            parts += [("alarm", f" {line.alarm} "), ("fact", " ")]
        parts.append(("model", line.model))
        room -= sum(len(text) for _, text in parts)
        for fact in line.facts:
            text = f" · {fact}"
            if len(text) > room:
                break
            parts.append(("fact", text))
            room -= len(text)
        return parts

    def _right(self, width: int) -> list[Part]:
        line = self._line
        views: list[Part] = []
        for view in View:
            on = view is line.view
            if on or width >= 76:
                views.append(
                    ("on" if on else "view", f"[{view.value}]" if on else f" {view.value} ")
                )
        saving = [("fact", f"{line.saving}  ")] if line.saving and width >= 100 else []
        return [*saving, *views, ("fact", " ")]
