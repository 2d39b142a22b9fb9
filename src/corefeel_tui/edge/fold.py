"""The edge's events in, what a screen or a page shows out: meters, scans, ladders, searches.

Pure: no clock, no file, no model.  `fold` replays a session; `apply` advances by one event.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from corefeel_tui import events as ev


@dataclass(slots=True)
class Life:
    """How a run ended, if it did."""

    finished: ev.ItemFinished | None = None
    failed: ev.Failed | None = None


@dataclass(slots=True)
class MeterRun(Life):
    """The needles of a prompt that was typed: `trail` by revision, the newest last."""

    trail: list[ev.Margins] = field(default_factory=list)

    @property
    def latest(self) -> ev.Margins | None:
        """Where the needles stand."""
        return self.trail[-1] if self.trail else None


@dataclass(slots=True)
class ScanRun(Life):
    """The parts of a prompt: `words` as they came (of every unit), `base` with nothing removed."""

    started: ev.EdgeStarted | None = None
    base: ev.Margins | None = None
    words: list[ev.WordMargin] = field(default_factory=list)
    progress: ev.Progress | None = None

    @property
    def done(self) -> int:
        """Parts weighed."""
        return len(self.words)


@dataclass(slots=True)
class LadderRun(Life):
    """The rungs of a ladder, or the cells of a map, by their indices."""

    started: ev.EdgeStarted | None = None
    cells: dict[tuple[int, ...], ev.RungMargin] = field(default_factory=dict)
    progress: ev.Progress | None = None


@dataclass(slots=True)
class ItemSearch:
    """The search of one prompt; `found` by variant."""

    started: ev.EdgeStarted
    tried: list[ev.Tried] = field(default_factory=list)
    found: dict[str, ev.EdgeFound] = field(default_factory=dict)
    searched: ev.EdgeSearched | None = None


@dataclass(slots=True)
class SearchRun(Life):
    """A search: the suite's ranking if there is one, then every item ("" for a typed prompt)."""

    ranked: ev.Ranked | None = None
    items: dict[str, ItemSearch] = field(default_factory=dict)
    progress: ev.Progress | None = None


@dataclass(slots=True)
class EdgeRecord:
    """Everything a stream has told of edges so far, by run."""

    meters: dict[str, MeterRun] = field(default_factory=dict)
    scans: dict[str, ScanRun] = field(default_factory=dict)
    ladders: dict[str, LadderRun] = field(default_factory=dict)
    searches: dict[str, SearchRun] = field(default_factory=dict)
    failures: dict[str, ev.Failed] = field(default_factory=dict)
    """Also of runs that never began."""

    def life(self, run: str) -> MeterRun | ScanRun | LadderRun | SearchRun | None:
        """The run of that name, whatever its kind."""
        return (
            self.scans.get(run)
            or self.ladders.get(run)
            or self.searches.get(run)
            or self.meters.get(run)
        )


def fold(events: Iterable[ev.Event]) -> EdgeRecord:
    """The record of a whole stream."""
    record = EdgeRecord()
    for event in events:
        apply(record, event)
    return record


def apply(record: EdgeRecord, event: ev.Event) -> None:
    """Advance `record` by one event; others than the edge's are ignored."""
    match event:
        case ev.EdgeStarted():
            _start(record, event)
        case ev.Margins(run=run) if run in record.scans:
            record.scans[run].base = event
        case ev.Margins(run=run):
            _needle(record.meters.setdefault(run, MeterRun()), event)
        case ev.WordMargin(run=run) if run in record.scans:
            record.scans[run].words.append(event)
        case ev.RungMargin(run=run) if run in record.ladders:
            record.ladders[run].cells[tuple(event.rungs)] = event
        case ev.Ranked() | ev.Tried() | ev.EdgeFound() | ev.EdgeSearched():
            _search(record, event)
        case ev.Progress(run=run) | ev.ItemFinished(run=run) | ev.Failed(run=str(run)):
            _live(record, run, event)


def _start(record: EdgeRecord, event: ev.EdgeStarted) -> None:
    match event.kind:
        case "scan":
            record.scans[event.run] = ScanRun(started=event)
        case "ladder":
            record.ladders[event.run] = LadderRun(started=event)
        case "search":
            search = record.searches.setdefault(event.run, SearchRun())
            search.items[event.item or ""] = ItemSearch(event)


def _needle(meter: MeterRun, event: ev.Margins) -> None:
    """Late revisions find their place; one told twice counts once."""
    meter.trail = [margins for margins in meter.trail if margins.revision != event.revision]
    insort(meter.trail, event, key=lambda margins: margins.revision)
    meter.failed = meter.finished = None


def _search(
    record: EdgeRecord, event: ev.Ranked | ev.Tried | ev.EdgeFound | ev.EdgeSearched
) -> None:
    search = record.searches.setdefault(event.run, SearchRun())
    if isinstance(event, ev.Ranked):
        search.ranked = event
        return
    item = search.items.get(event.item or "")
    if item is None:
        return
    match event:
        case ev.Tried():
            item.tried.append(event)
        case ev.EdgeFound():
            item.found[event.variant] = event
        case ev.EdgeSearched():
            item.searched = event


def _live(record: EdgeRecord, run: str, event: ev.Event) -> None:
    life = record.life(run)
    if isinstance(event, ev.Failed):
        record.failures[run] = event
    match event:
        case ev.ItemFinished() if life:
            life.finished = event
        case ev.Failed() if life:
            life.failed = event
        case ev.Progress() if isinstance(life, ScanRun | LadderRun | SearchRun):
            life.progress = event


def found(record: EdgeRecord) -> list[ev.EdgeFound]:
    """Every example, search after search; one for variants that left at the same prompt."""
    return [
        example
        for search in record.searches.values()
        for item in search.items.values()
        for example in {found.prompt: found for found in reversed(item.found.values())}.values()
    ]
