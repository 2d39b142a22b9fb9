"""The running numbers of a batch: equal to the report's in the end, honest on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from corefeel_tui import batch_fold
from corefeel_tui import events as ev
from corefeel_tui.batch_fold import Tally
from corefeel_tui.batch_pace import foretold
from corefeel_tui.batch_rows import Row
from corefeel_tui.evidence import ItemEvidence
from corefeel_tui.report.evaluation import as_dict, evaluate
from corefeel_tui.verdicts import UNPARSED
from tests.evaluation import planted

RUN = "batch-1"
PLANT = planted.Plant(
    behaviours={
        "bf16": planted.truthful,
        "good": planted.truthful,
        "bad": planted.broken,
        "one": planted.approves_one_veto,
        "control": planted.mute,
    },
    verdicts=60,
    refusals=24,
    styles=6,
    words={"bad": 1.5},
)


def told(plant: planted.Plant = PLANT) -> Iterator[ev.Event]:
    """The batch as the engine tells it."""
    counts = {"verdicts": plant.verdicts, "refusal": plant.refusals, "style": plant.styles}
    plans = (planted.VERDICTS, planted.REFUSAL, planted.STYLE)
    suites = [asdict(replace(plan, items=counts[plan.base])) for plan in plans]
    yield ev.Planned(sum(counts.values()), suites, "control", 0, RUN)
    for item in planted.items_of(plant):
        yield from item_events(item, list(plant.behaviours))


def item_events(item: ItemEvidence, names: list[str]) -> Iterator[ev.Event]:
    run = f"{RUN}:{item.suite}/{item.id}"
    yield ev.Started(run, item.prompt, names, names[0], item=item.id, suite=item.suite)
    yield ev.ItemFinished(run)
    yield ev.ItemFinished(run, item=item.id, evidence=asdict(item))


def folded(events: Iterator[ev.Event], seconds: float = 1.0) -> Tally:
    tally = Tally(RUN)
    for number, event in enumerate(events):
        batch_fold.apply(tally, event, number * seconds)
    return tally


def test_the_running_numbers_end_as_the_reports(tmp_path: Path) -> None:
    found = as_dict(evaluate(planted.write(tmp_path / "s.jsonl", PLANT)))
    tally = folded(told())
    for variant in ("good", "bad", "one", "control"):
        mine, theirs = tally.critical_new[variant], found["critical_new"][variant]
        assert (mine.count, mine.eligible) == (theirs["count"], theirs["eligible"])
        assert mine.upper95 == pytest.approx(theirs["upper95"])
        for suite in (planted.VERDICTS, planted.REFUSAL):
            table = tally.expected_given[suite.name, variant]
            assert _nested(table) == found["confusion"][variant][suite.base]
            against = tally.reference_given[suite.name, variant]
            assert _nested(against) == found["against_reference"][variant][suite.base]


def _nested(table: batch_fold.Table) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (row, column), count in table.items():
        nested.setdefault(row, {})[column] = count
    return nested


def test_disagreements_come_first_and_the_control_is_none() -> None:
    tally = folded(told())
    ranks = [row.rank for row in tally.rows]
    assert ranks == sorted(ranks)
    assert {row.variants for row in tally.rows if row.rank == Row.CRITICAL} <= {("bad",), ("one",)}
    assert tally.flipped == sum(rank <= Row.FLIP for rank in ranks)
    assert not any("control" in row.variants for row in tally.rows)
    worst = tally.rows[0]
    assert (worst.reference_label, worst.label, worst.expected) == ("VETO", "APPROVE", "VETO")
    assert worst.reference_margin is not None
    assert worst.margin is not None
    assert worst.margin < 0 < worst.reference_margin
    longer = [row for row in tally.rows if row.suite == planted.STYLE.name]
    assert {(row.rank, row.variants) for row in longer} == {(Row.WORDS, ("bad",))}


def test_unparsed_is_counted_by_suite_and_variant() -> None:
    tally = folded(told())
    verdicts, refusals = planted.VERDICTS.name, planted.REFUSAL.name
    assert tally.unparsed[verdicts, "control"] == tally.decided[verdicts, "control"] == 60
    assert tally.unparsed[verdicts, "good"] == 0
    assert (tally.unparsed[refusals, "control"], tally.decided[refusals, "control"]) == (0, 24)
    assert tally.expected_given[planted.VERDICTS.name, "control"]["VETO", UNPARSED] == 20


def test_an_item_told_twice_counts_once() -> None:
    events = list(told())
    once, twice = folded(iter(events)), folded(iter([*events, *events]))
    assert once.done == twice.done == 90
    assert once.critical_new == twice.critical_new
    assert once.rows == twice.rows


def test_skipped_items_are_progress_and_nothing_else() -> None:
    item = replace(planted.items_of(PLANT)[0], status="skipped", reason="too long", answers={})
    events = [next(told()), *item_events(item, ["bf16", "bad"])]
    tally = folded(iter(events))
    assert tally.done == tally.suites[planted.VERDICTS.name].skipped == 1
    assert not tally.expected_given
    assert [(row.rank, row.reason) for row in tally.rows] == [(Row.NOT_RUN, "too long")]


def test_a_forecast_waits_until_it_means_something() -> None:
    events = list(told())
    suite = planted.VERDICTS.name
    few = folded(iter(events[: 1 + 3 * 5]))
    assert few.suites[suite].left is None
    some = folded(iter(events[: 1 + 3 * 30]))
    assert some.suites[suite].left == pytest.approx(30 * 3.0, rel=0.05)
    assert some.left is None, "two suites were never timed"
    assert folded(iter(events)).left == 0


def test_a_resumed_batch_foretells_only_what_is_missing() -> None:
    events = list(told())
    suite = planted.VERDICTS.name
    keys = [f"{suite}/{item.id}" for item in planted.items_of(PLANT)[:30]]
    tally = Tally(RUN)
    batch_fold.apply(tally, events[0], 0.0)
    assert foretold(tally) == ""
    tally.count_earlier(keys)
    assert tally.suites[suite].done == tally.done == 30
    assert foretold(tally) == "measuring the pace"
    for number, event in enumerate(events[1 + 3 * 30 : 1 + 3 * 45]):
        batch_fold.apply(tally, event, 4.0 * number)
    assert foretold(tally) == "3 min for verdicts, then 2 more"


def test_a_pause_is_not_the_models_time() -> None:
    events = list(told())
    tally = Tally(RUN)
    for number, event in enumerate(events[: 1 + 3 * 20]):
        batch_fold.apply(tally, event, float(number))
    before = tally.suites[planted.VERDICTS.name].left
    tally.rest()
    for number, event in enumerate(events[1 + 3 * 20 : 1 + 3 * 22]):
        batch_fold.apply(tally, event, 1e6 + number)
    after = tally.suites[planted.VERDICTS.name].left
    assert before is not None
    assert after is not None
    assert after < before
