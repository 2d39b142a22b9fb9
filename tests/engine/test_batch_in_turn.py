"""A batch in passes leaves what the same batch leaves side by side, killed or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from corefeel_tui import commands as c
from corefeel_tui import events as ev
from corefeel_tui.engine import reference_store
from corefeel_tui.engine.batch import runner
from corefeel_tui.engine.batch.in_turn import PassRunner
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.errors import UsageError
from corefeel_tui.suites import Suite

from .test_batch import SAMPLED, TALKS, evidence, run, suite, verdict_items
from .tiny_models import write_tiny_model

NAMES = ["bf16", "4bit", "2bit"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("passes") / "tiny", "qwen3", sharpness=1.5)


def load(path: Path, in_turn: str | None = None) -> ModelSet:
    return load_set(c.Load(str(path), NAMES, in_turn=in_turn), lambda event: None, None)


def passes(models: ModelSet, suites: list[Suite], stop: int | None = None, **options: Any) -> Any:
    """Events, up to so many resting points: then the process is as if killed."""
    command = c.Evaluate("e", [], **options)
    pieces = PieceTexts(models.tokenizer)
    told: list[ev.Event] = []
    rests = 0
    for event in PassRunner(command, models, suites, pieces, lambda: False).steps():
        rests += event is None
        if stop is not None and rests > stop:
            break
        if event is not None:
            told.append(event)
    return told


def assert_same_items(found: dict[str, ev.JSON], expected: dict[str, ev.JSON]) -> None:
    assert list(found) == list(expected)
    for name, item in json.loads(json.dumps(expected)).items():
        for part in ("answers", "readout", "drift", "own_drift"):
            assert list(found[name][part]) == list(item[part]), part
        assert found[name]["answers"] == item["answers"]
        assert alike(found[name], item), name


def alike(a: Any, b: Any, within: float = 1e-5) -> bool:
    """Equal but for the last digits of a float, which other rows beside it may round otherwise.

    A drift's sums are over positions that were rounded one by one, its entropies more coarsely.
    """
    if isinstance(a, dict):
        keys = a.keys() - {"sha256"}
        summed = max(within, 1e-6 * a.get("positions", 0))
        bounds = {key: 1e-4 if key == "entropy_shift_sum" else summed for key in keys}
        return keys == b.keys() - {"sha256"} and all(alike(a[k], b[k], bounds[k]) for k in keys)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(alike(x, y, within) for x, y in zip(a, b, strict=True))
    return bool(a == (pytest.approx(b, rel=1e-3, abs=within) if isinstance(b, float) else b))


def test_in_turn_equals_side_by_side(path: Path, tmp_path: Path) -> None:
    suites = [suite(tmp_path, verdict_items(11))]
    together = run(load(path), suites, control=True, arrays=str(tmp_path / "a"))
    apart = passes(load(path, "pairs"), suites, arrays=str(tmp_path / "b"))
    assert_same_items(evidence(apart), evidence(together))
    assert apart[0] == together[0]
    assert apart[-1] == together[-1] == ev.ItemFinished("e", "finished")
    files = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in "ab"]
    assert files[0] == files[1]
    for name in files[0]:
        one, other = (load_file(tmp_path / folder / name) for folder in "ab")
        assert one.keys() == other.keys()
        for key in one:
            assert one[key] == pytest.approx(other[key], rel=1e-3, abs=1e-5, nan_ok=True)


def test_killed_in_any_pass_it_ends_the_same(path: Path, tmp_path: Path) -> None:
    suites = [suite(tmp_path, verdict_items(11))]
    expected = evidence(passes(load(path, "pairs"), suites, arrays=str(tmp_path / "a")))
    arrays = str(tmp_path / "b")
    models = load(path, "pairs")
    for stop in (30, 30, 60):
        assert not evidence(passes(models, suites, stop, arrays=arrays))
        assert (tmp_path / "b" / "in-turn").is_dir()
    log = next((tmp_path / "b" / "in-turn").glob("*.jsonl"))
    log.write_bytes(log.read_bytes() + b'{"half a li')
    resumed = evidence(passes(models, suites, arrays=arrays))
    assert_same_items(resumed, expected)
    assert not (tmp_path / "b" / "in-turn").exists()


@pytest.mark.parametrize(("way", "number"), [("pairs", 2), ("single", 3)])
def test_in_turn_too_the_control_answers_a_suites_first_items_only(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, number: int
) -> None:
    """And nobody else answers the others once more in its pass."""
    monkeypatch.setattr(runner, "CONTROL_ITEMS", 8)
    suites = in_one_file(tmp_path, SAMPLED, verdict_items(11))
    models = load(path, way)
    pieces = PieceTexts(models.tokenizer)
    command = c.Evaluate("e", [], arrays=str(tmp_path / "a"))
    log, logged, told = tmp_path / "a" / "in-turn" / f"{number}.jsonl", b"", []
    for event in PassRunner(command, models, suites, pieces, lambda: False).steps():
        logged = log.read_bytes() if log.exists() else logged
        told += [event] if event is not None else []
    assert [json.loads(line)["id"] for line in logged.splitlines()] == [f"i{n}" for n in range(8)]
    found = evidence(told)
    for part in ("answers", "readout", "drift", "own_drift"):
        told = [name for name, item in found.items() if "control" in item[part]]
        assert told == [f"i{n}" for n in range(8)], part
    assert all({*NAMES} <= item["answers"].keys() for item in found.values())
    assert len(found) == 2 + 11


def test_what_passes_cannot_do_is_refused(path: Path, tmp_path: Path) -> None:
    suites = [suite(tmp_path, verdict_items(2))]
    for way in ("pairs", "single"):
        with pytest.raises(UsageError, match="--stop-collapsed and --quick"):
            passes(load(path, way), suites, arrays=str(tmp_path), quick=True)


def in_one_file(directory: Path, *texts: str) -> list[Suite]:
    """Suites of several kinds."""
    found = []
    for number, text in enumerate(texts):
        (directory / str(number)).mkdir()
        found.append(suite(directory / str(number), text))
    return found


def without_bound(item: ev.JSON) -> ev.JSON:
    """An item without what tells how it was measured."""
    kept = {
        name: [{k: x for k, x in part.items() if k != "kl_missing_sum"} for part in parts]
        for name, parts in item["drift"].items()
    }
    return {**item, "drift": kept}


def test_one_at_a_time_equals_side_by_side(path: Path, tmp_path: Path) -> None:
    """Verdicts with the control, conversations with both histories, and samples."""
    suites = in_one_file(tmp_path, verdict_items(11), TALKS, SAMPLED)
    together = run(load(path), suites, control=True, arrays=str(tmp_path / "a"))
    models = load(path, "single")
    apart = passes(models, suites, arrays=str(tmp_path / "b"))
    assert not models.models
    assert apart[0] == together[0]
    assert apart[-1] == ev.ItemFinished("e", "finished")
    expected, found = evidence(together), evidence(apart)
    assert list(found) == list(expected)
    for name, item in json.loads(json.dumps(expected)).items():
        assert found[name]["answers"] == item["answers"], name
        assert alike(without_bound(found[name]), without_bound(item)), name
        for variant in ("4bit", "2bit"):
            assert all(part["kl_missing_sum"] == 0 for part in found[name]["drift"][variant])
    for file in (tmp_path / "a").iterdir():
        one, other = (load_file(tmp_path / folder / file.name) for folder in "ab")
        assert one.keys() == other.keys()
        for key in one:
            assert one[key] == pytest.approx(other[key], rel=1e-3, abs=1e-5, nan_ok=True)


def test_one_at_a_time_within_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary of 4,096, of which 1,024 are stored."""
    path = write_tiny_model(tmp_path / "wide", "qwen3", vocab=4096, sharpness=3.0)
    suites = [suite(tmp_path, verdict_items(3))]
    expected = evidence(run(load(path), suites, arrays=str(tmp_path / "a")))
    monkeypatch.setattr(reference_store, "ROOM", 0)
    found = evidence(passes(load(path, "single"), suites, arrays=str(tmp_path / "b")))
    for name, item in expected.items():
        for variant in ("4bit", "2bit"):
            (exact,), (stored,) = item["drift"][variant], found[name]["drift"][variant]
            more = stored["kl_missing_sum"]
            assert more > 0
            assert stored["kl_sum"] <= exact["kl_sum"] + 1e-4 <= stored["kl_sum"] + more + 2e-4
            for same in ("positions", "flips", "hard_flips"):
                assert stored[same] == exact[same]
            (exact,), (stored,) = item["own_drift"][variant], found[name]["own_drift"][variant]
            assert 0 < stored["kl_sum"] <= exact["kl_sum"] + 1e-4
            for same in ("positions", "flips", "hard_flips"):
                assert stored[same] == exact[same]


