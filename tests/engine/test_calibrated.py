"""GPTQ, AWQ and DWQ: what they promise on their calibration text, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from corefeel_tui.engine.calibrated import OpenLayer, calibrated
from corefeel_tui.engine.calibration import FEWEST, SEGMENT, read_segments
from corefeel_tui.engine.loading import (
    Checkpoint,
    arrays,
    materialise,
    open_checkpoint,
    open_tokenizer,
)
from corefeel_tui.engine.quantize import quantized
from corefeel_tui.errors import ModelError, UsageError
from corefeel_tui.variants import parse

from .tiny_models import write_tiny_model


def silent(done: int, total: int) -> None:
    """Progress nobody reads."""


def opened(directory: Path, architecture: str, expand: bool = True, **overrides) -> Checkpoint:
    path = write_tiny_model(directory / architecture, architecture, **overrides)
    checkpoint = open_checkpoint(path)
    materialise(checkpoint, expand, silent)
    return checkpoint


def text_of(checkpoint: Checkpoint) -> list[list[int]]:
    tokenizer = open_tokenizer(checkpoint.directory, checkpoint.config)
    return read_segments(tokenizer, None, 64)[:24]


class Heard:
    """A linear layer's inputs, kept as they pass."""

    def __init__(self, layer: Any) -> None:
        self.layer, self.inputs = layer, []

    def __call__(self, x: mx.array) -> mx.array:
        self.inputs.append(np.array(x).reshape(-1, x.shape[-1]))
        return self.layer(x)


def inputs_of(checkpoint: Checkpoint, segments: list[list[int]]) -> dict[str, np.ndarray]:
    """What every linear layer of the blocks reads, (tokens, in)."""
    heard = {}
    for i, block in enumerate(checkpoint.module.layers):
        for part in ("self_attn", "mlp"):
            for name, layer in list(block[part].items()):
                if name.endswith("_proj"):
                    heard[f"model.layers.{i}.{part}.{name}"] = Heard(layer)
                    block[part][name] = heard[f"model.layers.{i}.{part}.{name}"]
    checkpoint.module(mx.array(segments))
    for path, ear in heard.items():
        *_, i, part, name = path.split(".")
        checkpoint.module.layers[int(i)][part][name] = ear.layer
    return {path: np.concatenate(ear.inputs) for path, ear in heard.items()}


def test_gptqs_outputs_are_nearer_than_round_to_nearest(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, "llama")
    segments = text_of(checkpoint)
    heard = inputs_of(checkpoint, segments)
    made = calibrated(checkpoint, parse("gptq-4bit"), segments, True, silent)
    nearest = quantized(checkpoint, parse("4bit"), True, silent)
    layers = [dict(m.named_modules()) for m in (checkpoint.module, made.module, nearest.module)]
    for path, x in heard.items():
        exact, gptq, rtn = (np.array(own[path].weight, np.float64) for own in layers)
        error = [np.square(x @ (weight - exact).T).sum() for weight in (gptq, rtn)]
        assert error[0] <= error[1], path
    assert 4.5 <= made.bits_per_weight < 6.6
    assert made.notes == [f"calibrated on {24 * 64} tokens of the shipped text"]


@pytest.mark.parametrize("method", ["gptq", "awq", "dwq"])
def test_what_is_computed_with_is_what_a_checkpoint_would_store(
    tmp_path: Path, method: str
) -> None:
    checkpoint = opened(tmp_path, "llama")
    before = {path: np.array(array) for path, _, _, array in arrays(checkpoint.module)}
    segments = text_of(checkpoint)[:8]
    made = calibrated(checkpoint, parse(f"{method}-4bit"), segments, True, silent)
    for path, _, _, array in arrays(checkpoint.module):
        np.testing.assert_array_equal(np.array(array), before[path], "the reference stays")
    assert all(array.dtype == mx.float32 for _, _, _, array in arrays(made.module))
    norm = made.module.layers[0].input_layernorm.weight
    assert mx.array_equal(norm, norm.astype(mx.bfloat16)), "norms are stored in bfloat16"
    tokens = mx.array(segments)
    exact, own = (np.array(m(tokens)) for m in (checkpoint.module, made.module))
    assert 0.01 < np.abs(own - exact).mean() / np.abs(exact).mean() < 0.5


def test_packed_results_stay_packed(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, "llama", expand=False)
    made = calibrated(checkpoint, parse("gptq-4bit"), text_of(checkpoint)[:8], False, silent)
    kinds = {array.dtype for _, _, _, array in arrays(made.module)}
    assert kinds == {mx.uint32, mx.bfloat16}


def test_experts_and_hybrids_take_gptq(tmp_path: Path) -> None:
    for architecture in ("qwen3_moe", "qwen3_5"):
        checkpoint = opened(tmp_path, architecture)
        spec = parse("gptq-4bit-g32")
        made = calibrated(checkpoint, spec, text_of(checkpoint)[:8], True, silent)
        assert made.skipped == []
        assert np.isfinite(np.array(made.module(mx.array([[5, 6, 7]])))).all()


