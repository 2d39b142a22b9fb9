"""Floor F2 disturbs every architecture a little, and only the copy."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.models.cache import make_prompt_cache

from corefeel_tui.commands import Load
from corefeel_tui.engine.divergence import describe, diverge
from corefeel_tui.engine.modelset import load_set
from corefeel_tui.engine.noise import with_roundoff

from .tiny_models import write_tiny_model


@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_5", "gemma3_text", "llama"])
def test_one_roundoff_is_small_and_not_nothing(tmp_path: Path, architecture: str) -> None:
    path = write_tiny_model(tmp_path / "tiny", architecture)
    models = load_set(Load(str(path), ["bf16", "4bit"]), lambda event: None, None)
    model = models.models["bf16"].model
    tokens = mx.array([[5, 9, 13, 60, 61, 62, 70]])
    before = np.array(model(tokens)[0])
    noisy = with_roundoff(model)
    disturbed = noisy(tokens, cache=make_prompt_cache(noisy))[0]
    kl = diverge(describe(model(tokens)[0]), describe(disturbed))["kl"]
    quantized = models.models["4bit"].model(tokens)[0]
    harm = diverge(describe(model(tokens)[0]), describe(quantized))["kl"]
    assert 0 < kl.mean() < harm.mean()
    np.testing.assert_array_equal(np.array(model(tokens)[0]), before)
    again = noisy(tokens, cache=make_prompt_cache(noisy))[0]
    np.testing.assert_array_equal(np.array(disturbed), np.array(again))
