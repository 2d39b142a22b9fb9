"""The margin meter as lines: a scale centred at 0, a needle a model, the trail behind it.

Pure: a `Margins` event and those before it in, lines out; asks nothing and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite

from rich.cells import cell_len, set_cell_size

from corefeel_tui.edge.telling import THIN, called_out, kept, leading
from corefeel_tui.events import Margins
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import MISSING
from corefeel_tui.ui.edge.painting import Line, figure, joined
from corefeel_tui.ui.text.ramp import BLOCKS

STEPS = (1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)
"""Where a scale may end, in nats: few, so that it rarely changes while somebody types."""

MARGIN, NOTE = 7, 7
"""Cells of a figure and of the sign behind it."""

LEAST_SCALE = 21


@dataclass(frozen=True, slots=True)
class Needle:
    """One model's place.  `tone`: "" | "weak" (most of the margin lost) | "alarm" (disagrees)."""

    name: str
    label: str
    margin: float | None
    note: str = ""
    tone: str = ""


def needles(event: Margins) -> list[Needle]:
    """The reference first, then the variants."""
    reference = event.reference
    right = leading(event.probabilities.get(reference, {}))
    names = [reference, *(name for name in event.margins if name != reference)]
    return [_needle(event, name, right) for name in names]


def _needle(event: Margins, name: str, right: str | None) -> Needle:
    label, margin = leading(event.probabilities.get(name, {})), event.margins.get(name)
    plain = Needle(name, label or MISSING, margin)
    if name == event.reference:
        return plain
    if label != right:
        return Needle(name, plain.label, margin, "‼", "alarm")
    share = kept(event.margins, name, event.reference)
    if share is None or share >= THIN:
        return plain
    return Needle(name, plain.label, margin, f"▼{min(1 - share, 9.99):.0%}", "weak")


def bound_of(trail: Sequence[Margins]) -> float:
    """Where the scale ends: the first step that holds every margin of the trail."""
    known = (m for event in trail for m in event.margins.values() if m is not None and isfinite(m))
    largest = max(map(abs, known), default=0.0)
    return next((step for step in STEPS if step >= largest), float(ceil(largest / 32) * 32))


@dataclass(frozen=True, slots=True)
class Widths:
    """Cells of a row's parts; the scale's are odd, so that it has a middle."""

    name: int
    label: int
    scale: int
    trail: int


