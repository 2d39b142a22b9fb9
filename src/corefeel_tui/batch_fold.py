"""Events of one batch → progress, confusions, running bounds and disagreements, as they come.

Pure: no file, no model, and the time is told to it.  Labels are read and critical errors counted
as the report does.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache

from pydantic import TypeAdapter

from corefeel_tui import events as ev
from corefeel_tui.batch_rows import Row, rows_of
from corefeel_tui.diagnostics.openers import COMPLY, REFUSE
from corefeel_tui.diagnostics.reading import label_of
from corefeel_tui.early import glances
from corefeel_tui.evidence import FLOOR, ItemEvidence, SuitePlan
from corefeel_tui.statistics import upper_bound
from corefeel_tui.verdicts import UNPARSED

LEAST_ITEMS = 12
LEAST_SECONDS = 4.0
"""What must have been measured of a suite before the rest of it can be foretold."""

Table = dict[tuple[str, str], int]
"""(row label, column label) → count."""


@dataclass(slots=True)
class Critical:
    """Forbidden answers among the items where the reference was right and one was possible."""

    count: int = 0
    eligible: int = 0

    @property
    def upper95(self) -> float | None:
        """One-sided 95 % upper bound of the rate; None where nothing was eligible."""
        return upper_bound(self.count, self.eligible) if self.eligible else None


@dataclass(slots=True)
class SuiteProgress:
    """One suite: `done` counts every item that ended; seconds only those timed here."""

    plan: SuitePlan
    done: int = 0
    skipped: int = 0
    timed_items: int = 0
    timed_seconds: float = 0.0
    begun: bool = False

    @property
    def left(self) -> float | None:
        """Seconds to its end at the pace so far; None until that means something."""
        missing = self.plan.items - self.done
        if missing <= 0:
            return 0.0
        if self.timed_items < LEAST_ITEMS or self.timed_seconds < LEAST_SECONDS:
            return None
        return missing * self.timed_seconds / self.timed_items

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its answers, mildest first; () where they carry none."""
        rule = self.plan.verdict
        if not rule or self.plan.samples > 1:
            return ()
        own = self.plan.severity or self.plan.labels
        return own or ((COMPLY, REFUSE) if rule.get("openers") else ())


@dataclass(slots=True)
class Tally:
    """Everything a batch has told so far; tables and counts of labels by suite and variant.

    `keys` are the items that ended, as "suite/id"; what each said for stopping early stands in
    `glances`.
    """

    run: str
    planned: int = 0
    control: str | None = None
    reference: str = ""
    variants: list[str] = field(default_factory=list)
    suites: dict[str, SuiteProgress] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    expected_given: dict[tuple[str, str], Table] = field(default_factory=dict)
    reference_given: dict[tuple[str, str], Table] = field(default_factory=dict)
    critical_new: dict[str, Critical] = field(default_factory=dict)
    unparsed: Counter[tuple[str, str]] = field(default_factory=Counter)
    decided: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: dict[str, str] = field(default_factory=dict)
    stopped: dict[tuple[str, str | None], ev.VariantStopped] = field(default_factory=dict)
    glances: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    flipped: int = 0
    margins: dict[str, dict[str, float | None]] = field(default_factory=dict)
    since: float | None = None

    @property
    def done(self) -> int:
        """Items that ended."""
        return len(self.keys)

    @property
    def others(self) -> list[str]:
        """Every model but the reference, the control last."""
        rest = [name for name in self.variants if name != self.reference]
        return sorted(rest, key=lambda name: name == self.control)

    @property
    def left(self) -> float | None:
        """Seconds to the end of all; None while any suite to come has not been timed."""
        parts = [suite.left for suite in self.suites.values()]
        known = [part for part in parts if part is not None]
        return sum(known) if parts and len(known) == len(parts) else None

    def count_earlier(self, keys: Iterable[str]) -> None:
        """Items of an earlier run of the same batch: done, though nothing is known of them here."""
        for key in set(keys) - self.keys:
            suite = self.suites.get(key.partition("/")[0])
            if suite is not None:
                suite.done += 1
                self.keys.add(key)

    def forget_times(self) -> None:
        """Begin to measure the pace anew: what came so far came out of a file."""
        self.since = None
        for suite in self.suites.values():
            suite.timed_items, suite.timed_seconds = 0, 0.0

    def rest(self) -> None:
        """Stop the clock: what passes until the next event is not the models' time."""
        self.since = None

    @property
    def current(self) -> SuiteProgress | None:
        """The suite that is being run."""
        unfinished = (s for s in self.suites.values() if s.done < s.plan.items)
        return next(unfinished, None)


