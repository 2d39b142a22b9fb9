"""The panel of ladders: the chart of margin by rung, or the map of two slots, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from corefeel_tui.edge.telling import disagreement, flips, leading, shifts
from corefeel_tui.events import RungMargin
from corefeel_tui.text.inert import inert, one_line
from corefeel_tui.text.numbers import MISSING, plural
from corefeel_tui.ui.edge import chart
from corefeel_tui.ui.edge.map import map_lines
from corefeel_tui.ui.edge.painting import EdgeLines, Line, figure
from corefeel_tui.ui.edge.panel import (
    Look,
    Panel,
    Taken,
    margin_labels,
    refusal_lines,
    waiting_line,
)

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import LadderRun

SHORT = 20
"""Rows below which the table gives way to the chart."""

TALLEST = 22
"""Rows of a chart that nobody needs more of."""

EMPTY: list[Line] = [
    [("strong", " On which rung does a verdict tip?")],
    [
        ("quiet", " Write "),
        ("accent", "{mild|strong|strongest}"),
        ("quiet", " into the prompt, once or twice, and press "),
        ("key", "F3"),
        ("quiet", ";"),
    ],
    [("quiet", " without such a slot it offers the suites' ladders.")],
]


class Climber(EdgeLines, can_focus=True):
    """Draws a ladder; the arrow keys move the cursor of the panel around it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "climb(0, -1)", show=False),
        Binding("right", "climb(0, 1)", show=False),
        Binding("up", "climb(-1, 0)", show=False),
        Binding("down", "climb(1, 0)", show=False),
    ]

    def action_climb(self, down: int, right: int) -> None:
        panel = self.parent
        assert isinstance(panel, LadderPanel)
        panel.climb(down, right)


class LadderPanel(Panel):
    """One ladder or map; `at` is the cell under the cursor, a number per slot."""

    def __init__(self) -> None:
        super().__init__()
        self.border_title = "ladder"
        self.climber = Climber(classes="fixed")
        self.climber.styles.height = "1fr"
        self.at: tuple[int, ...] = (0,)

    def compose(self) -> ComposeResult:
        yield self.climber

    def clear(self, lines: Sequence[Line]) -> None:
        """Show these lines and nothing else."""
        self.climber.show(lines)

    def draw(self, look: Look) -> None:
        ladder = look.view.ladder(look.record)
        if ladder is None or ladder.started is None:
            self.clear(refusal_lines(look, ladder, EMPTY))
            return
        sizes = _sizes(ladder)
        at = self.at if len(self.at) == len(sizes) else (0,) * len(sizes)
        self.at = tuple(min(i, size - 1) for i, size in zip(at, sizes, strict=True))
        head = self._head(look, ladder)
        two = len(sizes) == 2
        lines = [[], *self._map(ladder)] if two else self._chart(ladder, len(head))
        self.climber.show([*head, *lines])

    def _head(self, look: Look, ladder: LadderRun) -> list[Line]:
        waiting = waiting_line(ladder, look.live)
        title = [waiting or self._title(ladder)] if waiting or not self._short else []
        return [*title, *self._cursor(ladder)]

    @property
    def _short(self) -> bool:
        return self.climber.size.height < SHORT

    def _title(self, ladder: LadderRun) -> Line:
        started = ladder.started
        assert started is not None
        sizes = _sizes(ladder)
        what = plural(sizes[0], "rung") if len(sizes) == 1 else f"{sizes[0]} × {sizes[1]} map"
        of = f" of {inert(started.item)}" if started.item else ""
        first, second = started.readout["margin"]
        labels = f"{inert(first)} v {inert(second)}"
        return [("quiet", f" {what}{of} · {labels} · arrows move, ⏎ takes over")]

    def _cursor(self, ladder: LadderRun) -> list[Line]:
        """What stands at the cursor, and what every model says to it."""
        cell = ladder.cells.get(self.at)
        if cell is None:
            return [[], []]
        where = " × ".join(str(i + 1) for i in self.at)
        fillers = " · ".join(one_line(filler, 160) for filler in cell.fillers)
        rung = "rung" if len(self.at) == 1 else "cell"
        return [[("accent", f" {rung} {where} "), ("text", fillers)], _said(cell, _names(ladder))]

    def _chart(self, ladder: LadderRun, used: int) -> list[Line]:
        started = ladder.started
        assert started is not None
        width, height = self.climber.size.width, self.climber.size.height
        climb = chart.Climb(
            _names(ladder),
            {rungs[0]: cell for rungs, cell in ladder.cells.items()},
            _sizes(ladder)[0],
            margin_labels(started.readout),
        )
        turns, moved, at = flips(ladder), shifts(ladder), self.at[0]
        if self._short:
            told = chart.flip_lines(climb, turns, moved, width)
        else:
            told = [[], *chart.table_lines(climb, turns, moved, at, width)]
        room = min(height - used - len(told), TALLEST)
        return [*chart.chart_lines(climb, at, width, room), *told]

    def _map(self, ladder: LadderRun) -> list[Line]:
        assert ladder.started is not None
        one, other = (slot["fillers"] for slot in ladder.started.slots)
        names, leaves = _names(ladder), disagreement(ladder)
        at = (self.at[0], self.at[1])
        return map_lines(names, ladder.cells, (one, other), leaves, at, self.climber.size.width)

    def climb(self, down: int, right: int) -> None:
        """Move the cursor."""
        ladder = self.seen.view.ladder(self.seen.record) if self.seen else None
        if ladder is None or ladder.started is None:
            return
        sizes = _sizes(ladder)
        steps = (down, right) if len(sizes) == 2 else (down + right,)
        self.at = tuple(
            max(0, min(i + step, size - 1))
            for i, step, size in zip(self.at, steps, sizes, strict=True)
        )
        self.redraw()

    def taken(self) -> Taken | None:
        """The prompt of the rung under the cursor."""
        ladder = self.seen.view.ladder(self.seen.record) if self.seen else None
        cell: RungMargin | None = ladder.cells.get(self.at) if ladder else None
        if ladder is None or ladder.started is None or cell is None:
            return None
        return Taken(cell.prompt, ladder.started.readout, ladder.started.system)


def _said(cell: RungMargin, names: Sequence[str]) -> Line:
    """What the models say, grouped by label."""
    line: Line = []
    labels = {name: leading(cell.probabilities.get(name, {})) or MISSING for name in names}
    for label in dict.fromkeys(labels.values()):
        other = label != labels[names[0]]
        line += [("text", " "), ("alarm" if other else "strong", f" {inert(label)} ")]
        for name in names:
            if labels[name] == label:
                margin = figure(cell.margins.get(name))
                line += [("quiet", f" {inert(name)}"), ("text", f" {margin} ")]
    return line


def _sizes(ladder: LadderRun) -> list[int]:
    """How many fillers each slot has."""
    assert ladder.started is not None
    slots = ladder.started.slots
    return [len(slot["fillers"]) for slot in slots] or [max(1, ladder.started.total)]


def _names(ladder: LadderRun) -> list[str]:
    assert ladder.started is not None
    reference = ladder.started.reference
    return [reference, *(name for name in ladder.started.variants if name != reference)]
