"""Quantized weights: mlx-lm's own, exactly; what is shared, what is skipped, what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm.utils import load_model, quantize_model, save_config, save_model

from corefeel_tui.engine.loading import Checkpoint, arrays, materialise, open_checkpoint, share
from corefeel_tui.engine.quantize import (
    Treated,
    expand_modules,
    expanded_weight,
    from_checkpoint,
    quantized,
)
from corefeel_tui.engine.unpack import unpacked
from corefeel_tui.errors import ModelError
from corefeel_tui.variants import parse
from tests.engine import oracle
from tests.engine.tiny_models import write_tiny_model, write_tokenizer


def silent(done: int, total: int) -> None:
    """Nobody watches the progress."""


def opened(directory: Path, expand: bool = True) -> Checkpoint:
    checkpoint = open_checkpoint(directory)
    materialise(checkpoint, expand, silent)
    return checkpoint


def parameters(module: nn.Module) -> dict[str, mx.array]:
    return {path: array for path, _, _, array in arrays(module)}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("qwen3"), "qwen3")


@pytest.fixture(scope="module")
def reference(directory: Path) -> Checkpoint:
    return opened(directory)


@pytest.mark.parametrize("architecture", ["qwen3", "qwen3_moe", "qwen3_5"])
@pytest.mark.parametrize("variant", ["8bit", "4bit-g32", "3bit", "2bit"])
def test_weights_are_exactly_what_mlx_lm_stores(
    tmp_path: Path, architecture: str, variant: str
) -> None:
    """Quantized from bfloat16 though the reference was expanded, then expanded in float32."""
    directory = write_tiny_model(tmp_path, architecture)
    spec = parse(variant)
    made = parameters(quantized(opened(directory), spec, True, silent).module)
    model, config = load_model(directory)
    theirs, _ = quantize_model(model, config, spec.group, spec.bits)
    packed = {path: m for path, m in theirs.named_modules() if hasattr(m, "bits")}
    assert packed
    for path, module in packed.items():
        assert module.scales.dtype == mx.bfloat16
        expected = mx.dequantize(
            module.weight,
            module.scales.astype(mx.float32),
            module.biases.astype(mx.float32),
            module.group_size,
            module.bits,
        )
        own = made[f"{path}.weight"]
        assert own.dtype == mx.float32
        assert mx.array_equal(own, expected)


@pytest.mark.parametrize(("bits", "group"), [(8, 64), (4, 32), (3, 64), (2, 32)])
def test_the_definition_of_affine_quantization(bits: int, group: int) -> None:
    weight = np.random.default_rng(0).normal(0, 0.1, (64, 128))
    weight = oracle.bfloat16(weight)
    packed = nn.Linear(128, 64, bias=False)
    packed.weight = mx.array(weight).astype(mx.bfloat16)
    expanded = expanded_weight(packed.to_quantized(group, bits))
    np.testing.assert_allclose(
        np.array(expanded), oracle.round_trip(weight, bits, group), rtol=1e-6
    )


def test_variants_share_every_array_they_do_not_change(reference: Checkpoint) -> None:
    base = parameters(reference.module)
    for variant in ("8bit", "4bit-g32"):
        treated = quantized(reference, parse(variant), True, silent)
        own = parameters(treated.module)
        changed = {path for path, array in own.items() if array is not base[path]}
        assert own.keys() == base.keys()
        assert changed == {path for path in base if "norm" not in path}
        assert treated.resident_bytes == sum(own[path].nbytes for path in changed)


@pytest.mark.parametrize("expand", [True, False])
def test_memory_grows_by_the_distinct_arrays_and_no_more(directory: Path, expand: bool) -> None:
    mx.clear_cache()
    start = mx.get_active_memory()
    reference = opened(directory, expand)
    treated = [quantized(reference, parse(v), expand, silent) for v in ("8bit", "4bit", "2bit")]
    mx.synchronize()
    held = {
        id(array): array.nbytes
        for module in (reference.module, *(t.module for t in treated))
        for _, array in tree_flatten(module)
    }
    grown = mx.get_active_memory() - start
    assert grown == pytest.approx(sum(held.values()), rel=0.02)
    sizes = sum(array.nbytes for array in parameters(reference.module).values())
    assert sum(held.values()) == sizes + sum(t.resident_bytes for t in treated)


@pytest.mark.parametrize("variant", ["8bit", "4bit", "3bit"])
def test_making_a_variant_needs_little_more_than_it_keeps(tmp_path: Path, variant: str) -> None:
    """Peak stays under the final residency plus the largest layer."""
    directory = write_tiny_model(tmp_path, "llama", vocab=16384)
    reference = opened(directory)
    largest = max(array.nbytes for array in parameters(reference.module).values())
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    treated = quantized(reference, parse(variant), True, silent)
    assert mx.get_peak_memory() <= before + treated.resident_bytes + largest


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("shape", [(5, 96), (3, 7, 64), (20_000, 64)])
def test_unpacking_equals_mlx(bits: int, shape: tuple[int, ...]) -> None:
    weight = mx.random.normal(shape, key=mx.random.key(bits))
    packed, scales, biases = mx.quantize(weight, 32, bits)
    expected = mx.dequantize(packed, scales, biases, 32, bits)
    assert mx.array_equal(unpacked(packed, scales, biases, bits), expected)


def test_native_execution_keeps_weights_packed(directory: Path) -> None:
    reference = opened(directory, expand=False)
    assert {array.dtype for array in parameters(reference.module).values()} == {mx.bfloat16}
    treated = quantized(reference, parse("4bit"), False, silent)
    kinds = {type(m).__name__ for _, m in treated.module.named_modules() if hasattr(m, "bits")}
    assert kinds == {"QuantizedLinear", "QuantizedEmbedding"}
    own, base = parameters(treated.module), parameters(reference.module)
    assert all(own[path] is base[path] for path in base if "norm" in path)
    assert treated.resident_bytes < treated.bytes


def test_both_executions_agree(directory: Path, reference: Checkpoint) -> None:
    tokens = mx.array([[5, 9, 300, 17]])
    expanded = quantized(reference, parse("4bit"), True, silent).module(tokens)
    packed = quantized(opened(directory, expand=False), parse("4bit"), False, silent).module
    packed.set_dtype(mx.float32)
    np.testing.assert_allclose(np.array(packed(tokens)), np.array(expanded), atol=2e-3)


def test_layers_that_mlx_lm_skips_are_named(tmp_path: Path) -> None:
    reference = opened(write_tiny_model(tmp_path, "mamba"))
    skipped = quantized(reference, parse("4bit"), True, silent).skipped
    assert sorted(skipped) == [f"backbone.layers.{i}.mixer.dt_proj" for i in (0, 1)]


def test_a_group_that_divides_nothing_is_refused(tmp_path: Path) -> None:
    directory = write_tiny_model(
        tmp_path, "qwen3", hidden_size=96, intermediate_size=96, num_attention_heads=3,
        num_key_value_heads=1,
    )  # fmt: skip
    with pytest.raises(ModelError, match="a group of 128 divides the width of no layer"):
        quantized(opened(directory), parse("4bit-g128"), True, silent)


# --- models that were quantized before ----------------------------------------------------------


def saved(directory: Path, source: Path, **options: Any) -> Path:
    """A quantized copy of `source` as mlx-lm writes it."""
    directory.mkdir()
    model, config = load_model(source)
    model, config = quantize_model(model, config, **options)
    save_model(directory, model)
    save_config(config, directory / "config.json")
    write_tokenizer(directory)
    return directory


def reopened(directory: Path, reference: Checkpoint, expand: bool = True) -> Treated:
    return from_checkpoint(open_checkpoint(directory), reference, expand, silent)


def test_a_saved_quantization_equals_one_made_here(
    tmp_path: Path, directory: Path, reference: Checkpoint
) -> None:
    path = saved(tmp_path / "mine", directory, group_size=64, bits=4)
    theirs, ours = reopened(path, reference), quantized(reference, parse("4bit"), True, silent)
    own = parameters(ours.module)
    for name, array in parameters(theirs.module).items():
        assert mx.array_equal(array, own[name])
    assert theirs.bits_per_weight == pytest.approx(ours.bits_per_weight)
    assert (theirs.bytes, theirs.resident_bytes) == (ours.bytes, ours.resident_bytes)


def test_settings_per_module_are_kept(
    tmp_path: Path, directory: Path, reference: Checkpoint
) -> None:
    def mixed(path: str, module: nn.Module) -> bool | dict[str, Any]:
        if "v_proj" in path:
            return {"group_size": 32, "bits": 8}
        return "embed" not in path

    path = saved(tmp_path / "mixed", directory, group_size=64, bits=3, quant_predicate=mixed)
    treated = reopened(path, reference)
    assert treated.skipped == ["model.embed_tokens"]
    base, own = parameters(reference.module), parameters(treated.module)
    assert own["model.embed_tokens.weight"] is base["model.embed_tokens.weight"]

    def error(name: str) -> float:
        return float(mx.abs(own[name] - base[name]).mean())

    assert error("model.layers.0.self_attn.v_proj.weight") < 0.1 * error(
        "model.layers.0.self_attn.k_proj.weight"
    )


def test_microscaled_models_by_path(tmp_path: Path, directory: Path, reference: Checkpoint) -> None:
    path = saved(tmp_path / "mx", directory, group_size=32, bits=4, mode="mxfp4")
    weights = parameters(reopened(path, reference).module)
    assert {array.dtype for array in weights.values()} == {mx.float32}
    with_native = reopened(path, opened(directory, expand=False), expand=False)
    assert any(getattr(m, "mode", "") == "mxfp4" for _, m in with_native.module.named_modules())


def test_the_reference_again_shares_everything(directory: Path, reference: Checkpoint) -> None:
    treated = reopened(directory, reference)
    assert treated.identical
    assert treated.resident_bytes == 0


def test_a_packed_module_of_an_unknown_kind_is_refused() -> None:
    class Strange(nn.QuantizedLinear):
        pass

    holder = nn.Module()
    holder.inside = Strange(64, 64)
    with pytest.raises(ModelError, match="Strange"):
        expand_modules(holder)


def test_a_shared_tree_is_another_tree(reference: Checkpoint) -> None:
    twin = share(reference.module)
    assert twin is not reference.module
    assert twin.layers[0] is not reference.module.layers[0]
    assert all(a is b for a, b in zip(
        parameters(twin).values(), parameters(reference.module).values(), strict=True
    ))  # fmt: skip
