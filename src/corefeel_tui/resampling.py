"""Resampling of prompts: bootstrap of ratios of sums and sign flips, many columns at once.

Knows per-prompt numbers; nothing of what they count.  Every mean we report (KL per token, length
ratio, agreement) is a sum over prompts divided by a sum over prompts, so one matrix of resampling
weights times one matrix of columns answers all metrics of all variants together.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

RESAMPLES = 10_000
BLOCK = 1_000
SMALL_SAMPLE = 150
"""Prompts up to which whole resamples are drawn; beyond, independent Poisson(1) weights, which
agree with them to far less than the resampling error and cost a quarter."""

NORMAL_SAMPLE = 400
"""Prompts beyond which the permutation distribution of a mean is taken for the normal one."""

SPARSE = 0.005

EXACT_FLIPS = 14
"""Up to so many differences, all sign patterns are enumerated."""

SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")

ONE_THREAD = 1 << 18
"""Products up to which OpenBLAS keeps to one thread; on a busy machine, threads that wait for each
other cost a hundred times what they save here."""

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], NDArray[np.float32]]
"""(dice, rows, prompts) → a matrix of weights."""


def bootstrap_ratios(
    numerators: Array, denominators: Array, confidence: float = 0.95, seed: int = 0
) -> tuple[Array, Array]:
    """BCa bounds of Σ numerator / Σ denominator for each column.

    Both are (prompts, columns).  A column without spread gives its own value twice.  Both bounds
    are NaN for one prompt, and where more than `SPARSE` of the resamples have an empty denominator.
    """
    prompts, columns = numerators.shape
    if prompts < 2:
        return np.full(columns, np.nan), np.full(columns, np.nan)
    both, place = _distinct(np.hstack([numerators, denominators]))
    sums, scale = _drawn_sums(both, _weights_for(prompts), seed)
    top, bottom = place[:columns], place[columns:]
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = sums[top] / sums[bottom]
    replicates *= (scale[top] / scale[bottom]).astype(np.float32)[:, None]
    estimate = numerators.sum(0) / denominators.sum(0)
    undefined = ~np.isfinite(replicates)
    sparse = undefined.mean(1) > SPARSE
    np.copyto(replicates, estimate.astype(np.float32)[:, None], where=undefined)
    replicates.sort(axis=1)
    low, high = _bca(replicates, estimate, _acceleration(numerators, denominators), confidence)
    return np.where(sparse, np.nan, low), np.where(sparse, np.nan, high)


def _distinct(columns: Array) -> tuple[Array, list[int]]:
    """The different columns, and where each of the given ones stands among them.

    Many ratios share a denominator, which then is summed but once.
    """
    seen: dict[bytes, int] = {}
    rows = np.ascontiguousarray(columns.T)
    place = [seen.setdefault(row.tobytes(), len(seen)) for row in rows]
    first = [place.index(i) for i in range(len(seen))]
    return np.ascontiguousarray(rows[first].T), place


def resampled_sums(values: Array, seed: int = 0) -> Array:
    """Column sums over `RESAMPLES` resamples of the rows: (resamples, columns)."""
    sums, scale = _drawn_sums(values, _weights_for(len(values)), seed)
    return np.asarray(sums.T.astype(np.float64) * scale)


def _weights_for(prompts: int) -> Draw:
    return _multinomial if prompts <= SMALL_SAMPLE else _poisson


def sign_flips(differences: Array, seed: int = 0) -> Array:
    """Two-sided permutation p-value of a mean of 0 for each column of paired differences.

    Exact where at most `EXACT_FLIPS` differ at all, by the permutation distribution's normal limit
    where more than `NORMAL_SAMPLE` rows are given, else over `RESAMPLES` random sign patterns.
    """
    observed = np.abs(differences.sum(0))
    if len(differences) > NORMAL_SAMPLE:
        spread = np.sqrt((differences**2).sum(0))
        return np.asarray(2 * ndtr(-observed / np.where(spread == 0, 1, spread)))
    sums, scale = _drawn_sums(differences, _signs, seed)
    least = (observed / scale * (1 - 1e-6)).astype(np.float32)
    p_values = (np.sum(np.abs(sums) >= least[:, None], axis=1) + 1) / (RESAMPLES + 1)
    for column in np.flatnonzero(np.count_nonzero(differences, axis=0) <= EXACT_FLIPS):
        values = differences[:, column]
        p_values[column] = _exact_flips(values[values != 0])
    return np.asarray(p_values)


def _exact_flips(values: Array) -> float:
    signs = np.array(list(product((-1.0, 1.0), repeat=values.size)))
    return float(np.mean(np.abs(signs @ values) >= np.abs(values.sum()) * (1 - 1e-12)))


def _drawn_sums(values: Array, draw: Draw, seed: int) -> tuple[NDArray[np.float32], Array]:
    """The columns times `RESAMPLES` random weightings, in blocks, in single precision.

    Gives (columns, resamples) of sums of columns whose largest value is 1, and what each was
    divided by for that.
    """
    rng = np.random.Generator(np.random.SFC64(seed))
    prompts, columns = values.shape
    scale = np.abs(values).max(axis=0)
    scale[scale == 0] = 1
    scaled = np.ascontiguousarray((values / scale).T, dtype=np.float32)
    rows = ONE_THREAD // (prompts * columns)
    rows = min(BLOCK, rows) if rows >= 50 else BLOCK
    starts = range(0, RESAMPLES, rows)
    sums = np.empty((columns, RESAMPLES), np.float32)
    for start in starts:
        weights = draw(rng, min(rows, RESAMPLES - start), prompts)
        np.matmul(scaled, weights.T, out=sums[:, start : start + rows])
    return sums, scale


def _multinomial(rng: np.random.Generator, rows: int, prompts: int) -> NDArray[np.float32]:
    drawn = rng.integers(0, prompts, (rows, prompts), dtype=np.int32)
    drawn += np.arange(rows, dtype=np.int32)[:, None] * prompts
    counts = np.bincount(drawn.ravel(), minlength=rows * prompts)
    return counts.reshape(rows, prompts).astype(np.float32)


def _poisson(rng: np.random.Generator, rows: int, prompts: int) -> NDArray[np.float32]:
    words = -(-rows * prompts // 8)
    drawn = rng.integers(0, 2**64 - 1, words, dtype=np.uint64, endpoint=True).view(np.uint16)
    weights: NDArray[np.float32] = _TWO_WEIGHTS.take(drawn, mode="clip").view(np.float32)
    return weights[: rows * prompts].reshape(rows, prompts)


def _signs(rng: np.random.Generator, rows: int, prompts: int) -> NDArray[np.float32]:
    return rng.integers(0, 2, (rows, prompts), dtype=np.int8).astype(np.float32) * 2 - 1


_POISSON = np.repeat(np.arange(6, dtype=np.float32), (94, 94, 47, 16, 4, 1))
"""A random byte → a Poisson(1) weight; mean and variance are right to 0.4 %."""

_TWO_WEIGHTS = np.stack([np.tile(_POISSON, 256), _POISSON.repeat(256)], axis=1).view(np.uint64)
"""Two random bytes → two weights side by side in eight bytes: half the look-ups."""


def _acceleration(numerators: Array, denominators: Array) -> Array:
    """Skewness of the estimate, from leaving out one prompt at a time."""
    top, bottom = numerators.sum(0), denominators.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (top - numerators) / (bottom - denominators)
        pull = without.mean(0) - without
        return np.asarray((pull**3).sum(0) / (6 * (pull**2).sum(0) ** 1.5))


def _bca(
    replicates: NDArray[np.float32], estimate: Array, acceleration: Array, confidence: float
) -> tuple[Array, Array]:
    """Bounds at the corrected levels; the plain percentiles where the correction is undefined.

    `replicates` are (columns, resamples), ascending.
    """
    found = estimate.astype(np.float32)
    pairs = list(zip(replicates, found, strict=True))
    ranks = [np.searchsorted(row, x, side) for row, x in pairs for side in SIDES]
    below = np.reshape(ranks, (-1, 2)).mean(1) / replicates.shape[1]
    bias = ndtri(below)
    bounds = []
    for level in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + ndtri(level)
        with np.errstate(invalid="ignore"):
            corrected = ndtr(bias + z / (1 - acceleration * z))
        corrected = np.where(np.isfinite(corrected), corrected, level)
        bounds.append(_at(replicates, corrected))
    flat = replicates[:, -1] - replicates[:, 0] <= 1e-6 * np.abs(estimate)
    return np.where(flat, estimate, bounds[0]), np.where(flat, estimate, bounds[1])


def _at(ordered: NDArray[np.float32], levels: Array) -> Array:
    """Each column's value at its own level, interpolated."""
    last = ordered.shape[1] - 1
    place = levels * last
    lower = np.floor(place).astype(int)
    column = np.arange(len(ordered))
    low, high = ordered[column, lower], ordered[column, np.minimum(lower + 1, last)]
    return np.asarray(low + (high - low) * (place - lower))
