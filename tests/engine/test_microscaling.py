"""mxfp4, nvfp4 and mxfp8 against MLX's own expansion, packed and expanded."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

from corefeel_tui.engine.loading import Checkpoint, materialise, open_checkpoint
from corefeel_tui.engine.quantize import quantized
from corefeel_tui.engine.unpack import unpacked
from corefeel_tui.errors import ModelError
from corefeel_tui.variants import MICROSCALING, parse

from .tiny_models import write_tiny_model

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])


def checkpoint_of(
    directory: Path, expand: bool, architecture: str = "llama", **overrides
) -> Checkpoint:
    path = write_tiny_model(directory / f"{architecture}-{expand}", architecture, **overrides)
    checkpoint = open_checkpoint(path)
    materialise(checkpoint, expand, silent)
    return checkpoint


def silent(done: int, total: int) -> None:
    """Progress nobody reads."""


@pytest.mark.parametrize("mode", MICROSCALING)
@pytest.mark.parametrize("architecture", ["llama", "qwen3_moe"])
def test_packed_and_expanded_hold_the_same_numbers(
    tmp_path: Path, mode: str, architecture: str
) -> None:
    spec = parse(mode)
    native = checkpoint_of(tmp_path, expand=False, architecture=architecture)
    packed = quantized(native, spec, False, silent)
    expanded = quantized(
        checkpoint_of(tmp_path, expand=True, architecture=architecture), spec, True, silent
    )
    plain = dict(expanded.module.named_modules())
    original = dict(native.module.named_modules())
    layers = {path: m for path, m in packed.module.named_modules() if hasattr(m, "bits")}
    assert packed.skipped == expanded.skipped == []
    for path, layer in layers.items():
        if layer.mode != mode:
            continue  # the router, which the architecture keeps in 8 bits
        bits, group = MICROSCALING[mode]
        stored = mx.quantize(original[path].weight, group, bits, mode=mode)
        assert mx.array_equal(layer.weight, stored[0])
        assert mx.array_equal(layer.scales, stored[1])
        own = mx.dequantize(*stored, None, group, bits, mode, dtype=mx.float32)
        assert plain[path].weight.dtype == mx.float32
        assert mx.array_equal(plain[path].weight, own)
    if architecture == "llama":
        bits, group = MICROSCALING[mode]
        assert packed.bits_per_weight == pytest.approx(bits + 8 / group, abs=0.05)


def test_mxfp4_is_a_power_of_two_times_e2m1(tmp_path: Path) -> None:
    """The format by its definition (OCP Microscaling Formats 1.0, §5.3): shared exponent of 32
    elements, each one of ±{0, .5, 1, 1.5, 2, 3, 4, 6}."""
    checkpoint = checkpoint_of(tmp_path, expand=True)
    weight = np.array(quantized(checkpoint, parse("mxfp4"), True, silent).module.lm_head.weight)
    groups = np.abs(weight.reshape(-1, 32))
    for group in groups:
        exponents = np.arange(-20, 5)
        fits = [np.isin(group / 2.0**e, E2M1).all() for e in exponents]
        assert any(fits)
    exact = np.array(checkpoint.module.lm_head.weight)
    assert np.abs(weight - exact).mean() < 0.15 * np.abs(exact).mean()


def test_a_group_that_divides_nothing_is_said(tmp_path: Path) -> None:
    odd = {
        "hidden_size": 24,
        "intermediate_size": 40,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 12,
    }
    checkpoint = checkpoint_of(tmp_path, expand=True, **odd)
    with pytest.raises(ModelError, match=r"32 divides the width of no layer.*nvfp4"):
        quantized(checkpoint, parse("mxfp4"), True, silent)
    with pytest.raises(ModelError, match=r"64 divides the width of no layer.*4bit-g32"):
        quantized(checkpoint, parse("4bit"), True, silent)


def test_layers_that_the_group_does_not_divide_are_listed(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tmp_path, expand=True, intermediate_size=80)
    skipped = quantized(checkpoint, parse("mxfp8"), True, silent).skipped
    assert sorted(skipped) == [f"model.layers.{i}.mlp.down_proj" for i in (0, 1)]


@pytest.mark.parametrize("mode", MICROSCALING)
def test_unpacking_small_floats_equals_mlx(mode: str) -> None:
    bits, group = MICROSCALING[mode]
    weight = mx.random.normal((20_000, 64), key=mx.random.key(bits))
    packed, scales = mx.quantize(weight, group, bits, mode=mode)
    expected = mx.dequantize(packed, scales, None, group, bits, mode, dtype=mx.float32)
    assert mx.array_equal(unpacked(packed, scales, None, bits, mode), expected)
