"""Speeds are taken again while nothing is asked, and what a busy moment made of them is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import pytest

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.engine import memory, resting
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.resting import Resting
from corefeel_tui.engine.speeds import Speeds, alternately, timing, to_the_end

from .test_serve import Engine
from .tiny_models import write_tiny_model

NAMES = ["bf16", "4bit", "w8a8"]
WRONG = {"decode": 0.5, "prefill": 0.5, "disturbed": True}


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("resting"), "qwen3")


@pytest.fixture
def engine(figures: Path) -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def command(model: Path, **options: Any) -> c.Load:
    return c.Load(str(model), NAMES, cache_bytes=1 << 30, **options)


def load(model: Path, **options: Any) -> ModelSet:
    return load_set(command(model, **options), lambda event: None, None)


def spoil(figures: Path, **speeds: Any) -> None:
    """Write into every record what a busy machine once read."""
    for path in figures.iterdir():
        record = json.loads(path.read_text())
        path.write_text(json.dumps(record | {"speeds": WRONG | speeds}))


def keep_wrong(model: Path, figures: Path) -> None:
    """As an engine of this kind keeps it: a process without its BLAS has other keys."""
    first = Engine()
    try:
        first.send(command(model))
        first.until(ev.Loaded)
    finally:
        first.close()
    spoil(figures)


def told(models: ModelSet, key: str) -> dict[str, Any]:
    return {name: model.info[key] for name, model in models.models.items()}


def rest(models: ModelSet) -> list[ev.Timed]:
    """Let an engine with these models rest until it has nothing left to do."""
    idle, found = Resting(), []
    while idle.patience(models) is not None:
        if event := idle.step(models):
            found.append(event)
    return found


def undisturbed(monkeypatch: pytest.MonkeyPatch, yes: bool = True) -> None:
    """Other programs on the machine that runs this test say nothing of what it tests."""
    monkeypatch.setattr("corefeel_tui.engine.speeds.UNDISTURBED", 0 if yes else 1e9)


def test_an_engine_that_rests_mends_kept_speeds(dense: Path, figures: Path, engine: Engine) -> None:
    keep_wrong(dense, figures)
    engine.send(command(dense))
    loaded = engine.until(ev.Loaded)[-1]
    assert isinstance(loaded, ev.Loaded)
    assert [about["tokens_per_second"] for about in loaded.variants] == [0.5] * 3
    timed = engine.until(ev.Timed)[-1]
    assert isinstance(timed, ev.Timed)
    assert set(timed.variants) == {"bf16", "4bit"}
    for about in timed.variants.values():
        assert about["tokens_per_second"] > 0.5
        assert about["measured"] is None
    kept = [json.loads(path.read_text())["speeds"]["decode"] for path in figures.iterdir()]
    speeds = [about["tokens_per_second"] for about in timed.variants.values()]
    assert sorted(kept) == sorted([*speeds, 0.5])


def test_it_rests_once_a_load(dense: Path, figures: Path) -> None:
    models = load(dense)
    rest(models)
    assert rest(models) == []
    assert Resting().patience(models) is None
    assert Resting().patience(None) is None


def test_what_is_asked_comes_first(dense: Path, figures: Path) -> None:
    """Whatever arrives ends what was begun; it begins anew when all is quiet again."""
    models = load(dense)
    idle = Resting()
    assert idle.patience(models) == resting.QUIET_SECONDS
    assert idle.step(models) is None
    assert idle.patience(models) == 0
    idle.interrupt()
    assert idle.patience(models) == resting.QUIET_SECONDS
    assert models.watches is not None


def test_a_prompt_in_the_midst_is_answered(dense: Path, figures: Path, engine: Engine) -> None:
    keep_wrong(dense, figures)
    engine.send(command(dense))
    engine.until(ev.Loaded)
    time.sleep(resting.QUIET_SECONDS + 0.01)
    engine.send(c.Ask("run", "hello there", max_tokens=4))
    seen = engine.until(ev.ItemFinished)
    assert isinstance(seen[-1], ev.ItemFinished)
    assert seen[-1].status == "finished"
    if not any(isinstance(event, ev.Timed) for event in seen):
        assert isinstance(engine.until(ev.Timed)[-1], ev.Timed)


def test_kept_speeds_that_are_believed_do_not_give_way_to_disturbed_ones(
    dense: Path, figures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(dense)
    spoil(figures, disturbed=False)
    models = load(dense)
    undisturbed(monkeypatch, False)
    assert rest(models) == []
    assert told(models, "tokens_per_second") == dict.fromkeys(NAMES, 0.5)
    again = load(dense)
    undisturbed(monkeypatch)
    assert len(rest(again)) == 1
    assert told(again, "disturbed") == dict.fromkeys(NAMES, False)


def test_a_disturbed_speed_is_kept_as_such(
    dense: Path, figures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed(monkeypatch, False)
    assert told(load(dense), "disturbed") == dict.fromkeys(NAMES, True)
    undisturbed(monkeypatch)
    second = load(dense)
    assert told(second, "disturbed") == dict.fromkeys(NAMES, True)
    rest(second)
    third = load(dense)
    assert told(third, "disturbed") == {"bf16": False, "4bit": False, "w8a8": True}
    assert all(third.models[name].info["measured"] for name in NAMES)


def test_a_record_that_does_not_tell_counts_for_nothing(dense: Path, figures: Path) -> None:
    """As an earlier version kept it."""
    load(dense)
    for path in figures.iterdir():
        record = json.loads(path.read_text())
        path.write_text(json.dumps(record | {"speeds": {"tokens_per_second": 1.0}}))
    assert told(load(dense), "measured") == dict.fromkeys(NAMES)


def test_measured_anew_there_is_nothing_left_to_do(dense: Path, figures: Path) -> None:
    models = load(dense, anew=True)
    assert models.watches is None
    assert told(models, "measured") == dict.fromkeys(NAMES)


class Waiting(nn.Module):
    """A model that waits a while before each pass, as one does behind other programs."""

    def __init__(self, model: nn.Module, seconds: float) -> None:
        super().__init__()
        self.model, self.seconds = model, seconds

    @property
    def layers(self) -> Any:
        return self.model.layers

    def __call__(self, tokens: mx.array, cache: Any = None) -> mx.array:
        time.sleep(self.seconds)
        return self.model(tokens, cache=cache)


def test_who_waits_more_than_it_computes_is_disturbed(
    dense: Path, figures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(dense).models["bf16"].model
    tokens = [1, 2, 3, 4] * 10
    speeds = to_the_end(timing(Waiting(model, 0.1), tokens))
    assert speeds.disturbed
    assert 0 < speeds.decode < 10
    monkeypatch.setattr(memory, "backend", lambda: "metal")
    assert not to_the_end(timing(Waiting(model, 0.1), tokens)).disturbed


def test_models_are_timed_a_pass_each_in_turn() -> None:
    seen = []

    def steps(name: str, count: int) -> Any:
        for _ in range(count):
            seen.append(name)
            yield
        return Speeds(count, 0, False)

    found = to_the_end(alternately({"a": steps("a", 3), "b": steps("b", 1)}))
    assert "".join(seen) == "abaa"
    assert {name: speeds.decode for name, speeds in found.items()} == {"a": 3, "b": 1}