def test_killed_in_any_pass_of_one_at_a_time_it_ends_the_same(path: Path, tmp_path: Path) -> None:
    suites = in_one_file(tmp_path, verdict_items(11), TALKS)
    expected = evidence(passes(load(path, "single"), suites, arrays=str(tmp_path / "a")))
    for stop in (60, 150, 150):
        assert not evidence(passes(load(path, "single"), suites, stop, arrays=str(tmp_path / "b")))
    log = next((tmp_path / "b" / "in-turn").glob("*.jsonl"))
    log.write_bytes(log.read_bytes() + b'{"half a li')
    resumed = evidence(passes(load(path, "single"), suites, arrays=str(tmp_path / "b")))
    assert_same_items(resumed, expected)
    assert not (tmp_path / "b" / "in-turn").exists()


def test_one_that_cannot_be_made_alone_fails_by_name(path: Path, tmp_path: Path) -> None:
    command = c.Load(str(path), ["bf16", "gptq-4bit", "4bit"], in_turn="single")
    models = load_set(command, lambda event: None, None)
    told = passes(models, [suite(tmp_path, verdict_items(2))], arrays=str(tmp_path / "a"))
    (failure,) = (event for event in told if isinstance(event, ev.Failed))
    assert failure.variant == "gptq-4bit"
    assert all(list(item["drift"])[:2] == ["bf16", "4bit"] for item in evidence(told).values())
