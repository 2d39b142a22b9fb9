"""The table of a run: every variant's drift, agreement, length and verdict beside the floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import set_cell_size
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.folding import Record, Run
from corefeel_tui.parts import parts
from corefeel_tui.summaries import Summary
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import MISSING, percent, short, signed
from corefeel_tui.ui.text import facts
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.widgets.painting import Part, painted

COLUMNS = (
    ("model", 13),
    ("KL mean", 9),
    ("KL p99", 8),
    ("flips", 7),
    ("hard", 6),
    ("agree", 8),
    ("tokens", 8),
    ("verdict", 10),
    ("margin", 8),
)
WORDS = ("model", "verdict")
NOTE = "not distinguishable from zero"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One model's line."""

    cells: tuple[str, ...]
    tone: str
    note: str


class RunTable(Widget):
    """Draws the rows of a run."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--head",
        "table--text",
        "table--alarm",
        "table--note",
    }

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[TableRow] = []
        self._caption = ""

    def show(self, record: Record, run: Run | None, view: View) -> None:
        """Show a run's numbers."""
        floor = facts.floor_of(record)
        rows = [] if run is None else table_rows(run, view, floor)
        caption = _caption(view, floor)
        if (rows, caption) == (self._rows, self._caption):
            return
        self._rows, self._caption = rows, caption
        self.border_title = "run"
        self.styles.height = len(rows) + 4
        self.refresh()

    def render_line(self, y: int) -> Strip:
        parts: list[Part] = []
        if y == 0:
            parts = [("head", " "), *(("head", _cell(n, n, w)) for n, w in COLUMNS)]
        elif y <= len(self._rows):
            parts = _parts(self._rows[y - 1])
        elif y == len(self._rows) + 1:
            parts = [("note", f" {self._caption}")]
        return painted(self, "table", parts)


def _cell(name: str, text: str, width: int) -> str:
    """Words stand left, numbers right."""
    if name in WORDS:
        return set_cell_size(text, width)
    return f"{text:>{width - 2}}  "


def _parts(row: TableRow) -> list[Part]:
    cells = [
        (row.tone if name in WORDS else "text", _cell(name, text, width))
        for text, (name, width) in zip(row.cells, COLUMNS, strict=True)
    ]
    return [("text", " "), *cells, ("note", row.note)]


def table_rows(run: Run, view: View, floor: float | None) -> list[TableRow]:
    """One row per model, the reference first; where it thought, its two parts below it."""
    rows: list[TableRow] = []
    for summary in facts.summaries(run, view):
        rows.append(_row(run, summary, view, floor))
        rows += _part_rows(run, summary.variant, view)
    return rows


def _part_rows(run: Run, name: str, view: View) -> list[TableRow]:
    found = parts(run, name, view is View.LOCKED)
    if found is None:
        return []
    reference = name == run.started.reference
    told = (("  thinking", found.thinking), ("  answer", found.answer))
    return [
        TableRow((title, *_drifts(part, reference), str(part.positions), "", ""), "note", "")
        for title, part in told
    ]


def _row(run: Run, summary: Summary, view: View, floor: float | None) -> TableRow:
    name = summary.variant
    reference = name == run.started.reference
    badge = facts.badge(run, name, view)
    mean = summary.kl_mean
    faint = mean is not None and floor is not None and 0 < mean <= floor
    drifts = _drifts(summary, reference)
    verdict = run.trajectories[name].verdict
    label = badge.label + ("?" if badge.provisional and badge.label else "")
    margin = badge.margin or (signed(verdict.margin) if verdict else "")
    note = NOTE if faint else badge.note if badge.label else ""
    cells = (inert(name), *drifts, str(summary.length), inert(label), margin)
    return TableRow(cells, "alarm" if badge.tone == "alarm" else "text", note)


def _drifts(summary: Summary, reference: bool) -> tuple[str, ...]:
    """What the reference has none of."""
    if reference:
        return (MISSING,) * 5
    return (
        short(summary.kl_mean),
        short(summary.kl_p99),
        str(summary.flips),
        str(summary.hard_flips),
        percent(summary.top1_agreement),
    )


def _caption(view: View, floor: float | None) -> str:
    where = "on the reference's answer" if view is View.LOCKED else "on each model's own answer"
    known = f"floor {short(floor)}" if floor is not None else "floor not measured"
    return f"nats, {where} · {known}"
