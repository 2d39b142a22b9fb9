"""One line under the panes: what every model wanted to say at the cursor."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import probability, short
from corefeel_tui.ui.text.inspection import Inspection, Opinion
from corefeel_tui.ui.widgets.painting import Part, painted


class CursorLine(Widget):
    """Draws an `Inspection` in one line, with as many candidates per model as fit."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line--where",
        "line--model",
        "line--text",
        "line--flip",
        "line--rule",
    }

    def __init__(self) -> None:
        super().__init__()
        self._inspection: Inspection | None = None
        self._chosen = False

    def show(self, inspection: Inspection | None, chosen: bool) -> None:
        """Show a position; `chosen` tells that the reader put the cursor there."""
        if (inspection, chosen) != (self._inspection, self._chosen):
            self._inspection, self._chosen = inspection, chosen
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        return painted(self, "line", self._parts(width))

    def _parts(self, width: int) -> list[Part]:
        seen = self._inspection
        if seen is None:
            return []
        sign = f" {'›' if self._chosen else 'at'} {seen.position}{' ⑂' if seen.fork else ''}  "
        head = [("where", sign)]
        for count in (3, 2, 1):
            body = _opinions(seen.opinions, count)
            if _width(head) + _width(body) <= width:
                return head + body
        return [("where", sign.rstrip() + " "), *_tight(seen.opinions)]


def _opinions(opinions: tuple[Opinion, ...], count: int) -> list[Part]:
    parts: list[Part] = []
    for opinion in opinions:
        if parts:
            parts.append(("rule", " │ "))
        parts.append(("flip" if opinion.flip else "model", f"{inert(opinion.model)} "))
        if not opinion.candidates:
            parts.append(("text", f"KL {short(opinion.kl)}"))
        said = [f"{c.label} {probability(c.probability)}" for c in opinion.candidates[:count]]
        parts.append(("flip" if opinion.flip else "text", said[0] if said else ""))
        parts += [("text", f" {text}") for text in said[1:]]
    return parts


def _tight(opinions: tuple[Opinion, ...]) -> list[Part]:
    """First choices only, models that agree named together."""
    groups: dict[tuple[str, bool], list[Opinion]] = {}
    for opinion in opinions:
        label = opinion.candidates[0].label if opinion.candidates else ""
        groups.setdefault((label, opinion.flip), []).append(opinion)
    parts: list[Part] = []
    for (label, flip), members in groups.items():
        parts += [("rule", "│")] if parts else []
        names = " ".join(inert(opinion.model) for opinion in members)
        chances = [o.candidates[0].probability for o in members if o.candidates]
        low, high = (probability(f(chances)) if chances else "" for f in (min, max))
        parts += [("flip" if flip else "model", f"{names} ")]
        parts += [
            ("flip" if flip else "text", f"{label} {low}" + (f"–{high}" if high != low else ""))
        ]
    return parts


def _width(parts: list[Part]) -> int:
    return sum(cell_len(text) for _, text in parts)
