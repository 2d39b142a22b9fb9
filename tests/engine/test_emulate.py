"""Emulated int8 inference against its definitions in float64, on tiny layers and tiny models."""

from __future__ import annotations

import math
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx_lm.models.switch_layers import SwitchLinear
from mlx_lm.utils import load_model

from corefeel_tui.engine.emulate import emulate, emulated_layer, int8, stored_bytes
from corefeel_tui.engine.loading import arrays, share
from corefeel_tui.engine.smoothing import smooth
from corefeel_tui.errors import ModelError

from .tiny_models import write_tiny_model

SEGMENTS = np.random.default_rng(1).integers(5, 380, (4, 64)).tolist()


def tiny(directory: Path, architecture: str, **overrides):
    path = write_tiny_model(directory / architecture, architecture, dtype=mx.float32, **overrides)
    return load_model(path)[0]


def silent(done: int, total: int) -> None:
    """Progress nobody reads."""


def int8_in_float64(array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float64)
    scale = np.abs(array).max(axis=-1, keepdims=True) / 127
    return np.rint(array / scale) * scale


@pytest.fixture
def x() -> np.ndarray:
    """Tokens (3, 5, 32) with two features that are often large."""
    values = np.random.default_rng(0).normal(size=(3, 5, 32)).astype(np.float32)
    values[..., [4, 20]] *= 9
    return values


@pytest.fixture
def layer() -> nn.Linear:
    mx.random.seed(0)
    return nn.Linear(32, 24)


def test_int8_rounds_each_vector_to_its_own_scale(x: np.ndarray) -> None:
    np.testing.assert_allclose(np.array(int8(mx.array(x))), int8_in_float64(x), rtol=1e-6)
    assert mx.array_equal(int8(mx.zeros((2, 4))), mx.zeros((2, 4)))


def test_w8a8_is_int8_weights_times_int8_tokens(x: np.ndarray, layer: nn.Linear) -> None:
    weight, bias = np.array(layer.weight), np.array(layer.bias, dtype=np.float64)
    expected = int8_in_float64(x) @ int8_in_float64(weight).T + bias
    found = emulated_layer(layer)(mx.array(x))
    np.testing.assert_allclose(np.array(found), expected, rtol=1e-5, atol=1e-5)
    assert stored_bytes(layer) == 32 * 24 + 4 * 24 + 2 * 24


def test_llmint8_multiplies_outliers_as_they_are(x: np.ndarray, layer: nn.Linear) -> None:
    weight, bias = np.array(layer.weight, np.float64), np.array(layer.bias, np.float64)
    outlier = np.abs(x) >= 6.0
    assert 0 < outlier.sum() < x.size / 8
    regular = int8_in_float64(np.where(outlier, 0, x)) @ int8_in_float64(weight).T
    expected = regular + np.where(outlier, x, 0).astype(np.float64) @ weight.T + bias
    found = emulated_layer(layer, 6.0)(mx.array(x))
    np.testing.assert_allclose(np.array(found), expected, rtol=1e-5, atol=2e-5)


def test_llmint8_at_zero_is_the_layer_and_at_infinity_w8a8(x: np.ndarray, layer: nn.Linear) -> None:
    tokens = mx.array(x)
    np.testing.assert_allclose(
        np.array(emulated_layer(layer, 0.0)(tokens)), np.array(layer(tokens)), rtol=1e-6, atol=1e-5
    )
    assert mx.array_equal(emulated_layer(layer, math.inf)(tokens), emulated_layer(layer)(tokens))


@pytest.mark.parametrize("threshold", [None, 6.0])
def test_experts_round_like_linear_layers(x: np.ndarray, threshold: float | None) -> None:
    experts = SwitchLinear(32, 24, 3)
    one = nn.Linear(32, 24)
    one.weight, one.bias = experts.weight[1], experts.bias[1]
    tokens = mx.array(x)
    found = emulated_layer(experts, threshold)(
        tokens[:, :, None, None], mx.ones((3, 5, 1), mx.int32)
    )
    expected = emulated_layer(one, threshold)(tokens)
    np.testing.assert_allclose(np.array(found[:, :, 0, 0]), np.array(expected), atol=1e-5)


