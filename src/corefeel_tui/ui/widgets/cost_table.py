"""The table of what each model costs: bits, size and speed against the reference, and remarks."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import set_cell_size
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.costs import Cost, costs
from corefeel_tui.folding import Record, Run
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import percent, short, size, times, whole
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.widgets.painting import Part, painted

COLUMNS = (
    ("model", 14),
    ("bits", 7),
    ("stored", 10),
    ("share", 8),
    ("memory", 10),
    ("tok/s", 8),
    ("speed", 8),
    ("prefill", 9),
)
CAPTION = "share and speed beside {reference}; speeds alone · {execution}"
EXPANDED = "expanded to float32 here: no variant is faster, or smaller in memory"


class CostTable(Widget):
    """Draws one row per model."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--head", "table--text", "table--note"}

    def __init__(self) -> None:
        super().__init__()
        self._costs: list[Cost] = []
        self._caption = ""

    def show(self, record: Record, run: Run | None, view: View) -> None:
        """Show the models that are loaded; `run` and `view` change nothing here."""
        loaded = record.loaded
        rows = costs(record.variants, loaded.reference) if loaded else []
        caption = _caption(record)
        if (rows, caption) == (self._costs, self._caption):
            return
        self._costs, self._caption = rows, caption
        self.border_title = "size and speed"
        self.styles.height = len(rows) + 4
        self.refresh()

    def render_line(self, y: int) -> Strip:
        parts: list[Part] = []
        if y == 0:
            parts = [
                ("head", " "),
                *(("head", _cell(name, name, width)) for name, width in COLUMNS),
            ]
        elif y <= len(self._costs):
            parts = _parts(self._costs[y - 1])
        elif y == len(self._costs) + 1:
            parts = [("note", f" {self._caption}")]
        return painted(self, "table", parts)


def _cell(column: str, text: str, width: int) -> str:
    """Names stand left, numbers right."""
    return set_cell_size(text, width) if column == "model" else f"{text:>{width - 2}}  "


def _parts(cost: Cost) -> list[Part]:
    texts = (
        inert(cost.name),
        short(cost.bits_per_weight),
        size(cost.bytes),
        percent(cost.size_ratio),
        size(cost.resident_bytes),
        whole(cost.decode),
        times(cost.decode_ratio),
        whole(cost.prefill),
    )
    cells = [
        ("text", _cell(name, text, width))
        for text, (name, width) in zip(texts, COLUMNS, strict=True)
    ]
    remarks = ("reference", *cost.remarks) if cost.is_reference else cost.remarks
    return [("text", " "), *cells, ("note", inert(" · ".join(remarks)))]


def _caption(record: Record) -> str:
    loaded = record.loaded
    if loaded is None:
        return "nothing is loaded yet"
    executions = {str(told.get("execution")) for told in loaded.variants}
    execution = EXPANDED if executions == {"expanded"} else ", ".join(sorted(executions))
    return CAPTION.format(reference=inert(loaded.reference), execution=execution)
