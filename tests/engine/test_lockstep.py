"""Lockstep against recomputation: every row's logits are those of a fresh pass over its tokens."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.models.cache import ChunkedKVCache
from mlx_lm.utils import load_model

from corefeel_tui.engine.lockstep import Lockstep, Start, Step, group_by_choice
from corefeel_tui.engine.prefill import Prefixes
from corefeel_tui.engine.sampling import Sampling, make_picker
from corefeel_tui.errors import ModelError

from .tiny_models import ARCHITECTURES, write_tiny_model

WARM = Sampling(temperature=1.0, seed=7)
"""Different random models soon draw different tokens, and do not fall into loops."""

PROMPT = [60, 71, 82, 93, 104, 115, 126, 137]


def models_of(tmp_path: Path, architecture: str, count: int = 3) -> dict:
    """`count` models of one architecture with weights of different seeds, in float32."""
    models = {}
    for seed in range(count):
        directory = write_tiny_model(
            tmp_path / str(seed), architecture, seed=seed, dtype=mx.float32, sharpness=1.0
        )
        models[f"m{seed}"] = load_model(directory)[0]
    return models


def recomputed(model, tokens: list[int]) -> np.ndarray:
    return np.array(model(mx.array(tokens)[None])[0, -1].astype(mx.float32))


def check_rows(lock: Lockstep, step: Step) -> None:
    """Compare every row of every model with a pass that never saw a cache."""
    for name, rows in step.scored.items():
        for row, logits in zip(rows, np.array(step.logits[name]), strict=True):
            fresh = recomputed(lock.models[name], row.tokens)
            np.testing.assert_allclose(logits, fresh, rtol=1e-4, atol=1e-4)


def run(lock: Lockstep, steps: int, check: bool = True) -> list[Step]:
    seen = []
    for _ in range(steps):
        step = lock.take()
        if check:
            check_rows(lock, step)
        seen.append(step)
        lock.advance(step.choice, set())
    return seen


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_rows_equal_recomputation_through_forks(tmp_path: Path, architecture: str) -> None:
    models = models_of(tmp_path, architecture)
    lock = Lockstep(models, "m0", make_picker(WARM))
    list(lock.read([Start("r", dict.fromkeys(models, PROMPT))]))
    steps = run(lock, 24)
    assert len(steps[0].scored["m0"]) == 1
    assert len(steps[-1].scored["m0"]) == 3, "three different models should have forked"
    assert len(steps[-1].scored["m1"]) == 2


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3_text", "qwen3_5"])
def test_rows_that_end_leave_the_others_intact(tmp_path: Path, architecture: str) -> None:
    models = models_of(tmp_path, architecture)
    lock = Lockstep(models, "m0", make_picker(WARM))
    list(lock.read([Start("r", dict.fromkeys(models, PROMPT))]))
    run(lock, 6)
    step = lock.take()
    lock.advance(step.choice, {("r", "m1")})
    assert len(lock.take().scored["m0"]) == 2
    assert len(lock.take().scored["m1"]) == 1, "m1 goes on scoring the reference's row"
    run(lock, 4)
    step = lock.take()
    lock.advance(step.choice, {("r", "m0")})
    final = lock.take()
    assert set(final.scored) == {"m0", "m2"}, "nothing is left for m1 to score"
    check_rows(lock, final)


@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_5", "gemma3_text", "mamba"])
def test_prompts_of_unequal_length_start_as_rows(tmp_path: Path, architecture: str) -> None:
    models = models_of(tmp_path, architecture)
    prompts = {"m0": PROMPT, "m1": [*PROMPT, 50, 51, 52], "m2": PROMPT[:3]}
    lock = Lockstep(models, "m0", make_picker(WARM))
    list(lock.read([Start("r", prompts)]))
    steps = run(lock, 12)
    assert len(steps[0].scored["m0"]) == 3


@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_5", "gemma3_text", "mamba"])
def test_a_remembered_prefix_changes_nothing(tmp_path: Path, architecture: str) -> None:
    models = models_of(tmp_path, architecture, count=2)
    prefixes = Prefixes()
    first = Lockstep(models, "m0", make_picker(WARM), prefixes)
    list(first.read([Start("r", dict.fromkeys(models, PROMPT), boundaries={"m0": 5})]))
    run(first, 5, check=False)
    step = first.take()
    first.advance(step.choice, {("r", "m0"), ("r", "m1")})
    for prompt in ([*PROMPT[:5], 70, 71, 72], [*PROMPT, *range(100, 120)], PROMPT[:4]):
        again = Lockstep(models, "m0", make_picker(WARM), prefixes)
        list(again.read([Start("r", dict.fromkeys(models, prompt), boundaries={"m0": 5})]))
        run(again, 3)


def test_prefixes_are_used_and_not_only_right(tmp_path: Path) -> None:
    for architecture, expected in (("qwen3", len(PROMPT) - 1), ("qwen3_5", 5)):
        models = models_of(tmp_path / architecture, architecture, count=1)
        prefixes = Prefixes()
        lock = Lockstep(models, "m0", make_picker(WARM), prefixes)
        list(lock.read([Start("r", {"m0": PROMPT}, boundaries={"m0": 5})]))
        step = lock.take()
        lock.advance(step.choice, {("r", "m0")})
        caches, done = prefixes.fetch("m0", [*PROMPT[:-1], 333])
        assert caches is not None
        assert done == expected


def test_caches_that_cannot_hold_rows_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    models = models_of(tmp_path, "qwen3", 2)
    models["m1"].make_cache = lambda: [ChunkedKVCache(16) for _ in models["m1"].layers]
    lock = Lockstep(models, "m0", make_picker(WARM))
    with pytest.raises(ModelError, match="class ChunkedKVCache cannot hold several answers"):
        next(lock.read([Start("r", dict.fromkeys(models, PROMPT))]))
    alone = Lockstep({"m1": models["m1"]}, "m1", make_picker(WARM))
    list(alone.read([Start("r", {"m1": PROMPT})]))
    assert len(run(alone, 2)) == 2


def test_group_by_choice_keeps_the_reference_first() -> None:
    choice = {("r", "a"): 2, ("r", "b"): 1, ("r", "r"): 2}
    assert group_by_choice("r", ["b", "a", "r"], choice, "r") == {2: ["r", "a"], 1: ["b"]}
    assert group_by_choice("r", [], choice, "r") == {}


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3_text", "qwen3_5"])
def test_several_runs_side_by_side_are_those_runs_alone(tmp_path: Path, architecture: str) -> None:
    models = models_of(tmp_path, architecture)
    starts = [
        Start(f"r{i}", dict.fromkeys(models, prompt), key=(i, 0))
        for i, prompt in enumerate([PROMPT, PROMPT[2:], [*PROMPT, 40, 41], PROMPT])
    ]
    together = Lockstep(models, "m0", make_picker(WARM))
    list(together.read(starts))
    choices = [step.choice for step in run(together, 10)]
    for start in starts:
        alone = Lockstep(models, "m0", make_picker(WARM))
        list(alone.read([start]))
        for step, all_choices in zip(run(alone, 10, check=False), choices, strict=True):
            assert step.choice == {o: t for o, t in all_choices.items() if o[0] == start.run}
