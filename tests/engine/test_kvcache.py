"""Quantized caches against mlx-lm's own, and their rows against recomputation."""

from __future__ import annotations

import copy
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.models.cache import (
    ChunkedKVCache,
    KVCache,
    QuantizedKVCache,
    RotatingKVCache,
    make_prompt_cache,
    trim_prompt_cache,
)
from mlx_lm.utils import load_model

from corefeel_tui.engine.kvcache import (
    Width,
    coverage,
    is_treated,
    rounded,
    treat,
    with_quantized_cache,
)
from corefeel_tui.engine.lockstep import Lockstep, Start
from corefeel_tui.engine.prefill import Prefixes, fill
from corefeel_tui.engine.sampling import Sampling, make_picker
from corefeel_tui.errors import ModelError

from .tiny_models import write_tiny_model

PROMPT = [60, 71, 82, 93, 104, 115, 126, 137]
TEXT = np.random.default_rng(3).integers(5, 380, 80).tolist()
K8V4 = Width(8, 4)


def tiny(directory: Path, architecture: str, seed: int = 0, **overrides):
    path = write_tiny_model(
        directory / f"{architecture}{seed}",
        architecture,
        seed=seed,
        dtype=mx.float32,
        sharpness=1.0,
        **overrides,
    )
    return load_model(path)[0]


def logits(model, tokens: list[int], caches=None) -> np.ndarray:
    return np.array(model(mx.array([tokens]), cache=caches)[0].astype(mx.float32))


def decoded(model, caches, tokens: list[int], head: int = 40) -> np.ndarray:
    """Logits after a prefill of `head` tokens and one pass per token behind it."""
    parts = [logits(model, tokens[:head], caches)]
    parts += [logits(model, [token], caches) for token in tokens[head:]]
    return np.concatenate(parts)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("head_dim", [32, 64])
def test_solo_equals_mlx_lms_own_quantized_cache(tmp_path: Path, bits: int, head_dim: int) -> None:
    model = tiny(tmp_path, "llama", head_dim=head_dim)
    own = [QuantizedKVCache(group_size=head_dim, bits=bits) for _ in model.layers]
    expected = decoded(model, own, TEXT)
    treated = with_quantized_cache(model, Width(bits, bits))
    found = decoded(treated, make_prompt_cache(treated), TEXT)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    plain = decoded(model, make_prompt_cache(model), TEXT)
    assert np.abs(plain - expected).max() > 2e-3, "the treatment should be visible"


def test_keys_and_values_have_their_own_bits(tmp_path: Path) -> None:
    treated = with_quantized_cache(tiny(tmp_path, "llama"), K8V4)
    keys, values = (mx.random.normal((2, 2, 5, 64)) for _ in range(2))
    layer = make_prompt_cache(treated)[0]
    read = layer.update_and_fetch(keys, values)
    for array, bits, found in ((keys, 8, read[0]), (values, 4, read[1])):
        expected = mx.dequantize(*mx.quantize(array, 64, bits), group_size=64, bits=bits)
        assert mx.array_equal(found, expected)


def test_every_pass_is_treated_with_or_without_a_cache(tmp_path: Path) -> None:
    for architecture in ("qwen3", "gemma3_text", "qwen3_5"):
        model = tiny(tmp_path, architecture)
        treated = with_quantized_cache(model, Width(4, 4))
        bare = logits(treated, TEXT)
        np.testing.assert_allclose(
            bare, logits(treated, TEXT, make_prompt_cache(treated)), rtol=1e-5, atol=1e-5
        )
        assert np.abs(bare - logits(model, TEXT)).max() > 1e-3
        assert type(model).__call__ is not type(treated).__call__
        shared = {id(array) for _, array in _arrays(model)}
        assert {id(array) for _, array in _arrays(treated)} == shared


def _arrays(model):
    from mlx.utils import tree_flatten

    return tree_flatten(model.parameters())


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3_text", "qwen3_5"])
@pytest.mark.parametrize("width", [Width(8, 8), K8V4, Width(4, 4)], ids=str)
def test_rows_equal_recomputation_through_forks(
    tmp_path: Path, architecture: str, width: Width
) -> None:
    """What a row reads is the same however it was batched, up to values that stood so near the
    border of two quantization steps that a rounding in the last bit tipped them."""
    models = {
        f"m{seed}": with_quantized_cache(tiny(tmp_path, architecture, seed), width)
        for seed in range(3)
    }
    lock = Lockstep(models, "m0", make_picker(Sampling(temperature=1.0, seed=7)), Prefixes())
    list(lock.read([Start("r", dict.fromkeys(models, PROMPT))]))
    apart = []
    for _ in range(24):
        step = lock.take()
        for name, rows in step.scored.items():
            for row, found in zip(rows, np.array(step.logits[name]), strict=True):
                apart.append(np.abs(found - logits(models[name], row.tokens)[-1]).max())
        lock.advance(step.choice, set())
    assert len(step.scored["m0"]) == 3, "three different models should have forked"
    assert np.median(apart) < 1e-4
    assert max(apart) < 0.1


