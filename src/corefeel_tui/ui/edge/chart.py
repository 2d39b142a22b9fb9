"""A ladder as a chart: margin by rung, a thin bar a model, standing or hanging from the zero line.

Pure: rungs in, lines out.  Every model has its own place in a rung's column and a letter, so that
nothing covers anything and nothing needs its colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite

from rich.cells import set_cell_size

from corefeel_tui.edge.telling import leading
from corefeel_tui.events import RungMargin
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import MISSING, plural
from corefeel_tui.ui.edge.painting import Line, figure, joined, series

AXIS = 7
"""Cells of the axis left of the chart."""

NAME, CELL = 8, 9


@dataclass(frozen=True, slots=True)
class Climb:
    """A ladder with one slot: rungs by number, as far as they came.  The reference is first."""

    names: Sequence[str]
    cells: Mapping[int, RungMargin]
    count: int
    labels: tuple[str, str]

    @property
    def reach(self) -> tuple[int, int]:
        """Whole nats below and above 0 that hold every margin, at least one each."""
        values = [m for cell in self.cells.values() for m in cell.margins.values()]
        known = [m for m in values if m is not None and isfinite(m)]
        return _whole(-min(known, default=0.0)), _whole(max(known, default=0.0))


def _whole(value: float) -> int:
    step = 1 if value <= 10 else 5
    return max(1, ceil(value / step) * step)


def letters(names: Sequence[str]) -> list[str]:
    """A letter a model: its own first one where that tells them apart, else a, b, c …"""
    own = [name[:1] for name in names]
    if len(set(own)) == len(own):
        return own
    return [chr(ord("a") + i % 26) for i in range(len(names))]


def column_width(climb: Climb, width: int) -> int:
    """Cells of one rung: as roomy as the width allows."""
    least = len(climb.names) + 2
    return max(least, min(least + 5, (width - AXIS) // max(1, climb.count)))


def _shown(climb: Climb, at: int, width: int) -> range:
    """The rungs in sight, `at` among them."""
    fit = max(1, (width - AXIS) // column_width(climb, width))
    first = max(0, min(at - fit // 2, climb.count - fit))
    return range(first, min(climb.count, first + fit))


def chart_lines(climb: Climb, at: int, width: int, height: int) -> list[Line]:
    """The chart with rung `at` marked: `height` rows, the last two name rungs and verdicts."""
    below, above = climb.reach
    rows = max(2, height - 3)
    up = min(rows - 1, max(1, round(rows * above / (above + below))))
    levels = range(up, up - rows - 1, -1)
    shown, wide = _shown(climb, at, width), column_width(climb, width)
    scale = (above / up, below / (rows - up))
    lines = [
        [("quiet", _axis(climb, level, levels)), *_row(climb, shown, wide, level, scale)]
        for level in levels
    ]
    return [*lines, _rung_numbers(shown, at, wide), _verdicts(climb, shown, wide)]


def _axis(climb: Climb, level: int, levels: range) -> str:
    below, above = climb.reach
    if level == 0:
        return f"{'0':>{AXIS - 2}} ┼"
    if level == levels[0]:
        return f"{f'+{above}':>{AXIS - 2}} ┤"
    if level == levels[-1]:
        return f"{f'−{below}':>{AXIS - 2}} ┤"
    return f"{'│':>{AXIS}}"


def _row(climb: Climb, shown: range, wide: int, level: int, scale: tuple[float, float]) -> Line:
    """One row of bars; `level` counts rows from the zero line upwards, `scale` nats a row."""
    cells: list[tuple[str, str]] = []
    blank = ("faint", "─" if level == 0 else " ")
    before = (wide - len(climb.names)) // 2
    for rung in shown:
        cells += [blank] * before
        for number, name in enumerate(climb.names):
            cells.append(_mark(climb, rung, number, name, level, scale))
        cells += [blank] * (wide - before - len(climb.names))
    return joined(cells)


def _mark(
    climb: Climb, rung: int, number: int, name: str, level: int, scale: tuple[float, float]
) -> tuple[str, str]:
    cell = climb.cells.get(rung)
    margin = cell.margins.get(name) if cell else None
    nothing = ("faint", "─") if level == 0 else ("text", " ")
    if margin is None or not isfinite(margin):
        return nothing
    top = round(margin / scale[margin < 0])
    if level == top:
        gone = cell is not None and _disagrees(cell, name, climb.names[0])
        return "alarm" if gone else series(number), letters(climb.names)[number]
    between = 0 < level < top or top < level < 0
    return (series(number), "│") if between else nothing


def _rung_numbers(shown: range, at: int, wide: int) -> Line:
    line: Line = [("quiet", f"{'rung':>{AXIS - 1}} ")]
    line += [("here" if r == at else "quiet", f"{r + 1:^{wide}}") for r in shown]
    return line


def _verdicts(climb: Climb, shown: range, wide: int) -> Line:
    """What the reference says on each rung."""
    line: Line = [("quiet", f"{inert(climb.names[0])[: AXIS - 1]:>{AXIS - 1}} ")]
    for rung in shown:
        cell = climb.cells.get(rung)
        said = leading(cell.probabilities.get(climb.names[0], {})) if cell else None
        line.append(("strong", f"{inert(said or MISSING)[: wide - 1]:^{wide}}"))
    return line


def table_lines(
    climb: Climb,
    flips: Mapping[str, int | None],
    shifts: Mapping[str, int | None],
    at: int,
    width: int,
) -> list[Line]:
    """A model a row: its margin on the rungs in sight, ╎ before its flip, the flip, its shift."""
    fit = max(1, (width - NAME - 26) // CELL)
    first = max(0, min(at - fit // 2, climb.count - fit))
    shown = range(first, min(climb.count, first + fit))
    head = "".join(f"{f'rung {r + 1}':>{CELL}}" for r in shown)
    lines: list[Line] = [
        [("quiet", f" {'':<{NAME + 2}}{head}   "), ("quiet", f"{'flips':<9}"), ("quiet", "shift")]
    ]
    for number, name in enumerate(climb.names):
        mark = letters(climb.names)[number]
        line: Line = [(series(number), f" {mark} {set_cell_size(inert(name), NAME)}")]
        for rung in shown:
            line.append(_figure(climb, name, rung, flips.get(name)))
        line += _flip(flips.get(name), climb.count)
        line += _shift(number, shifts.get(name))
        lines.append(line)
    return lines


def flip_lines(
    climb: Climb, flips: Mapping[str, int | None], shifts: Mapping[str, int | None], width: int
) -> list[Line]:
    """Flips and shifts in as many lines as they need."""
    lines: list[Line] = [[("quiet", " flips:")]]
    used = 7
    for number, (name, letter) in enumerate(zip(climb.names, letters(climb.names), strict=True)):
        flip, shift = flips.get(name), shifts.get(name)
        where = f"rung {flip + 1}" if flip is not None else "never"
        by = f", {_rungs(shift)}" if number and shift else ""
        text = f" {inert(name)} {where}{by}  "
        if used + len(text) + 2 > width:
            lines.append([("quiet", " " * 7)])
            used = 7
        used += len(text) + 2
        tone = "error" if by else "text"
        lines[-1] += [(series(number), f" {letter}"), (tone, text)]
    return lines


def _figure(climb: Climb, name: str, rung: int, flip: int | None) -> tuple[str, str]:
    cell = climb.cells.get(rung)
    margin = cell.margins.get(name) if cell else None
    bar = "╎" if flip is not None and rung == flip else ""
    gone = cell is not None and _disagrees(cell, name, climb.names[0])
    return "error" if gone else "text", f"{bar + figure(margin):>{CELL}}"


def _disagrees(cell: RungMargin, name: str, reference: str) -> bool:
    """Whether a model says something else than the reference on a rung."""
    own, right = cell.probabilities.get(name, {}), cell.probabilities.get(reference, {})
    return leading(own) != leading(right)


def _flip(flip: int | None, count: int) -> Line:
    return [("strong", f"   {f'rung {flip + 1}' if flip is not None else 'never':<9}")]


def _shift(number: int, shift: int | None) -> Line:
    if number == 0:
        return [("faint", "reference")]
    if shift is None:
        return [("quiet", MISSING)]
    if shift == 0:
        return [("good", "as the reference")]
    return [("error", _rungs(shift))]


def _rungs(shift: int) -> str:
    return f"{plural(abs(shift), 'rung')} {'later' if shift > 0 else 'earlier'}"
