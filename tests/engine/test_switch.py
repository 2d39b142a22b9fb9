"""Another model in the same engine: the old one goes before the new one is read, not before it can
be opened."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.engine.service import Service

from .tiny_models import write_tiny_model


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("models")
    return write_tiny_model(home / "a", "qwen3"), write_tiny_model(home / "b", "llama", seed=1)


def load(service: Service, model: Path, *variants: str) -> list[ev.Event]:
    told: list[ev.Event] = []
    told += [e for e in service.load(Load(str(model), ["bf16", *variants]), told.append) if e]
    return told


def test_the_first_model_is_gone_when_the_second_is_read(directories: tuple[Path, Path]) -> None:
    service = Service()
    load(service, directories[0], "4bit")
    assert service.models is not None
    old = weakref.ref(service.models.models["bf16"].model)
    there: list[bool] = []

    def look(event: ev.Event) -> None:
        if isinstance(event, ev.Loading) and event.stage == "reading":
            gc.collect()
            there.append(old() is not None)

    *_, loaded = service.load(Load(str(directories[1]), ["bf16", "8bit"]), look)
    assert isinstance(loaded, ev.Loaded)
    assert loaded.model == str(directories[1])
    assert there
    assert not any(there)


def test_what_cannot_be_opened_leaves_the_old_models(
    directories: tuple[Path, Path], tmp_path: Path
) -> None:
    service = Service()
    load(service, directories[0], "4bit")
    before = service.models
    for model in (tmp_path, tmp_path / "nowhere"):
        told = load(service, model)
        assert isinstance(told[-1], ev.Failed)
        assert not told[-1].fatal
        assert service.models is before


def test_what_fails_later_says_that_nothing_answers(directories: tuple[Path, Path]) -> None:
    service = Service()
    load(service, directories[0], "4bit")
    told = load(service, directories[1], "mine=/nowhere")
    assert isinstance(told[-1], ev.Failed)
    assert told[-1].fatal
    assert service.models is None
    assert isinstance(load(service, directories[0], "4bit")[-1], ev.Loaded)
