"""The token inspector: top-k of every model on the cursor's context, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.cells import set_cell_size
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import change, probability, short
from corefeel_tui.ui.text.inspection import Candidate, Inspection, Opinion
from corefeel_tui.ui.widgets.painting import Part, painted

TALL = 40
"""Rows of the terminal from which every measure gets a line of its own."""


class Inspector(Widget):
    """Draws an `Inspection` as a table, one column per model."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "inspect--head",
        "inspect--label",
        "inspect--text",
        "inspect--taken",
        "inspect--flip",
        "inspect--change",
    }

    def __init__(self) -> None:
        super().__init__()
        self._inspection: Inspection | None = None
        self._rows: list[list[Part]] = []

    def show(self, inspection: Inspection | None) -> None:
        """Show a position."""
        if inspection != self._inspection:
            self._inspection = inspection
            self.border_title = Content("" if inspection is None else _title(inspection))
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self._rows = list(_table(self._inspection, width, self.app.size.height >= TALL))
        return len(self._rows)

    def render_line(self, y: int) -> Strip:
        parts = self._rows[y] if y < len(self._rows) else []
        return painted(self, "inspect", parts)


def _title(seen: Inspection) -> str:
    fork = " ⑂ fork" if seen.fork else ""
    return f"token {seen.position} of {inert(seen.pane)} · {seen.token}{fork}"


def _table(seen: Inspection | None, width: int, tall: bool) -> Iterator[list[Part]]:
    if seen is None or not seen.opinions:
        yield [("label", " nothing was said here yet")]
        return
    measures = list(_measures(seen.opinions) if tall else _tight(seen.opinions))
    gutter = max(len(name) for name, _ in measures) + 3
    column = max(12, min(34, (width - gutter) // len(seen.opinions)))
    heads = [("flip" if o.flip else "head", inert(o.model)) for o in seen.opinions]
    yield _row("", heads, gutter, column)
    for name, cells in measures:
        yield _row(name, cells, gutter, column)
    for rank in range(max(len(o.candidates) for o in seen.opinions)):
        line: list[Part] = [("label", set_cell_size(f" {rank + 1}", gutter))]
        for opinion in seen.opinions:
            line += _candidate(opinion, rank, column)
        yield line
    if seen.absent:
        others = ", ".join(map(inert, seen.absent))
        yield [("label", f" past the fork {others} did not score this context")]


def _measures(opinions: tuple[Opinion, ...]) -> Iterator[tuple[str, list[Part]]]:
    yield "KL", [("text", short(o.kl)) for o in opinions]
    yield "entropy", [("text", short(o.entropy)) for o in opinions]
    yield "rank of the first choice", [_rank(o) for o in opinions]
    yield "p of the token", [("text", probability(o.probability)) for o in opinions]
    yield "Δp of the token", [("text", _moved(o)) for o in opinions]
    yield "rank of the token", [("text", str(o.token_rank or "> 8")) for o in opinions]


def _tight(opinions: tuple[Opinion, ...]) -> Iterator[tuple[str, list[Part]]]:
    """Three lines, for terminals that are not tall."""
    yield "KL", [("text", short(o.kl)) for o in opinions]
    yield "H, rank", [(_rank(o)[0], f"{short(o.entropy)}, {_rank(o)[1]}") for o in opinions]
    yield "p, Δp", [("text", f"{probability(o.probability)} {_moved(o)}") for o in opinions]


def _rank(opinion: Opinion) -> Part:
    """Rank of the reference's first choice."""
    return ("flip" if opinion.flip else "text", str(opinion.rank or "–"))


def _moved(opinion: Opinion) -> str:
    return change(opinion.change) if opinion.change is not None else ""


def _row(name: str, cells: list[Part], gutter: int, column: int) -> list[Part]:
    label = ("label", set_cell_size(f" {name}", gutter))
    return [label, *((style, set_cell_size(text, column - 1) + " ") for style, text in cells)]


def _candidate(opinion: Opinion, rank: int, column: int) -> list[Part]:
    if rank >= len(opinion.candidates):
        return [("text", " " * column)]
    seen: Candidate = opinion.candidates[rank]
    moved = change(seen.change) if seen.change is not None and column >= 18 else ""
    number = f" {probability(seen.probability):>5} "
    room = column - len(number) - (6 if column >= 18 else 0)
    name = ("taken" if seen.taken else "text", set_cell_size(seen.label, room))
    parts = [name, ("text", number)]
    return [*parts, ("change", f"{moved:<6}")] if column >= 18 else parts