@pytest.mark.parametrize("architecture", ["qwen3", "llama", "gemma3_text", "qwen3_5"])
def test_smoothing_leaves_the_function_unchanged(tmp_path: Path, architecture: str) -> None:
    model = tiny(tmp_path, architecture)
    smoothed = share(model)
    moved, norms = smooth(smoothed, SEGMENTS)
    assert moved == norms == 2 * len(model.layers)
    tokens = mx.array(SEGMENTS)
    before, after = np.array(model(tokens)), np.array(smoothed(tokens))
    assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()
    first = model.layers[0].post_attention_layernorm.weight
    if architecture != "gemma3_text":
        assert not mx.array_equal(first, smoothed.layers[0].post_attention_layernorm.weight)


def test_smoothing_evens_out_what_is_hard_to_round(tmp_path: Path) -> None:
    model = tiny(tmp_path, "llama")
    smoothed = share(model)
    norm = smoothed.layers[0].input_layernorm
    norm.weight = mx.where(mx.arange(64) == 7, 60.0, norm.weight)
    outlying = share(smoothed)
    smooth(smoothed, SEGMENTS)
    q = [m.layers[0].self_attn.q_proj for m in (outlying, smoothed)]
    x = model.model.embed_tokens(mx.array(SEGMENTS))
    inputs = [m.layers[0].input_layernorm(x) for m in (outlying, smoothed)]
    exact = q[0](inputs[0])
    plain, even = (emulated_layer(a)(b) for a, b in zip(q, inputs, strict=True))
    assert mx.abs(even - exact).mean() < 0.5 * mx.abs(plain - exact).mean()


def test_a_norm_that_experts_read_as_well_is_left_alone(tmp_path: Path) -> None:
    model = tiny(tmp_path, "qwen3_moe")
    smoothed = share(model)
    assert smooth(smoothed, SEGMENTS) == (2, 4)
    tokens = mx.array(SEGMENTS)
    before, after = np.array(model(tokens)), np.array(smoothed(tokens))
    assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()


@pytest.mark.parametrize("method", ["w8a8", "smoothquant-w8a8", "llmint8"])
@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_5", "qwen3_moe"])
def test_whole_models_drift_a_little_and_share_the_rest(
    tmp_path: Path, architecture: str, method: str
) -> None:
    model = tiny(tmp_path, architecture)
    weight = np.array(model.layers[-1].self_attn.q_proj.weight)
    made = emulate(model, method, silent, SEGMENTS)
    assert made.notes[0].startswith("emulated: numbers, not speed")
    assert not any("embed" in path or "head" in path for path in made.layers)
    tokens = mx.array(SEGMENTS)
    before, after = np.array(model(tokens)), np.array(made.module(tokens))
    drift = np.abs(after - before).mean() / np.abs(before).mean()
    assert 1e-4 < drift < 0.1
    np.testing.assert_array_equal(np.array(model.layers[-1].self_attn.q_proj.weight), weight)
    replaced, held = (
        {path: array for path, _, _, array in arrays(m)} for m in (made.module, model)
    )
    apart = {path for path in held if replaced[path] is not held[path]}
    assert {path.removesuffix(".weight") for path in apart if "norm" not in path} == set(
        made.layers
    )


def test_llmint8_of_a_model_at_its_two_ends(tmp_path: Path) -> None:
    model = tiny(tmp_path, "qwen3")
    tokens = mx.array(SEGMENTS)
    all_kept = emulate(model, "llmint8", silent, threshold=0.0).module(tokens)
    none_kept = emulate(model, "llmint8", silent, threshold=math.inf).module(tokens)
    np.testing.assert_allclose(np.array(all_kept), np.array(model(tokens)), rtol=1e-4, atol=1e-4)
    assert mx.array_equal(none_kept, emulate(model, "w8a8", silent).module(tokens))


def test_a_bfloat16_reference_is_emulated_in_float32_and_left_as_it_was(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "bf16", "qwen3")
    model = load_model(path)[0]
    made = emulate(model, "smoothquant-w8a8", silent, SEGMENTS)
    assert made.module(mx.array(SEGMENTS)).dtype == mx.float32
    assert {array.dtype for _, _, _, array in arrays(model)} == {mx.bfloat16}


def test_a_model_without_linear_layers_is_refused() -> None:
    with pytest.raises(ModelError, match="no linear layers"):
        emulate(nn.Embedding(4, 4), "w8a8", silent)
