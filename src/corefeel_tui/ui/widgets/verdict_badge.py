"""One line that is met first: the verdict, its margin, and how it differs from the reference's."""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.text.inert import inert
from corefeel_tui.ui.text.facts import Badge
from corefeel_tui.ui.widgets.painting import Part, painted


class VerdictBadge(Widget):
    """Draws a `Badge`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "badge--label",
        "badge--margin",
        "badge--note",
        "badge--weak",
        "badge--alarm",
        "badge--provisional",
    }

    def __init__(self) -> None:
        super().__init__()
        self._badge = Badge()

    def show(self, badge: Badge) -> None:
        """Show a verdict."""
        if badge != self._badge:
            self._badge = badge
            self.refresh()

    def render_line(self, y: int) -> Strip:
        badge, width = self._badge, self.size.width
        label = inert(badge.label) + ("?" if badge.provisional and badge.label else "")
        parts = self._parts(label, badge, width)
        return painted(self, "badge", parts)

    def _parts(self, label: str, badge: Badge, width: int) -> list[Part]:
        alarm = badge.tone == "alarm"
        name = "alarm" if alarm else "provisional" if badge.provisional else "label"
        head = f" {label} " if alarm and label else label
        parts = [(name, head)] if head else []
        if badge.margin:
            parts.append(("margin", f" {badge.margin}" if head else badge.margin))
        if badge.note:
            used = sum(len(text) for _, text in parts)
            gap = "  " if used and used + 2 + len(badge.note) <= width else " " if used else ""
            tone = "weak" if badge.tone in ("weak", "alarm") else "note"
            parts += [("note", gap), (tone, badge.note)]
        return parts
