"""A batch writes as many answers side by side as there is room for, and says where it is little."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.cli.resuming import done_so_far
from corefeel_tui.engine import capacity, memory
from corefeel_tui.engine.batch import room
from corefeel_tui.engine.batch.in_turn import PassRunner
from corefeel_tui.engine.batch.room import seat
from corefeel_tui.engine.capacity import Capacity
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.service import Service
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.errors import ModelError
from corefeel_tui.session_writer import SessionWriter, make_header
from corefeel_tui.suites import Suite

from .test_batch import SAMPLED, TALKS, evidence, suite, verdict_items
from .test_batch_in_turn import assert_same_items
from .tiny_models import write_tiny_model

NAMES = ["bf16", "4bit", "2bit"]

Leave = Callable[[int], None]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("room") / "tiny", "qwen3", sharpness=1.5)


@pytest.fixture(scope="module")
def models(path: Path) -> ModelSet:
    return load_set(c.Load(str(path), NAMES), lambda event: None, None)


@pytest.fixture
def leave(monkeypatch: pytest.MonkeyPatch) -> Leave:
    """Sets the usable bytes of this machine."""

    def set_to(usable: int) -> None:
        free = usable * capacity.RESERVED_SHARE // (capacity.RESERVED_SHARE - 1) + 1
        monkeypatch.setattr(room, "capacity", lambda: Capacity(free, "available memory"))

    return set_to


def need(models: ModelSet, suites: list[Suite], answers: int) -> int:
    return room._Room(c.Evaluate("e", []), models, suites).need(answers).bytes


def served(models: ModelSet, path: Path, **options: Any) -> list[ev.Event]:
    service = Service()
    service.models, service._pieces = models, PieceTexts(models.tokenizer)
    command = c.Evaluate("e", [str(path)], **options)
    return [event for event in service.evaluate(command, lambda: False) if event]


def test_with_room_enough_nothing_is_said(models: ModelSet, tmp_path: Path) -> None:
    command, notices = seat(c.Evaluate("e", []), models, [suite(tmp_path, verdict_items(9))])
    assert (command.answers, notices) == (8, [])


@pytest.mark.parametrize(("has_room", "gets"), [(8, 8), (7, 4), (4, 4), (3, 2), (1, 1)])
def test_there_are_as_many_answers_as_there_is_room_for(
    models: ModelSet, tmp_path: Path, leave: Leave, has_room: int, gets: int
) -> None:
    suites = [suite(tmp_path, verdict_items(9))]
    leave(need(models, suites, has_room))
    command, notices = seat(c.Evaluate("e", []), models, suites)
    assert command.answers == gets
    assert len(notices) == (gets < 8)
    if notices:
        assert " at a time instead of 8, which could take " in notices[0].text
        assert notices[0].text.endswith("of available memory is free")


def test_fewer_answers_at_once_are_the_same_answers(
    models: ModelSet, tmp_path: Path, leave: Leave
) -> None:
    suites = [suite(tmp_path, verdict_items(9))]
    expected = served(models, tmp_path / "suite.toml")
    leave(need(models, suites, 3))
    found = served(models, tmp_path / "suite.toml")
    assert isinstance(found[0], ev.Notice)
    assert found[0].text.startswith("2 items at a time instead of 8")
    assert [e.asked["answers"] for e in (*found, *expected) if isinstance(e, ev.Planned)] == [2, 8]
    assert_same_items(json.loads(json.dumps(evidence(found))), evidence(expected))


def test_where_not_even_one_fits_it_says_what_to_do(
    models: ModelSet, tmp_path: Path, leave: Leave
) -> None:
    suites = [suite(tmp_path, verdict_items(9))]
    leave(need(models, suites, 1) // 2)
    with pytest.raises(ModelError) as raised:
        seat(c.Evaluate("e", []), models, suites)
    sentence = str(raised.value)
    assert sentence.startswith("even one item at a time could take ")
    assert "`eval --in-turn pairs`" in sentence
    assert "\n" not in sentence


def test_every_answer_of_a_sampled_item_counts(models: ModelSet, tmp_path: Path) -> None:
    sampled = [suite(tmp_path, SAMPLED)]
    assert need(models, sampled, 1) == need(models, sampled, 3) == need(models, sampled, 5)
    assert need(models, sampled, 6) == 2 * need(models, sampled, 1)


def test_a_conversation_is_planned_with_all_its_turns(models: ModelSet, tmp_path: Path) -> None:
    talks = suite(tmp_path, TALKS.replace("max_tokens = 8", "max_tokens = 100"))
    tokens = room._Room(c.Evaluate("e", []), models, [talks]).need(8).tokens
    assert 3 * 100 < tokens < 3 * 100 + 150


def test_a_batch_takes_no_more_than_planned(tmp_path: Path) -> None:
    """And the plan is no more than a few times what it takes."""
    shape = {"num_hidden_layers": 8, "hidden_size": 256, "intermediate_size": 64}
    model = write_tiny_model(tmp_path / "wide", "qwen3", sharpness=1.5, **shape)
    models = load_set(c.Load(str(model), NAMES), lambda event: None, None)
    suites = [suite(tmp_path, verdict_items(8).replace("max_tokens = 12", "max_tokens = 40"))]
    planned = need(models, suites, 8)
    served(models, tmp_path / "suite.toml", control=False, limit=1)
    memory.release()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    served(models, tmp_path / "suite.toml", control=False)
    taken = mx.get_peak_memory() - before
    assert taken <= planned <= 4 * taken


@pytest.mark.parametrize("way", ["pairs", "single"])
def test_in_turn_a_batch_is_planned_for_those_that_are_there(
    path: Path, tmp_path: Path, leave: Leave, models: ModelSet, way: str
) -> None:
    waiting = load_set(c.Load(str(path), NAMES, in_turn=way), lambda event: None, None)
    suites = [suite(tmp_path, verdict_items(9))]
    assert need(waiting, suites, 8) < need(models, suites, 8)
    leave(need(waiting, suites, 4) + room._still_to_come(waiting))
    command, notices = seat(c.Evaluate("e", [], arrays=str(tmp_path / "a")), waiting, suites)
    assert (command.answers, len(notices)) == (4, 1)
    steps = PassRunner(command, waiting, suites, PieceTexts(waiting.tokenizer), lambda: False)
    assert [e.asked["answers"] for e in steps.steps() if isinstance(e, ev.Planned)] == [4]
    assert (room._still_to_come(waiting) > 0) == (way == "pairs")


def test_a_batch_goes_on_with_as_many_as_it_began(models: ModelSet, tmp_path: Path) -> None:
    """So that what is left is computed in the shapes it would have had."""
    suite(tmp_path, verdict_items(5))
    whole = served(models, tmp_path / "suite.toml", answers=2, control=False)
    ends = [at for at, event in enumerate(whole) if getattr(event, "evidence", None)]
    path = tmp_path / "batch.jsonl"
    writer = SessionWriter(path, make_header(None, models.describe(), {}))
    for event in whole[: ends[2] + 1]:
        writer.append(event)
    writer.close()
    done = done_so_far(path)
    assert (len(done.items), done.answers) == (3, 2)
