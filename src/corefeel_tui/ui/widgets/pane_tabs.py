"""In focus view: the other panes in one line, each with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.text.inert import inert
from corefeel_tui.ui.messages import PaneFocused
from corefeel_tui.ui.text.facts import Badge
from corefeel_tui.ui.widgets.painting import painted


class Tab(NamedTuple):
    """A model and its verdict."""

    model: str
    badge: Badge
    on: bool

    @property
    def tone(self) -> str:
        return "on" if self.on else "alarm" if self.badge.tone == "alarm" else "off"

    def text(self, margin: bool) -> str:
        """Its words, with or without the verdict's margin."""
        badge = self.badge
        sign = "‼ " if badge.tone == "alarm" else ""
        words = (inert(self.model), sign + inert(badge.label), badge.margin if margin else "")
        return " " + " ".join(word for word in words if word) + " "


class PaneTabs(Widget):
    """Draws tabs; a click goes to the pane."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tab--on", "tab--off", "tab--alarm"}

    def __init__(self) -> None:
        super().__init__()
        self._tabs: Sequence[Tab] = ()

    def show(self, tabs: Sequence[Tab]) -> None:
        """Show these models."""
        if tabs != self._tabs:
            self._tabs = tabs
            self.refresh()

    def _texts(self) -> list[str]:
        """What every tab says: the margins go first where there is no room for all."""
        full = [tab.text(True) for tab in self._tabs]
        fits = sum(map(cell_len, full)) <= self.size.width
        return full if fits else [tab.text(False) for tab in self._tabs]

    def render_line(self, y: int) -> Strip:
        parts = zip((tab.tone for tab in self._tabs), self._texts(), strict=True)
        return painted(self, "tab", parts)

    def on_click(self, event: events.Click) -> None:
        at = 0
        for tab, text in zip(self._tabs, self._texts(), strict=True):
            at += cell_len(text)
            if event.x < at:
                self.post_message(PaneFocused(tab.model))
                return
