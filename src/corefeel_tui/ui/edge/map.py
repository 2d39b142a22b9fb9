"""A map of two slots as lines: a cell a pair of fillers, the reference's word and who leaves it.

Pure: cells in, lines out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import set_cell_size

from corefeel_tui.edge.telling import leading
from corefeel_tui.events import RungMargin
from corefeel_tui.text.inert import inert
from corefeel_tui.ui.edge.chart import letters
from corefeel_tui.ui.edge.painting import Line, series

HEAD = 16
"""Cells of a row's filler."""

Cells = Mapping[tuple[int, ...], RungMargin]


def map_lines(
    names: Sequence[str],
    cells: Cells,
    fillers: tuple[Sequence[str], Sequence[str]],
    leaves: Mapping[tuple[int, ...], Sequence[str]],
    at: tuple[int, int],
    width: int,
) -> list[Line]:
    """Rows are the first slot's fillers, columns the second's; the cell `at` is marked.

    A cell shows what the reference says (its first letters) and a letter for every variant that
    says otherwise, or = where all agree.
    """
    rows, columns = fillers
    longest = max(map(len, columns)) + 2
    cell = max(len(names) + 7, min(longest, (width - HEAD - 2) // max(1, len(columns))))
    fit = max(1, (width - HEAD - 2) // cell)
    first = max(0, min(at[1] - fit // 2, len(columns) - fit))
    shown = range(first, min(len(columns), first + fit))
    heads = "".join(set_cell_size(f" {inert(columns[j])}", cell) for j in shown)
    lines: list[Line] = [[("quiet", " " * (HEAD + 1) + heads)]]
    for i, filler in enumerate(rows):
        line: Line = [("quiet", " " + set_cell_size(inert(filler), HEAD))]
        for j in shown:
            line += _cell(names, cells.get((i, j)), leaves.get((i, j), ()), (i, j) == at, cell)
        lines.append(line)
    return [*lines, [], _legend(names)]


def _cell(
    names: Sequence[str], cell: RungMargin | None, left: Sequence[str], here: bool, width: int
) -> Line:
    if cell is None:
        return [("faint", f"{' ·':<{width}}")]
    said = leading(cell.probabilities.get(names[0], {})) or "?"
    marks = dict(zip(names, letters(names), strict=True))
    gone = "".join(marks[name] for name in names if name in left)
    text = f" {inert(said)[:4]} {gone or '='}"
    style = "here" if here else "alarm" if gone else "text"
    return [(style, f"{text:<{width - 1}}"), ("text", " ")]


def _legend(names: Sequence[str]) -> Line:
    line: Line = [("quiet", " says otherwise:  ")]
    for number, (name, letter) in enumerate(zip(names, letters(names), strict=True)):
        if number:
            line += [(series(number), letter), ("quiet", f" {inert(name)}   ")]
    return [*line, ("quiet", "= all as the reference")]
