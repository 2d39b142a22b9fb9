"""Edge searches on tiny models: the smallest change, bounds, and nothing told that is not so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.edge import telling
from corefeel_tui.edge.readouts import Readout, judge, parse
from corefeel_tui.engine.edge.hunt import Hunt
from corefeel_tui.engine.edge.probing import Chat, Probing, Weighed
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.service import Service
from corefeel_tui.errors import UsageError
from tests.engine.tiny_models import CONTEXT, write_tiny_model

PROMPT = (
    'Evidence:\n{"key": "A1", "statement": "The valve may be open, at most 3 bar."}\n'
    '{"key": "A2", "statement": "The pump is real."}\n'
    '{"key": "A3", "statement": "The guard must never be late."}\n'
    "Action: let 2 pumps be stopped."
)
SUITE = """
[suite]
name = "small"
kind = "verdicts"
labels = ["APPROVE", "REVISE", "VETO"]
forbidden = [["VETO", "APPROVE"]]
verdict = { json_key = "decision" }
"""
CLOSE = parse("yes v no")
"""Labels between which the tiny model hardly decides."""
BUDGET = 50
NEVER = lambda: False  # noqa: E731


def load(directory: Path) -> ModelSet:
    names = ["bf16", "8bit", "4bit", "2bit"]
    return load_set(c.Load(str(directory), names), lambda event: None, None)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("edge") / "tiny", "qwen3")


@pytest.fixture(scope="module")
def models(directory: Path) -> ModelSet:
    return load(directory)


@pytest.fixture
def service(models: ModelSet) -> Service:
    service = Service()
    service.models = models
    return service


@pytest.fixture(scope="module")
def searched(models: ModelSet) -> list[ev.Event]:
    """A whole search of `PROMPT`."""
    service = Service()
    service.models = models
    return search(service, prompt=PROMPT, readout=CLOSE.as_dict(), budget=BUDGET)


def told(steps: Iterator[ev.Event | None]) -> list[ev.Event]:
    return [event for event in steps if event is not None]


def search(service: Service, **fields: Any) -> list[ev.Event]:
    command = c.Search("s", **{"readout": judge().as_dict(), **fields})
    return told(service.probe(command, NEVER))


def of(kind: type[Any], seen: list[ev.Event]) -> list[Any]:
    return [event for event in seen if isinstance(event, kind)]


def afresh(models: ModelSet, found: ev.EdgeFound) -> dict[str, str | None]:
    """What every model says to a found prompt, computed from the event alone."""
    modules = {name: model.model for name, model in models.models.items()}
    readout = Readout.from_dict(found.readout)
    probe = Probing(modules, models.tokenizer, models.context, readout, Chat(found.system))
    weighed = probe.afresh(probe.tokens(found.prompt))
    return {
        name: max(weights, key=lambda label: weights[label] or -1e9)
        for name, weights in weighed.items()
    }


def test_what_is_found_comes_out_again_from_the_event_alone(
    searched: list[ev.Event], directory: Path
) -> None:
    seen = searched
    again = load(directory)
    for found in of(ev.EdgeFound, seen):
        said = afresh(again, found)
        assert said[found.variant] != said["bf16"]
        assert {name: said[name] for name in ("bf16", found.variant)} == found.labels
    assert of(ev.EdgeFound, seen), "a random model in few bits leaves somewhere"


def test_the_smallest_change_that_left_is_the_one_told(searched: list[ev.Event]) -> None:
    seen = searched
    tried = {attempt.number: attempt for attempt in of(ev.Tried, seen)}
    assert sorted(tried) == list(range(len(tried)))
    (last,) = of(ev.EdgeSearched, seen)
    assert last.tried == len(tried) - 1 <= last.bound <= BUDGET
    examples = {found.variant: found for found in of(ev.EdgeFound, seen)}
    assert {name: number for name, number in last.found.items() if number is not None} == {
        name: found.number for name, found in examples.items()
    }
    for name, found in examples.items():
        assert found.prompt == tried[found.number].prompt
        left = [attempt for attempt in tried.values() if name in attempt.left]
        assert len(found.changes) == min(len(attempt.changes) for attempt in left)
    for attempt in tried.values():
        assert attempt.left == telling.left(attempt.probabilities, "bf16")
    sizes = [len(attempt.changes) for _, attempt in sorted(tried.items())]
    assert sizes == sorted(sizes), "all single changes come before any pair"


def test_no_more_is_tried_than_the_budget(service: Service) -> None:
    (searched,) = of(ev.EdgeSearched, search(service, prompt=PROMPT, budget=5))
    assert searched.tried == searched.bound == 5


def test_slots_are_changes(service: Service) -> None:
    seen = search(service, prompt="Let {2|20|200} pumps be {open|shut}.", budget=20)
    kinds = {change["kind"] for attempt in of(ev.Tried, seen) for change in attempt.changes}
    assert "slot" in kinds
    base, *_ = of(ev.Tried, seen)
    assert base.prompt == "Let 2 pumps be open."


class Fickle(Probing):
    """Computes something else the second time."""

    def afresh(self, tokens: Any) -> Weighed:
        """Everybody says what the reference says."""
        weighed = super().afresh(tokens)
        return dict.fromkeys(weighed, weighed["bf16"])


def test_what_does_not_come_out_again_is_not_told(models: ModelSet) -> None:
    modules = {name: model.model for name, model in models.models.items()}
    probe = Fickle(modules, models.tokenizer, models.context, CLOSE, Chat())
    hunt = Hunt(c.Search("s", budget=12), PROMPT, None, probe)
    readings: dict[str, Reading] = {}
    while sets := hunt.next_round():
        told(hunt.carry_out(sets, readings, None, NEVER))
    assert told(hunt.verified()) == []
    summary = hunt.summary()
    assert set(summary.found.values()) == {None}
    assert "2bit" in summary.unstable


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    items = [f'[[item]]\nid = "item-{i}"\nprompt = "Open valve {i}?"\n' for i in range(6)]
    long = f'[[item]]\nid = "long"\nprompt = "{"valve " * CONTEXT}"\n'
    talk = '[[item]]\nid = "talk"\nturns = ["one", "two"]\n'
    path = tmp_path / "small.toml"
    path.write_text(SUITE + "".join(items) + long + talk)
    return path


def test_the_narrowest_items_of_a_suite_come_first(service: Service, suite: Path) -> None:
    seen = search(service, suite=str(suite), limit=2, budget=4, readout=None)
    (ranked,) = of(ev.Ranked, seen)
    known = [abs(row["margin"]) for row in ranked.items if row["margin"] is not None]
    assert known == sorted(known)
    assert len(known) == 6
    assert ranked.items[-1] == {"item": "long", "margin": None, "label": None}
    started = of(ev.EdgeStarted, seen)
    assert [start.item for start in started] == [row["item"] for row in ranked.items[:2]]
    assert len(of(ev.EdgeSearched, seen)) == ranked.searched == 2
    (again,) = of(ev.Tried, search(service, suite=str(suite), item="item-3", budget=1))[:1]
    row = next(row for row in ranked.items if row["item"] == "item-3")
    assert again.margins["bf16"] == pytest.approx(row["margin"], abs=1e-4)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"item": "item-9"}, "no item “item-9”"),
        ({"item": "talk"}, "several turns"),
        ({"item": "long"}, "shorten it"),
        ({"limit": 0}, "limit is 0"),
    ],
)
def test_an_item_that_cannot_be_searched_is_said(
    service: Service, suite: Path, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        search(service, suite=str(suite), **fields)


def test_a_cancelled_search_ends_as_cancelled(service: Service) -> None:
    seen: list[ev.Event] = []
    command = c.Search("s", prompt=PROMPT, readout=judge().as_dict())
    steps = service.probe(command, lambda: len(seen) > 6)
    seen.extend(event for event in steps if event is not None)
    assert isinstance(seen[-1], ev.ItemFinished)
    assert seen[-1].status == "cancelled"
    assert not of(ev.EdgeFound, seen)
