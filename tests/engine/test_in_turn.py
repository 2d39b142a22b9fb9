"""Scored in turn, a set reads what it reads side by side, or says by how much it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.engine import capacity, memory, planning, reference_store, weighing
from corefeel_tui.engine.capacity import Capacity
from corefeel_tui.engine.divergence import describe, diverge_fully
from corefeel_tui.engine.modelset import ModelSet, load_set, open_reference
from corefeel_tui.engine.reference_store import ReferenceStore
from corefeel_tui.engine.scoring import score_steps
from corefeel_tui.engine.scoring_in_turn import score_in_turn
from corefeel_tui.errors import ModelError

from .test_scoring import run
from .tiny_models import write_tiny_model

NAMES = ["8bit", "3bit-g32", "mxfp4", "w8a8", "bf16+kv8", "recipe:mixed_3_6"]


def load(model: Path, *names: str, in_turn: str | None = None) -> tuple[ModelSet, list[ev.Event]]:
    told: list[ev.Event] = []
    command = Load(str(model), ["bf16", *names], in_turn=in_turn)
    return load_set(command, told.append, None), told


def windows_of(vocabulary: int, count: int = 3) -> list[list[int]]:
    random = np.random.default_rng(3)
    return [random.integers(0, vocabulary, 30).tolist() for _ in range(count)]


def score(models: ModelSet, windows: list[list[int]], per_token: Path | None = None) -> Any:
    steps = score_in_turn if models.turns else score_steps
    return run(steps("r", models, windows, None, per_token, lambda: False))


def close(a: Any, b: Any) -> bool:
    """Equal to 1e-6, whatever the nesting."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(close, a, b))
    return bool(a == pytest.approx(b, rel=1e-6, abs=1e-6))


