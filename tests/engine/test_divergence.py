"""Both divergence back ends against float64, on random, confident, distant and identical logits."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr, kl_div, log_softmax, xlogy

from corefeel_tui.engine import divergence as dv
from corefeel_tui.engine import divergence_gpu

Array = np.ndarray[Any, Any]

SUMS = ("kl", "reverse_kl", "jsd")


def on_cpu(logits: Array) -> dv.Distribution:
    return dv.describe(mx.array(logits))


def on_gpu(logits: Array) -> dv.Distribution:
    """The kernels of a GPU, run on whatever device there is."""
    array = mx.array(logits)
    return dv.Distribution(array, **divergence_gpu.describe(array))


BACKENDS = pytest.mark.parametrize("describe", [on_cpu, on_gpu])


def exact(p_logits: Array, q_logits: Array) -> dict[str, Array]:
    """By definition, in float64; kl_div is p·log(p/q) − p + q, whose sum is KL."""
    log_p, log_q = (log_softmax(x.astype(float), axis=1) for x in (p_logits, q_logits))
    p, q = np.exp(log_p), np.exp(log_q)
    m = (p + q) / 2
    x = log_q - log_p
    near = np.abs(x) < 1
    with np.errstate(over="ignore"):
        forward = np.where(near, p * (np.expm1(x) - x), kl_div(p, q)).sum(1)
        reverse = np.where(near, q * (np.expm1(-x) + x), kl_div(q, p)).sum(1)
    jsd = np.where(near, _jsd_near(p, x), (kl_div(p, m) + kl_div(q, m)) / 2).sum(1)
    return {
        "kl": forward,
        "reverse_kl": reverse,
        "jsd": jsd,
        "tv": np.abs(p - q).sum(1) / 2,
        "entropy": entr(p).sum(1),
        "logprobs": log_p,
    }


def _jsd_near(p: Array, x: Array) -> Array:
    middle = np.log1p(np.expm1(x) / 2)
    return p * (xlogy(np.exp(x), np.exp(x)) - (1 + np.exp(x)) * middle) / 2


def check(describe: Any, p_logits: Array, q_logits: Array) -> None:
    expected = exact(p_logits, q_logits)
    p, q = describe(p_logits), describe(q_logits)
    got = dv.diverge_fully(p, q)
    for name in SUMS:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-4, atol=1e-9, err_msg=name)
        assert got[name].min() >= 0
    np.testing.assert_allclose(got["tv"], expected["tv"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(p.entropy, expected["entropy"], rtol=1e-4, atol=1e-6)
    ranked = np.sort(expected["logprobs"], axis=1)[:, ::-1]
    np.testing.assert_allclose(p.confidence, np.exp(ranked[:, 0]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(p.gap, ranked[:, 0] - ranked[:, 1], rtol=1e-4, atol=1e-6)
    ids = np.arange(len(p)) * 7 % p.vocabulary
    taken, _ = dv.taken(p, ids)
    np.testing.assert_allclose(
        taken, expected["logprobs"][np.arange(len(p)), ids], rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(dv.diverge(p, q)["kl"], got["kl"])
    np.testing.assert_array_equal(got["flip"], p_logits.argmax(1) != q_logits.argmax(1))
    best = q_logits[np.arange(len(p)), p_logits.argmax(1)]
    np.testing.assert_array_equal(got["rank"], 1 + (q_logits > best[:, None]).sum(1))


def logits(seed: int, positions: int, vocabulary: int, confident: float) -> Array:
    """Logits as models make them: spread 3, and a first choice `confident` above that."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 3, (positions, vocabulary)).astype(np.float32)
    values[np.arange(positions), random.integers(0, vocabulary, positions)] += confident
    return values


def perturbed(values: Array, seed: int, size: float) -> Array:
    noise = np.random.default_rng(seed + 1).normal(0, size, values.shape)
    return (values + noise).astype(np.float32)


@BACKENDS
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    positions=st.integers(1, 9),
    vocabulary=st.one_of(st.integers(2, 40), st.sampled_from([255, 256, 2048, 2560, 5000])),
    confident=st.sampled_from([0.0, 5.0, 15.0, 30.0]),
    size=st.sampled_from([1e-6, 1e-4, 3e-3, 0.05, 0.5, 3.0]),
)
def test_every_number_against_float64(
    describe: Any, seed: int, positions: int, vocabulary: int, confident: float, size: float
) -> None:
    values = logits(seed, positions, vocabulary, confident)
    check(describe, values, perturbed(values, seed, size))