@pytest.mark.parametrize("kind", [KVCache, lambda: RotatingKVCache(max_size=16)])
def test_rows_hold_exactly_what_plain_rows_of_rounded_values_hold(kind) -> None:
    """The same writes, merges, forks, removals and extractions on both, past a sliding window."""
    treated, plain = treat(kind(), K8V4), kind()

    def write(count: int, rows: int) -> None:
        keys, values = (mx.random.normal((rows, 2, count, 64)) for _ in range(2))
        found = treated.update_and_fetch(keys, values)
        expected = plain.update_and_fetch(rounded(keys, 8), rounded(values, 4))
        assert all(mx.array_equal(a, b) for a, b in zip(found, expected, strict=True))

    write(9, rows=1)
    write(4, rows=1)
    treated, plain = (type(layer).merge([layer, layer, layer]) for layer in (treated, plain))
    for _ in range(6):
        write(1, rows=3)
    for layer in (treated, plain):
        layer.filter(mx.array([2, 0]))
    for _ in range(6):
        write(1, rows=2)
    treated, plain = treated.extract(1), plain.extract(1)
    write(5, rows=1)
    write(1, rows=1)


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3_text"])
def test_copies_trims_and_extracted_rows_stay_treated(tmp_path: Path, architecture: str) -> None:
    treated = with_quantized_cache(tiny(tmp_path, architecture), Width(8, 8))
    whole = logits(treated, TEXT[:20])
    caches = make_prompt_cache(treated)
    logits(treated, TEXT[:14], caches)
    if architecture == "qwen3":
        assert trim_prompt_cache(caches, 4) == 4
        caches = copy.deepcopy(caches)
        np.testing.assert_allclose(logits(treated, TEXT[10:14], caches), whole[10:14], atol=1e-4)
    rows = [type(layer).merge([layer] * 3) for layer in caches]
    for layer in rows:
        layer.filter(mx.array([0, 2]))
    again = [layer.extract(1) for layer in rows]
    assert [type(layer) for layer in again] == [type(layer) for layer in caches]
    np.testing.assert_allclose(logits(treated, TEXT[14:20], again), whole[14:20], atol=1e-4)


@pytest.mark.parametrize("architecture", ["qwen3", "gemma3_text", "qwen3_5"])
def test_a_remembered_prefix_is_treated_too(tmp_path: Path, architecture: str) -> None:
    treated = with_quantized_cache(tiny(tmp_path, architecture), Width(8, 8))
    prefixes = Prefixes()
    list(fill("m", treated, TEXT[:12], prefixes, boundary=6))
    for prompt in (TEXT[:12], TEXT[:30], [*TEXT[:6], *TEXT[40:50]]):
        caches = finished(fill("m", treated, prompt, prefixes, boundary=6))
        found = logits(treated, prompt[-1:], caches)[0]
        np.testing.assert_allclose(found, logits(treated, prompt)[-1], atol=2e-2)
        assert sum(is_treated(layer) for layer in caches) == int(coverage(treated)[0])
        prefixes.keep("m", prompt, caches)


def finished(steps):
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def test_coverage_counts_the_layers_that_keep_keys(tmp_path: Path) -> None:
    dense = with_quantized_cache(tiny(tmp_path, "qwen3"), K8V4)
    hybrid = with_quantized_cache(tiny(tmp_path, "qwen3_5"), K8V4)
    assert coverage(dense) == "2 of 2 layers"
    assert coverage(hybrid) == "2 of 4 layers"


def test_what_cannot_be_treated_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="ChunkedKVCache"):
        treat(ChunkedKVCache(8), K8V4)
    with pytest.raises(ModelError, match="no keys and values"):
        with_quantized_cache(tiny(tmp_path, "mamba"), K8V4)
    with pytest.raises(ModelError, match="48 wide"):
        with_quantized_cache(tiny(tmp_path, "llama", head_dim=48), K8V4)
    with pytest.raises(ModelError, match="16 wide"):
        rounded(mx.zeros((1, 1, 1, 16)), 8)
    assert type(treat(KVCache(), K8V4)).__name__ == "TreatedKVCache"