def numbers(entry: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on how many models share an array."""
    return {key: x for key, x in entry.items() if key not in ("resident_bytes", "kl_bound")}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("in-turn"), "qwen3")


@pytest.mark.parametrize("way", ["pairs", "single"])
@pytest.mark.parametrize("execution", ["expanded", "native"])
def test_in_turn_equals_side_by_side(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, execution: str
) -> None:
    monkeypatch.setattr(memory, "execution", lambda: execution)
    windows = windows_of(380)
    names = [*NAMES, f"same={model}"]
    expected = score(load(model, *names)[0], windows)[1]
    models, _ = load(model, *names, in_turn=way)
    assert list(models.models) == ["bf16"]
    assert [about["name"] for about in models.describe().variants] == ["bf16", *names[:-1], "same"]
    events, found = score(models, windows, tmp_path / "arrays.npz")
    assert found["in_turn"] == models.describe().in_turn == way
    assert list(found["variants"]) == list(expected["variants"])
    for name, entry in expected["variants"].items():
        assert close(numbers(found["variants"][name]), numbers(entry)), name
    assert found["variants"]["same"]["kl"]["max"] == 0
    if way == "single":
        assert found["variants"]["8bit"]["kl_bound"] == {"mean": 0, "max": 0}
    progress = [event for event in events if isinstance(event, ev.Progress)]
    assert progress[-1].done == progress[-1].total
    with np.load(tmp_path / "arrays.npz") as arrays:
        assert arrays["mxfp4/kl"].mean() == pytest.approx(
            expected["variants"]["mxfp4"]["kl"]["mean"], rel=1e-5
        )


@pytest.mark.parametrize("architecture", ["qwen3_5", "qwen3_moe", "gemma3_text"])
def test_one_at_a_time_on_other_architectures(tmp_path: Path, architecture: str) -> None:
    path = write_tiny_model(tmp_path, architecture)
    windows = windows_of(380)
    expected = score(load(path, "4bit")[0], windows)[1]["variants"]["4bit"]
    found = score(load(path, "4bit", in_turn="single")[0], windows)[1]["variants"]["4bit"]
    assert close(numbers(found), numbers(expected))


@pytest.mark.parametrize("names", [["8bit"], ["2bit-g32"]])
def test_stored_choices_stay_within_their_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    """A vocabulary of 4,096, of which 1,024 are stored."""
    path = write_tiny_model(tmp_path, "qwen3", vocab=4096, sharpness=3.0)
    windows = windows_of(4000)
    expected = score(load(path, *names)[0], windows)[1]
    monkeypatch.setattr(reference_store, "ROOM", 0)
    found = score(load(path, *names, in_turn="single")[0], windows)[1]
    for name in names:
        exact, stored = expected["variants"][name], found["variants"][name]
        bound = stored["kl_bound"]
        assert 0 < bound["mean"] <= bound["max"]
        assert stored["kl"]["mean"] <= exact["kl"]["mean"] + 1e-6
        assert exact["kl"]["mean"] <= stored["kl"]["mean"] + bound["mean"]
        assert exact["kl"]["max"] <= stored["kl"]["max"] + bound["max"]
        for same in ("flips", "hard_flips", "perplexity", "top1_agreement", "entropy_shift_mean"):
            assert stored[same] == pytest.approx(exact[same], rel=1e-5, abs=1e-6), same
        for less in ("reverse_kl_mean", "jsd_mean", "tv_mean"):
            assert 0 < stored[less] <= exact[less] + 1e-6


def test_stored_choices_against_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """KL over the stored choices and one bin for the rest, position by position."""
    monkeypatch.setattr(reference_store, "ROOM", 0)
    random = np.random.default_rng(0)
    p_logits = (4 * random.normal(size=(6, 5000))).astype(np.float32)
    q_logits = (p_logits + 0.3 * random.normal(size=p_logits.shape)).astype(np.float32)
    with ReferenceStore(6, 5000) as store:
        check(store, p_logits, q_logits)


def check(store: ReferenceStore, p_logits: np.ndarray, q_logits: np.ndarray) -> None:
    assert (store.whole, store.choices) == (False, 1024)
    for part in (slice(0, 4), slice(4, 6)):
        store.add(describe(mx.array(p_logits[part])))
    p, q = (np.exp(x.astype(float)) for x in (p_logits, q_logits))
    p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
    for _ in range(2):
        store.rewind()
        found = store.diverge(describe(mx.array(q_logits)))
        exact = diverge_fully(describe(mx.array(p_logits)), describe(mx.array(q_logits)))
        for i in range(6):
            top = np.argsort(-p[i])[:1024]
            a = np.append(p[i, top], np.delete(p[i], top).sum())
            b = np.append(q[i, top], np.delete(q[i], top).sum())
            assert found["kl"][i] == pytest.approx(np.sum(a * np.log(a / b)), rel=1e-4)
            assert found["tv"][i] == pytest.approx(np.abs(a - b).sum() / 2, rel=1e-4)
            assert found["kl"][i] <= exact["kl"][i] <= found["kl"][i] + found["kl_missing"][i]
        assert (found["rank"] == exact["rank"]).all()
        assert (found["flip"] == exact["flip"]).all()


def test_a_store_takes_what_room_there_is() -> None:
    kept = {}
    for positions in (512, 100_000, 10**7):
        with ReferenceStore(positions, 248_320) as store:
            kept[positions] = (store.whole, store.choices)
    assert kept[512][0]
    assert kept[100_000] == (False, (1 << 31) // 800_000)
    assert kept[10**7] == (False, 1024)


def leave(monkeypatch: pytest.MonkeyPatch, usable: int) -> None:
    monkeypatch.setattr(weighing, "BLOCK_SCRATCH", 0)
    free = usable * capacity.RESERVED_SHARE // (capacity.RESERVED_SHARE - 1)
    monkeypatch.setattr(planning, "capacity", lambda: Capacity(free + 1, "available memory"))


def test_the_way_is_chosen_by_what_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tiny_model(tmp_path, "llama", hidden_size=256, intermediate_size=1024)
    names = ["8bit", "4bit", "3bit"]
    checkpoint = open_reference(path)
    held = weighing.reference_bytes(checkpoint, memory.execution() == "expanded")
    ways = []
    for models in (5, 2.9, 1.9):
        leave(monkeypatch, int(models * held))
        models_set, told = load(path, *names, in_turn="auto")
        ways.append(models_set.turns.way if models_set.turns else None)
        notices = [event.text for event in told if isinstance(event, ev.Notice)]
        assert len(notices) == (ways[-1] is not None)
        assert all(text.startswith("in turn: ") and "is free" in text for text in notices)
        assert list(score(models_set, windows_of(380, 1))[1]["variants"]) == ["bf16", *names]
    assert ways == [None, "pairs", "single"]
    with pytest.raises(ModelError, match="even in turn, the reference and one variant at a time"):
        load(path, *names, in_turn="pairs")
    with pytest.raises(ModelError, match=r"run in turn, one model at a time.*corefeel score"):
        load(path, *names)
    leave(monkeypatch, held // 2)
    with pytest.raises(ModelError, match="close other programs or take a smaller model"):
        load(path, *names, in_turn="auto")


def test_one_at_a_time_never_holds_two(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path, "llama", hidden_size=512, intermediate_size=2048)
    checkpoint = open_reference(path)
    held = weighing.reference_bytes(checkpoint, memory.execution() == "expanded")
    del checkpoint
    memory.release()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    models, _ = load(path, "8bit", "3bit", in_turn="single")
    found = score(models, windows_of(380))[1]
    assert list(found["variants"]) == ["bf16", "8bit", "3bit"]
    assert mx.get_peak_memory() - before < 1.4 * held


def test_one_that_cannot_be_made_fails_by_name(model: Path) -> None:
    models, _ = load(model, "4bit", "gptq-4bit", in_turn="single")
    events, found = score(models, windows_of(380))
    assert list(found["variants"]) == ["bf16", "4bit"]
    (failure,) = (event for event in events if isinstance(event, ev.Failed))
    assert failure.variant == "gptq-4bit"
    assert "is calibrated with the whole model beside it" in failure.reason
    alone, _ = load(model, "gptq-4bit", in_turn="single")
    with pytest.raises(ModelError, match="is calibrated with the whole model"):
        score(alone, windows_of(380))


def test_cancelled_in_the_midst_there_is_no_result(model: Path) -> None:
    for way in ("pairs", "single"):
        models, _ = load(model, "4bit", in_turn=way)
        steps = score_in_turn("r", models, windows_of(380), None, None, lambda: True)
        assert run(steps)[1] is None
