"""What a load measured is told again by the next, and only where it still computes the same."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.engine import floors, kept_figures, memory, weight_keys
from corefeel_tui.engine.kept_figures import Figures, KeptFigures
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.speeds import Speeds
from corefeel_tui.variants import parse

from .test_in_turn import score, windows_of
from .test_weight_cache import forbid
from .tiny_models import write_tiny_model

NAMES = ["bf16", "4bit", "w8a8", "bf16+kv8"]


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("figures"), "qwen3")


def load(model: Path, *names: str, **options: Any) -> ModelSet:
    command = Load(str(model), list(names), **{"cache_bytes": 1 << 30} | options)
    return load_set(command, lambda event: None, None)


def told(models: ModelSet) -> list[ev.JSON]:
    return [{**about, "measured": None} for about in models.describe().variants]


@pytest.mark.parametrize("execution", ["expanded", "native"])
def test_a_second_start_measures_nothing_again(
    dense: Path, figures: Path, monkeypatch: pytest.MonkeyPatch, execution: str
) -> None:
    monkeypatch.setattr(memory, "execution", lambda: execution)
    first = load(dense, *NAMES, f"same={dense}")
    assert all(about["measured"] is None for about in first.describe().variants)
    for name in ("floors", "check", "speeds"):
        forbid(monkeypatch, floors.Probe, name)
    second = load(dense, *NAMES, f"same={dense}")
    assert told(second) == told(first)
    assert second.floors == first.floors
    assert all(about["measured"].endswith("Z") for about in second.describe().variants)


def test_other_logits_are_measured_anew(dense: Path, figures: Path) -> None:
    """As if a library had changed beneath the same version."""
    load(dense, *NAMES)
    for path in figures.iterdir():
        record = json.loads(path.read_text())
        path.write_text(json.dumps(record | {"witness": "other", "speeds": {"x": 1}}))
    again = load(dense, *NAMES).describe()
    assert all(about["measured"] is None for about in again.variants)
    assert all(about["tokens_per_second"] > 0 for about in again.variants)
    assert set(again.floors) == {"F0", "F1"}
    assert all(about["measured"] for about in load(dense, *NAMES).describe().variants)


@pytest.mark.parametrize("damage", ["", "[]", '{"witness": "x"}', '{"other": 1}'])
def test_a_damaged_record_counts_for_nothing(dense: Path, figures: Path, damage: str) -> None:
    load(dense, "bf16", "4bit")
    for path in figures.iterdir():
        path.write_text(damage)
    assert [a["measured"] for a in load(dense, "bf16", "4bit").describe().variants] == [None] * 2


def test_asked_anew_it_measures_and_keeps_that(dense: Path, figures: Path) -> None:
    load(dense, "bf16")
    (path,) = figures.iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"at": "1999-01-01T00:00Z"}))
    assert load(dense, "bf16", anew=True).describe().variants[0]["measured"] is None
    assert load(dense, "bf16").describe().variants[0]["measured"] > "2000"


def test_floors_that_are_not_zero_are_not_kept(
    dense: Path, figures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {name: {"kl_mean": 1.0, "kl_max": 1.0, "positions": 1} for name in ("F0", "F1")}
    monkeypatch.setattr(floors.Probe, "floors", lambda self, model: broken)
    assert load(dense, "bf16").floors == broken
    assert not figures.exists()


@pytest.mark.parametrize("way", ["pairs", "single"])
def test_in_turn_the_figures_are_those_of_side_by_side(
    dense: Path, figures: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    expected = load(dense, "bf16", "4bit", "2bit").describe().variants
    for name in ("check", "speeds"):
        forbid(monkeypatch, floors.Probe, name)
    models = load(dense, "bf16", "4bit", "2bit", in_turn=way)
    score(models, windows_of(380))
    speeds = [models.about(about["name"])["tokens_per_second"] for about in expected]
    assert speeds == [about["tokens_per_second"] for about in expected]


def test_alone_after_a_reference_whose_figures_were_kept(dense: Path, figures: Path) -> None:
    """A variant never measured before is compared with a reference that is gone."""
    load(dense, "bf16")
    models = load(dense, "bf16", "3bit", in_turn="single")
    assert score(models, windows_of(380))[1]["variants"]["3bit"]["kl"]["mean"] > 0


def test_a_key_is_of_models_and_machine(
    dense: Path, figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bf16, packed = parse("bf16"), parse("4bit")
    other = write_tiny_model(tmp_path / "other", "qwen3", seed=1)
    pairs = [(bf16, bf16), (bf16, packed), (packed, packed), (bf16, parse("4bit+kv8"))]
    pairs += [(bf16, parse(f"a={place}")) for place in (dense, other)]
    keys = [weight_keys.figures_key(dense, *pair) for pair in pairs]
    keys.append(weight_keys.figures_key(other, bf16, bf16))
    copy = Path(shutil.copytree(dense, tmp_path / "copy"))
    assert weight_keys.figures_key(copy, bf16, packed) == keys[1]
    for name, value in (("blas", "libother.so"), ("cpu_count", 64), ("execution", "native")):
        with monkeypatch.context() as patch:
            patch.setattr(memory, name, lambda value=value: value)
            keys.append(weight_keys.figures_key(dense, bf16, bf16))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "63")
    keys.append(weight_keys.figures_key(dense, bf16, bf16))
    assert len(set(keys)) == len(keys)


def test_records_are_bounded_and_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_figures, "MOST", 3)
    kept = KeptFigures(tmp_path / "figures", on=True)
    figures = Figures("w", "2026-01-01T00:00Z", None, Speeds(1.0, 2.0, False), {})
    for age, key in enumerate("abcd"):
        kept.keep(key, figures)
        os.utime(tmp_path / "figures" / f"{key}.json", (age, age))
    assert kept.find("a", "w") is None
    assert kept.find("b", "w") == figures
    assert kept.find("c", "other") is None
    kept.keep("e", figures)
    assert sorted(path.stem for path in (tmp_path / "figures").iterdir()) == ["b", "d", "e"]