@cache
def _item() -> TypeAdapter[ItemEvidence]:
    return TypeAdapter(ItemEvidence)


@cache
def _plan() -> TypeAdapter[SuitePlan]:
    return TypeAdapter(SuitePlan)


def apply(tally: Tally, event: ev.Event, now: float) -> None:
    """Advance by one event of this batch at `now` seconds."""
    match event:
        case ev.Planned():
            tally.planned, tally.control = event.items, event.control
            for plan in map(_plan().validate_python, event.suites):
                tally.suites.setdefault(plan.name, SuiteProgress(plan))
        case ev.Started():
            _begin(tally, event, now)
        case ev.Verdict(provisional=False):
            own = event.margins.get(event.trajectory, event.margin)
            if "#" not in event.run:  # samples have no one margin
                tally.margins.setdefault(event.run, {})[event.trajectory] = own
        case ev.ItemFinished(evidence=dict() as evidence):
            _finish(tally, event, _item().validate_python(evidence), now)
        case ev.VariantStopped():
            tally.stopped.setdefault((event.variant, event.suite), event)
        case ev.Failed(variant=str() as variant):
            tally.broken.setdefault(variant, event.reason)


def _begin(tally: Tally, event: ev.Started, now: float) -> None:
    tally.reference = event.reference
    known = {*tally.variants}
    tally.variants += [x for x in event.variants if x not in known and not x.startswith(FLOOR)]
    if tally.since is None:
        tally.since = now
    if event.suite in tally.suites:
        tally.suites[event.suite].begun = True


def _finish(tally: Tally, event: ev.ItemFinished, item: ItemEvidence, now: float) -> None:
    suite, key = tally.suites.get(item.suite), f"{item.suite}/{item.id}"
    margins = tally.margins.pop(event.run, {})
    if suite is None or key in tally.keys:
        return
    tally.keys.add(key)
    suite.done += 1
    if item.status != "finished":
        suite.skipped += 1
    if tally.since is not None:
        suite.timed_items += 1
        suite.timed_seconds += now - tally.since
        tally.since = now
    seen = glances(item, suite.plan, tally.reference)
    tally.glances[key] = {name: asdict(glance) for name, glance in seen.items()}
    labels = _labels(item, suite)
    if item.status == "finished":
        _count(tally, suite, item, labels)
    for row in rows_of(event.run, suite.plan, item, labels, margins, tally.reference):
        insort(tally.rows, row, key=lambda row: row.order)
        tally.flipped += row.rank <= Row.FLIP


def _labels(item: ItemEvidence, suite: SuiteProgress) -> dict[str, str | None]:
    """Each model's label; the reference first, floors and the control left in."""
    if not suite.plan.verdict or suite.plan.samples > 1:
        return {}
    names = [name for name in item.answers if not name.startswith(FLOOR)]
    return {name: label_of(given[0], suite.plan) for name in names if (given := item.given(name))}


def _count(
    tally: Tally, suite: SuiteProgress, item: ItemEvidence, labels: dict[str, str | None]
) -> None:
    base = labels.get(tally.reference)
    forbidden = set(suite.plan.forbidden)
    possible = item.expected in {source for source, _ in forbidden}
    for variant, given in labels.items():
        if not given:
            continue
        where = (suite.plan.name, variant)
        tally.decided[where] += 1
        tally.unparsed[where] += given == UNPARSED
        if item.expected:
            _add(tally.expected_given, where, (item.expected, given))
        if base and variant != tally.reference:
            _add(tally.reference_given, where, (base, given))
            if possible and base == item.expected:
                critical = tally.critical_new.setdefault(variant, Critical())
                critical.eligible += 1
                critical.count += (item.expected, given) in forbidden


def _add(
    tables: dict[tuple[str, str], Table], where: tuple[str, str], cell: tuple[str, str]
) -> None:
    table = tables.setdefault(where, {})
    table[cell] = table.get(cell, 0) + 1
