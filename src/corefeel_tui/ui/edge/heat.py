"""A scan as lines: a heat strip a model, the tinted prompt, and the table of its parts.

Pure: a scan's base and parts in, lines out.  A part's move is the whole's margin less that without
it: positive parts hold up the first label, negative ones pull to the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from rich.cells import set_cell_size

from corefeel_tui.edge.telling import leading, moves
from corefeel_tui.events import Margins, WordMargin
from corefeel_tui.text.inert import inert, label_of
from corefeel_tui.text.numbers import MISSING, signed
from corefeel_tui.ui.edge.painting import HEATS, Line, joined
from corefeel_tui.ui.edge.prose import Tint
from corefeel_tui.ui.text.ramp import BLOCKS

Heat = Sequence[tuple[int, int, float]]
"""Parts of the prompt with their moves in nats."""

NAME = 8
CELL = 8


def largest(heats: Sequence[Heat]) -> float:
    """The scale all strips share; never so small that noise looks hot."""
    return max((abs(move) for heat in heats for _, _, move in heat), default=0.0) or 1.0


def strip_line(name: str, heat: Heat, length: int, top: float, width: int) -> Line:
    """One model's moves along the prompt, squeezed into the width: bars that stand or hang."""
    room = max(1, width - NAME - 2)
    cells: list[float] = [0.0] * room
    for start, end, move in heat:
        first, last = start * room // max(1, length), max(start, end - 1) * room // max(1, length)
        for cell in range(first, min(last, room - 1) + 1):
            cells[cell] = move if abs(move) > abs(cells[cell]) else cells[cell]
    return [
        ("quiet", " " + set_cell_size(inert(name), NAME)),
        *joined([_bar(move, top) for move in cells]),
    ]


def _bar(move: float, top: float) -> tuple[str, str]:
    level = min(8, ceil(abs(move) / top * 8 - 0.5))
    if level <= 0:
        return "faint", "─"
    if move > 0:
        return "rise", BLOCKS[level - 1]
    return "hang", BLOCKS[7 - level] if level < 8 else " "


def tints(heat: Heat, top: float) -> list[Tint]:
    """The prompt's parts in steps of heat; what moves hardly anything stays plain."""
    found = []
    for start, end, move in heat:
        step = min(HEATS, ceil(abs(move) / top * HEATS - 0.5))
        if step > 0:
            found.append((start, end, f"{'up' if move > 0 else 'down'}-{step}"))
    return found


def legend(first: str, second: str) -> Line:
    """What the tints mean, without their colour."""
    return [
        ("up-3", " bold "),
        ("quiet", f" holds up {inert(first)}   "),
        ("down-3", " underlined "),
        ("quiet", f" pulls to {inert(second)}"),
    ]


def table_head(names: Sequence[str], unit: str, label: str, width: int) -> Line:
    """Heads of the columns."""
    words = word_width(len(names), width)
    cells = "".join(f"{inert(name)[: CELL - 1]:>{CELL}}" for name in names)
    head = set_cell_size(f"{unit} · holds up {inert(label)} by", words)
    return [("quiet", f"  {head}{cells}")]


def word_width(models: int, width: int) -> int:
    """Cells of the part's own text."""
    return max(12, min(48, width - models * CELL - 4))


def table_row(word: WordMargin, base: Margins, names: Sequence[str], width: int) -> Line:
    """A part and how every model's margin moves with it; ⇄ where the verdict goes with it."""
    words = word_width(len(names), width)
    moved = moves(word, base)
    line: Line = [("strong", " " + set_cell_size(_shown(word.text), words))]
    for name in names:
        before, after = base.probabilities.get(name, {}), word.probabilities.get(name, {})
        flips = leading(before) != leading(after)
        text = (signed(moved.get(name)) or MISSING) + ("⇄" if flips else " ")
        line.append(("error" if flips else _tone(moved.get(name)), f"{text:>{CELL}}"))
    return line


def _shown(text: str) -> str:
    return label_of(" ".join(text.split())) if text.strip() else label_of(text)


def _tone(move: float | None) -> str:
    return "quiet" if move is None or abs(move) < 0.5 else "text"
