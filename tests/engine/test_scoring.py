"""Scoring given tokens, end to end against numpy float64, and every refusal of its input."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from corefeel_tui import events as ev
from corefeel_tui.commands import Load
from corefeel_tui.engine import scoring
from corefeel_tui.engine.divergence import describe
from corefeel_tui.engine.drift import Drift, Likelihood
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.scoring import chunks, score_steps
from corefeel_tui.engine.windows import read_windows
from corefeel_tui.errors import EngineError, UsageError
from tests.engine import oracle
from tests.engine.tiny_models import CONTEXT, TEXT, write_tiny_model

NUMBERS = (
    "reverse_kl_mean",
    "tv_mean",
    "jsd_mean",
    "top1_agreement",
    "entropy_shift_mean",
    "delta_p_rms",
    "perplexity",
    "perplexity_ratio",
)


def load(directory: Path, *variants: str) -> ModelSet:
    return load_set(Load(str(directory), list(variants)), lambda event: None, None)


def run(steps: Generator[Any, None, Any]) -> tuple[list[ev.Event], Any]:
    """All events that are no resting points, and what the generator returned."""
    events = []
    while True:
        try:
            event = next(steps)
        except StopIteration as stop:
            return events, stop.value
        if event is not None:
            events.append(event)


def score(models: ModelSet, windows: list[list[int]], per_token: Path | None = None) -> Any:
    return run(score_steps("r", models, windows, None, per_token, lambda: False))[1]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelSet:
    directory = write_tiny_model(tmp_path_factory.mktemp("qwen3"), "qwen3")
    return load(directory, "8bit", "4bit", "2bit-g32", f"same={directory}")


@pytest.fixture
def windows() -> list[list[int]]:
    random = np.random.default_rng(5)
    return [random.integers(0, 380, n).tolist() for n in (40, 40, 23)]


@pytest.mark.parametrize("architecture", sorted(oracle.FORWARD))
def test_every_number_against_an_independent_forward_pass(
    tmp_path: Path, architecture: str, windows: list[list[int]]
) -> None:
    directory = write_tiny_model(tmp_path / architecture, architecture)
    found = score(load(directory, "8bit", "4bit-g32"), windows)
    reference = [oracle.log_probabilities(directory, ids)[:-1] for ids in windows]
    targets = np.concatenate([ids[1:] for ids in windows])
    for name, (bits, group) in {"8bit": (8, 64), "4bit-g32": (4, 32)}.items():
        weights = oracle.quantized_weights(directory, bits, group)
        variant = [oracle.log_probabilities(directory, ids, weights)[:-1] for ids in windows]
        expected = oracle.drift(np.concatenate(reference), np.concatenate(variant), targets)
        got = found["variants"][name]
        for number in NUMBERS:
            assert got[number] == pytest.approx(expected[number], rel=1e-2, abs=1e-6), number
        assert got["kl"] == pytest.approx(expected["kl"], rel=1e-2)
        assert (got["flips"], got["hard_flips"]) == (expected["flips"], expected["hard_flips"])
        buckets = [(bucket["n"], bucket["mean"]) for bucket in got["kl_by_confidence"]]
        for (n, mean), (expected_n, expected_mean) in zip(
            buckets, expected["kl_by_confidence"], strict=True
        ):
            assert n == expected_n
            assert mean == (
                None if expected_mean is None else pytest.approx(expected_mean, rel=0.01)
            )
    nll = -np.concatenate(reference)[np.arange(len(targets)), targets].mean()
    assert found["variants"]["bf16"]["perplexity"] == pytest.approx(np.exp(nll), rel=1e-4)
    assert found["positions"] == len(targets) == 100


def test_the_reference_against_itself_reads_exactly_zero(
    models: ModelSet, windows: list[list[int]]
) -> None:
    same = score(models, windows)["variants"]["same"]
    assert set(same["kl"].values()) == {0.0}
    zeros = ("reverse_kl_mean", "tv_mean", "jsd_mean", "entropy_shift_mean", "delta_p_rms")
    assert [same[name] for name in zeros] == [0.0] * 5
    assert (same["flips"], same["top1_agreement"], same["perplexity_ratio"]) == (0, 1.0, 1.0)


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3_text", "qwen3_5", "mamba"])
def test_reading_in_chunks_changes_nothing(
    tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = load(write_tiny_model(tmp_path, architecture), "4bit")
    windows = [np.random.default_rng(1).integers(0, 380, 60).tolist()]
    whole = score(models, windows)
    monkeypatch.setattr(scoring, "positions_at_once", lambda vocabulary: 13)
    chunked = score(models, windows)
    assert chunked["variants"]["4bit"]["kl"] == pytest.approx(
        whole["variants"]["4bit"]["kl"], rel=1e-3
    )


def test_chunks_cover_every_position_once_and_in_order() -> None:
    windows = [list(range(n)) for n in (5, 5, 5, 30, 4, 2)]
    made = list(chunks(windows, 8))
    assert max(len(chunk.targets) for chunk in made) <= 8
    targets = np.concatenate([chunk.targets for chunk in made])
    assert targets.tolist() == [token for window in windows for token in window[1:]]
    assert [chunk.inputs.shape for chunk in made[:2]] == [(2, 4), (1, 4)]


def test_peak_memory_does_not_grow_with_the_text(
    models: ModelSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "positions_at_once", lambda vocabulary: 64)
    ids = np.random.default_rng(2).integers(0, 380, 129).tolist()

    def peak(count: int) -> int:
        mx.reset_peak_memory()
        score(models, [ids] * count)
        return int(mx.get_peak_memory())

    peak(1)
    assert peak(16) <= 1.1 * peak(1)


def test_the_result_has_the_agreed_shape(models: ModelSet, windows: list[list[int]]) -> None:
    events, found = run(score_steps("r", models, windows, None, None, lambda: False))
    assert list(found) == [
        "model", "reference", "positions", "context", "windows", "floors", "variants",
    ]  # fmt: skip
    assert (found["context"], found["windows"], found["reference"]) == (CONTEXT, 3, "bf16")
    assert list(found["variants"]) == ["bf16", "8bit", "4bit", "2bit-g32", "same"]
    entry = found["variants"]["4bit"]
    assert {"bits_per_weight", "bytes", "resident_bytes", "execution", *NUMBERS} <= set(entry)
    assert [(b["low"], b["high"]) for b in entry["kl_by_confidence"]] == [
        (0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 0.95), (0.95, 1.0),
    ]  # fmt: skip
    assert sum(b["n"] for b in entry["kl_by_confidence"]) == found["positions"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    progress = [event for event in events if isinstance(event, ev.Progress)]
    assert (progress[-1].done, progress[-1].total) == (100, 100)


def test_per_token_arrays(models: ModelSet, windows: list[list[int]], tmp_path: Path) -> None:
    path = tmp_path / "drift.npz"
    found = score(models, windows, per_token=path)
    with np.load(path) as arrays:
        assert {array.shape for array in arrays.values()} == {(100,)}
        for name in ("8bit", "4bit", "2bit-g32"):
            entry = found["variants"][name]
            assert arrays[f"{name}/kl"].mean(dtype=float) == pytest.approx(entry["kl"]["mean"])
            assert arrays[f"{name}/flip"].sum() == entry["flips"]
            assert ((arrays[f"{name}/rank"] == 1) | arrays[f"{name}/flip"]).all()
        assert np.exp(-arrays["bf16/logprob"].mean()) == pytest.approx(
            found["variants"]["bf16"]["perplexity"], rel=1e-5
        )


def test_cancelling_ends_without_a_result(models: ModelSet, windows: list[list[int]]) -> None:
    assert run(score_steps("r", models, windows, None, None, lambda: True))[1] is None


def test_a_reference_that_differs_from_itself_stops(
    models: ModelSet, windows: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(models.floors, "F0", {"kl_mean": 1e-9, "kl_max": 1e-6, "positions": 9})
    with pytest.raises(EngineError, match="differs from itself"):
        score(models, windows)


def test_text_is_cut_into_windows_without_overlap(models: ModelSet, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    ids = models.tokenizer.encode(TEXT)
    cut = read_windows(models, str(path), None, 50)
    assert [token for window in cut for token in window] == ids[: sum(map(len, cut))]
    assert {len(window) for window in cut[:-1]} == {50}


def test_lists_are_cut_and_those_of_one_token_left_out(models: ModelSet, tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps([[1, 2, 3, 4, 5], [6], [], [7, 8]]))
    assert read_windows(models, None, str(path), 4) == [[1, 2, 3, 4], [7, 8]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 99999, "not JSON"),
        ('{"a": 1}', "list of lists"),
        ("[1, 2]", "list of lists"),
        ("[[1, 2.5]]", "2.5, not a token id"),
        ("[[1, true]]", "true, not a token id"),
        ('[[1, "2"]]', '"2", not a token id'),
        ("[[1, -1]]", "-1, not a token id"),
        ("[[0, 1], [1, 384]]", "entry 1 of list 1 is 384, not a token id from 0 to 383"),
        ("[[1, [2]]]", "not a token id"),
        ("[]", "fewer than two tokens"),
        ("[[1]]", "fewer than two tokens"),
    ],
)
def test_token_files_that_are_refused(
    models: ModelSet, tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(content)
    with pytest.raises(UsageError) as raised:
        read_windows(models, None, str(path), None)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b" \n\t", "empty"), (b"good \xff bad", "not UTF-8 text (byte 5)")],
)
def test_texts_that_are_refused(
    models: ModelSet, tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        read_windows(models, str(path), None, None)
    assert reason in str(raised.value)


def test_files_contexts_and_outputs_that_are_refused(
    models: ModelSet, tmp_path: Path, windows: list[list[int]]
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("Some text.")
    with pytest.raises(UsageError, match="cannot read"):
        read_windows(models, str(tmp_path / "missing"), None, None)
    with pytest.raises(UsageError, match="one of --text and --tokens"):
        read_windows(models, str(path), str(path), None)
    for context, reason in ((1, "at least 2"), (-3, "at least 2"), (CONTEXT + 7, "7 more than")):
        with pytest.raises(UsageError, match=reason):
            read_windows(models, str(path), None, context)
    with pytest.raises(UsageError, match="cannot write"):
        score(models, windows, per_token=tmp_path / "no" / "such" / "file.npz")


def test_native_execution_scores_packed_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: list[list[int]]
) -> None:
    """As on a GPU: bfloat16 throughout, weights packed; here on whatever device there is."""
    monkeypatch.setattr("corefeel_tui.engine.memory.execution", lambda: "native")
    directory = write_tiny_model(tmp_path, "qwen3")
    models = load(directory, "8bit", "2bit-g32", f"same={directory}")
    found = score(models, windows)["variants"]
    assert {entry["execution"] for entry in found.values()} == {"native"}
    assert found["same"]["kl"]["max"] == 0
    assert 0 < found["8bit"]["kl"]["mean"] < found["2bit-g32"]["kl"]["mean"]
    assert found["2bit-g32"]["resident_bytes"] < found["bf16"]["resident_bytes"] / 3


def test_a_text_with_tokens_beyond_the_model_is_refused(tmp_path: Path) -> None:
    models = load(write_tiny_model(tmp_path, "qwen3", vocab=320), "8bit")
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    with pytest.raises(UsageError, match="for which this model has no row"):
        read_windows(models, str(path), None, None)


def test_an_infinite_divergence_is_null_with_a_reason() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 50)).astype(np.float32)
    forbidding = logits.copy()
    forbidding[2, 7] = -np.inf
    p, targets = describe(mx.array(logits)), np.array([1, 2, 3, 4])
    base = Likelihood(4)
    base.add(p, targets)
    drift = Drift(4, base, keep=False)
    drift.add(p, describe(mx.array(forbidding)), targets)
    found = drift.summary()
    assert found["reason"] == "KL is not finite at 1 of 4 positions"
    assert found["kl"]["mean"] is None
    assert found["kl"]["max"] is None
    assert found["tv_mean"] > 0
    json.dumps(found, allow_nan=False)