def widths(rows: Sequence[Needle], width: int) -> Widths:
    """As the names and the width of the screen want it."""
    name = min(16, max(cell_len(inert(row.name)) for row in rows) + 2)
    label = min(14, max(8, *(cell_len(inert(row.label)) + 2 for row in rows)))
    room = width - name - label - MARGIN - NOTE - 6
    trail = min(48, max(0, room // 3)) if room >= LEAST_SCALE + 8 else 0
    scale = max(LEAST_SCALE, room - trail)
    return Widths(name, label, scale - (scale + 1) % 2, trail)


def meter_lines(trail: Sequence[Margins], width: int) -> list[Line]:
    """Axis and needles; `trail` ends with what is shown."""
    latest, bound = trail[-1], bound_of(trail)
    rows = needles(latest)
    wide = widths(rows, width)
    lines = [_axis(latest, bound, wide)]
    for row in rows:
        behind = trail[-wide.trail :] if wide.trail else []
        values = [event.margins.get(row.name) for event in behind]
        track = needle_line(row, rows[0].margin, bound, wide.scale)
        tail = trail_line(values, bound)
        lines.append([*_head(row, wide), *track, ("text", "  "), *tail])
    return lines


def _axis(event: Margins, bound: float, wide: Widths) -> Line:
    """The label names at the ends, the margin 0 in the middle."""
    first, second = (inert(str(label)) for label in event.readout["margin"])
    half = wide.scale // 2
    left = set_cell_size(f"◀ {second} −{bound:g}", half)
    right = f"+{bound:g} {first} ▶"
    right = set_cell_size(right, half) if cell_len(right) > half else right.rjust(half)
    gap = " " * (wide.name + wide.label + MARGIN + NOTE + 3)
    tail = f"  {'trail':<{wide.trail}}" if wide.trail else ""
    return [("text", gap), ("strong", left), ("quiet", "0"), ("strong", right), ("faint", tail)]


def _head(row: Needle, wide: Widths) -> Line:
    tone = "alarm" if row.tone == "alarm" else "strong"
    note = {"": "quiet", "weak": "warn", "alarm": "error"}[row.tone]
    return [
        ("quiet", " " + set_cell_size(inert(row.name), wide.name)),
        (tone, set_cell_size(f" {inert(row.label)}", wide.label)),
        ("strong", f"{figure(row.margin):>{MARGIN}}"),
        (note, f"  {row.note:<{NOTE - 2}}"),
        ("text", "  "),
    ]


def needle_line(row: Needle, whole: float | None, bound: float, width: int) -> Line:
    """A scale with the needle, the bar that leads to it, and where the reference stands."""
    middle = width // 2
    at, ghost = column(row.margin, bound, width), column(whole, bound, width)
    tone = {"": "accent", "weak": "warn", "alarm": "error"}[row.tone]
    cells: list[tuple[str, str]] = []
    for cell in range(width):
        if cell == at:
            cells.append((tone if row.tone else "strong", "◆" if row.tone == "alarm" else "●"))
        elif cell == middle:
            cells.append(("quiet", "┼"))
        elif at is not None and (middle < cell < at or at < cell < middle):
            cells.append((tone, "━"))
        elif cell == ghost:
            cells.append(("quiet", "╎"))
        else:
            cells.append(("faint", "─"))
    return joined(cells)


def column(margin: float | None, bound: float, width: int) -> int | None:
    """The cell in which a margin stands; the middle one is 0."""
    if margin is None or not isfinite(margin):
        return None
    half = width // 2
    share = max(-1.0, min(1.0, margin / bound))
    cell = half + round(share * half)
    if cell == half and abs(margin) >= 0.05:
        cell += 1 if margin > 0 else -1  # a side is never hidden by rounding
    return cell


def trail_line(values: Sequence[float | None], bound: float) -> Line:
    """A bar a revision: it stands for the first label and hangs for the second."""
    return joined([_bar(value, bound) for value in values])


def _bar(value: float | None, bound: float) -> tuple[str, str]:
    if value is None or not isfinite(value):
        return "faint", "·"
    level = min(8, ceil(abs(value) / bound * 8))
    if level == 0:
        return "faint", "─"
    if value > 0:
        return "rise", BLOCKS[level - 1]
    return "hang", BLOCKS[7 - level] if level < 8 else " "


def sentences(event: Margins, room: int) -> list[Line]:
    """What the needles say, in words: who disagrees, who is about to; else that all is well."""
    weak = [sentence for sentence in called_out(event) if " still " in sentence]
    gone = [sentence for sentence in called_out(event) if " still " not in sentence]
    lines: list[Line] = [[("error", f" ‼ {inert(sentence)}")] for sentence in gone]
    lines += [[("warn", f" ▼ {inert(sentence)}")] for sentence in weak]
    if not lines:
        return [[("good", f" ✓ {_calm(event)}")]]
    if len(lines) <= room:
        return lines
    rest = [part for line in lines[room - 1 :] for part in line]
    return [*lines[: room - 1], rest]


def _calm(event: Margins) -> str:
    rows = needles(event)
    known = [row for row in rows[1:] if row.margin is not None]
    if not known:
        return f"{rows[0].name} says {inert(rows[0].label)}"
    narrow = min(known, key=lambda row: abs(row.margin or 0.0))
    return (
        f"every variant says {inert(rows[0].label)}, as {inert(rows[0].name)} does; "
        f"the narrowest is {inert(narrow.name)} at {figure(narrow.margin)}"
    )
