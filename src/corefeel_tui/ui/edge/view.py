"""What the reader looks at in the Edge screen: which panel, which run of a kind, which variant.

Pure state; knows no widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import EdgeRecord, LadderRun, MeterRun, ScanRun, SearchRun

UNITS = ("word", "clause", "line")
PANELS = ("words", "ladder", "search")
T = TypeVar("T")


@dataclass(slots=True)
class EdgeView:
    """`panel` "" shows the meter alone; `chosen` maps a panel to a run, if it is not the last."""

    panel: str = ""
    unit: str = "word"
    variant: str = ""
    chosen: dict[str, str] = field(default_factory=dict)

    def scan(self, record: EdgeRecord) -> ScanRun | None:
        """The scan on show."""
        return self._of("words", record.scans)

    def ladder(self, record: EdgeRecord) -> LadderRun | None:
        """The ladder on show."""
        return self._of("ladder", record.ladders)

    def search(self, record: EdgeRecord) -> SearchRun | None:
        """The search on show."""
        return self._of("search", record.searches)

    def meter(self, record: EdgeRecord) -> MeterRun | None:
        """The meter on show."""
        return self._of("", record.meters)

    def run(self, record: EdgeRecord) -> str | None:
        """The run on show in the panel."""
        return self._name(self.panel, runs(record, self.panel))

    def _of(self, panel: str, found: Mapping[str, T]) -> T | None:
        name = self._name(panel, found)
        return found[name] if name is not None else None

    def _name(self, panel: str, found: Mapping[str, object]) -> str | None:
        mine = self.chosen.get(panel)
        return mine if mine in found else next(reversed(list(found)), None)

    def neighbour(self, record: EdgeRecord, step: int) -> str | None:
        """The run of the panel's kind before (−1) or after the one on show."""
        names = list(runs(record, self.panel))
        name = self.run(record)
        at = names.index(name) + step if name is not None else -1
        return names[at] if 0 <= at < len(names) else None

    def next_unit(self) -> None:
        """Words, clauses, lines, and round again."""
        self.unit = UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)]


def runs(record: EdgeRecord, panel: str) -> Mapping[str, object]:
    """All runs that a panel can show."""
    match panel:
        case "words":
            return record.scans
        case "ladder":
            return record.ladders
        case "search":
            return record.searches
    return record.meters