@BACKENDS
@pytest.mark.parametrize("size", [1e-4, 0.02, 1.0])
def test_the_largest_vocabulary(describe: Any, size: float) -> None:
    values = logits(3, 2, 248_320, 12.0)
    check(describe, values, perturbed(values, 3, size))


@BACKENDS
def test_many_tiny_terms_beside_a_large_one(describe: Any) -> None:
    """A plain float32 sum over 150,000 terms of 1e-8 beside one of 1 loses part of the tail."""
    values = np.full((1, 151_936), -18.4, np.float32)
    values[0, 17] = 0.0
    check(describe, values, perturbed(values, 0, 0.05))


@BACKENDS
def test_identical_logits_read_exactly_zero(describe: Any) -> None:
    values = logits(1, 5, 3000, 4.0)
    found = dv.diverge_fully(describe(values), describe(values.copy()))
    assert all((found[name] == 0).all() for name in (*SUMS, "tv"))
    assert (found["rank"] == 1).all()
    assert not found["flip"].any()


@BACKENDS
@pytest.mark.parametrize("shift", [40.0, 100.0, 300.0])
def test_distributions_far_apart(describe: Any, shift: float) -> None:
    values = logits(2, 3, 500, 0.0)
    other = values.copy()
    other[:, 7] += shift
    with np.errstate(over="ignore"):
        expected = exact(values, other)
    found = dv.diverge_fully(describe(values), describe(other))
    for name in (*SUMS, "tv"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, err_msg=name)
    assert (found["jsd"] <= np.log(2) * (1 + 1e-6)).all()


@BACKENDS
def test_forbidden_tokens_count_for_nothing(describe: Any) -> None:
    """−inf in both is probability 0 in both; where only Q forbids, KL is infinite."""
    values = logits(4, 2, 300, 2.0)
    other = perturbed(values, 4, 0.1)
    whole = dv.diverge(describe(values[:, :200]), describe(other[:, :200]))["kl"]
    values[:, 200:] = other[:, 200:] = -np.inf
    p, q = describe(values), describe(other)
    np.testing.assert_allclose(dv.diverge(p, q)["kl"], whole, rtol=1e-5)
    np.testing.assert_allclose(p.entropy, exact(values[:, :200], other[:, :200])["entropy"], 1e-4)
    other[0, 0] = -np.inf
    assert np.isinf(dv.diverge(p, describe(other))["kl"][0])


@BACKENDS
def test_ranks_give_ties_the_best_place(describe: Any) -> None:
    values = np.array([[1, 3, 3, 2, 0]], np.float32)
    d = describe(values)
    ranks = [int(dv.rank(d, [i])[0]) for i in range(5)]
    assert ranks == [4, 1, 1, 3, 5]


@BACKENDS
@pytest.mark.parametrize(("vocabulary", "k"), [(5, 8), (300, 8), (151_936, 8), (4096, 1)])
def test_top_k_is_ordered_and_breaks_ties_by_id(describe: Any, vocabulary: int, k: int) -> None:
    values = np.round(logits(6, 3, vocabulary, 1.0), 1)
    d = describe(values)
    ids, logprob = dv.top_k(d, k)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(
        np.take_along_axis(values, ids, 1), np.take_along_axis(values, expected, 1)
    )
    np.testing.assert_allclose(logprob, np.take_along_axis(d.logprobs, ids, 1), rtol=1e-5)
    if describe is on_cpu:
        np.testing.assert_array_equal(ids, expected)


def test_bfloat16_logits_are_cast_first() -> None:
    values = mx.array(logits(7, 2, 100, 0.0)).astype(mx.bfloat16)
    wide = dv.describe(values.astype(mx.float32))
    np.testing.assert_array_equal(dv.describe(values).entropy, wide.entropy)


def test_one_row_of_many() -> None:
    values = logits(8, 4, 200, 0.0)
    other = perturbed(values, 8, 0.1)
    p, q = on_cpu(values), on_cpu(other)
    whole = dv.diverge(p, q)
    for i in range(4):
        one = dv.diverge(p.row(i), q.row(i))
        assert one["kl"][0] == pytest.approx(whole["kl"][i], rel=1e-6)
        assert one["rank"][0] == whole["rank"][i]
    assert p.margin[2] == pytest.approx(np.diff(np.sort(np.exp(p.logprobs[2]))[-2:])[0], rel=1e-4)
