"""The footer: the keys that do something now, most useful first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.ui.messages import HintChosen
from corefeel_tui.ui.widgets.painting import Part, painted


class Hint(NamedTuple):
    """A key, what it does, and the action behind it."""

    key: str
    label: str
    action: str

    @property
    def width(self) -> int:
        return len(self.key) + len(self.label) + 3


class HintBar(Widget):
    """Draws hints as far as they fit; a click does what the key does."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"hint--key", "hint--label"}

    def __init__(self) -> None:
        super().__init__()
        self._hints: Sequence[Hint] = ()

    def show(self, hints: Sequence[Hint]) -> None:
        """Show these keys."""
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, used = self.size.width, 0
        parts: list[Part] = []
        for hint in self._hints:
            if used + hint.width > width:
                break
            used += hint.width
            parts += [("key", f" {hint.key}"), ("label", f" {hint.label} ")]
        return painted(self, "hint", parts)

    def on_click(self, event: events.Click) -> None:
        at = 0
        for hint in self._hints:
            at += hint.width
            if event.x < at:
                self.post_message(HintChosen(hint.action))
                return