def test_dwq_learns(tmp_path: Path) -> None:
    """The divergence it minimises falls below that of the rounding it starts from."""
    checkpoint = opened(tmp_path, "llama")
    segments = text_of(checkpoint)
    made = calibrated(checkpoint, parse("dwq-3bit"), segments, True, silent)
    nearest = quantized(checkpoint, parse("3bit"), True, silent)
    tokens = mx.array(segments)
    p = mx.softmax(checkpoint.module(tokens), axis=-1)
    drift = []
    for module in (made.module, nearest.module):
        logits = module(tokens)
        log_q = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
        drift.append(float((p * (mx.log(p) - log_q)).sum(axis=-1).mean()))
    assert drift[0] < drift[1]
    assert made.notes[-1].startswith("held-out loss")


@pytest.mark.parametrize("bits", [2, 3, 4, 6])
def test_an_open_layer_computes_what_its_packed_one_stands_for(bits: int) -> None:
    mx.random.seed(bits)
    linear, embedding = nn.Linear(64, 16).to_quantized(32, bits), nn.Embedding(16, 64)
    x = mx.random.normal((3, 64))
    expected = x @ unpacked(linear).T + linear.bias
    assert mx.allclose(OpenLayer(linear)(x), expected, atol=1e-5)
    embedding = embedding.to_quantized(32, bits)
    assert mx.allclose(OpenLayer(embedding).as_linear(x), x @ unpacked(embedding).T, atol=1e-5)
    ids = mx.array([[3, 1]])
    assert mx.allclose(OpenLayer(embedding)(ids), unpacked(embedding)[ids], atol=1e-6)


def unpacked(layer: Any) -> mx.array:
    return mx.dequantize(layer.weight, layer.scales, layer.biases, layer.group_size, layer.bits)


def test_progress_is_told(tmp_path: Path) -> None:
    told = []
    checkpoint = opened(tmp_path, "llama")
    report = lambda done, total: told.append((done, total))  # noqa: E731
    calibrated(checkpoint, parse("gptq-4bit"), text_of(checkpoint)[:8], True, report)
    assert any(total == 15 for _, total in told), "GPTQ's own bar counts the linear layers"


def test_an_architecture_that_awq_does_not_know(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, "qwen3_5")
    with pytest.raises(ModelError, match=r"does not know .* qwen3_5; it knows .*llama.*qwen3"):
        calibrated(checkpoint, parse("awq-4bit"), text_of(checkpoint)[:8], True, silent)


class Direct(nn.Module):
    """A model that reads the weights of a layer without calling it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.proj = nn.Embedding(64, 64), nn.Linear(64, 64, bias=False)

    def __call__(self, tokens: mx.array) -> mx.array:
        return self.embed(tokens) @ self.proj.weight.T


def test_an_architecture_that_gptq_cannot_watch(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, {"model_type": "direct"}, Direct())
    with pytest.raises(ModelError, match="cannot watch the layers of this architecture"):
        calibrated(checkpoint, parse("gptq-4bit"), [[1, 2, 3]], True, silent)


def test_a_group_that_does_not_divide(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, "llama", intermediate_size=96)
    with pytest.raises(ModelError, match=r"down_proj \(96\).*gptq-4bit-g32"):
        calibrated(checkpoint, parse("gptq-4bit"), text_of(checkpoint)[:8], True, silent)


def test_dwq_leaves_out_what_a_group_does_not_divide(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, "llama", intermediate_size=96)
    made = calibrated(checkpoint, parse("dwq-4bit"), text_of(checkpoint)[:8], True, silent)
    assert sorted(made.skipped) == [f"model.layers.{i}.mlp.down_proj" for i in (0, 1)]
    odd = {"hidden_size": 48, "intermediate_size": 48, "head_dim": 12}
    checkpoint = opened(tmp_path / "odd", "llama", **odd)
    with pytest.raises(ModelError, match="divides the width of no layer"):
        calibrated(checkpoint, parse("dwq-4bit"), text_of(checkpoint)[:8], True, silent)


def test_calibration_text_of_the_user(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, "llama")
    tokenizer = open_tokenizer(checkpoint.directory, checkpoint.config)
    own = tmp_path / "own.txt"
    own.write_text("The gauge fell from 41 to 38 bar. " * 200, encoding="utf-8")
    segments = read_segments(tokenizer, str(own), 512)
    assert {len(segment) for segment in segments} == {SEGMENT}
    own.write_text("Too short.", encoding="utf-8")
    with pytest.raises(UsageError, match=f"at least {FEWEST * SEGMENT} are needed"):
        read_segments(tokenizer, str(own), 512)
    with pytest.raises(UsageError, match="cannot be read"):
        read_segments(tokenizer, str(tmp_path / "none.txt"), 512)
