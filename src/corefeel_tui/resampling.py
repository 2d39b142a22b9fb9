"""Resampling of prompts: bootstrap of ratios of sums and sign flips, many columns at once.

Knows per-prompt numbers; nothing of what they count.  Every mean we report (KL per token, length
ratio, agreement) is a sum over prompts divided by a sum over prompts, so one matrix of resampling
weights times one matrix of columns answers all metrics of all variants together.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

RESAMPLES = 10_000
BLOCK = 1_000
SMALL_SAMPLE = 400
"""Prompts up to which whole resamples are drawn; beyond, independent Poisson(1) weights, which
agree with them to far less than the resampling error and cost a quarter."""

SPARSE = 0.005

EXACT_FLIPS = 14
"""Up to so many differences, all sign patterns are enumerated."""

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
    both = np.hstack([numerators, denominators])
    sums = resampled_sums(both, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = sums[:, :columns] / sums[:, columns:]
    estimate = numerators.sum(0) / denominators.sum(0)
    undefined = ~np.isfinite(replicates)
    replicates = np.sort(np.where(undefined, estimate, replicates), axis=0)
    low, high = _bca(replicates, estimate, _acceleration(numerators, denominators), confidence)
    sparse = undefined.mean(0) > SPARSE
    return np.where(sparse, np.nan, low), np.where(sparse, np.nan, high)


def resampled_sums(values: Array, seed: int = 0) -> Array:
    """Column sums over `RESAMPLES` resamples of the rows: (resamples, columns)."""
    draw = _multinomial if len(values) <= SMALL_SAMPLE else _poisson
    return _drawn_sums(values, draw, seed)


def sign_flips(differences: Array, seed: int = 0) -> Array:
    """Two-sided permutation p-value of a mean of 0 for each column of paired differences.

    Exact where at most `EXACT_FLIPS` differ at all, by the permutation distribution's normal limit
    where more than `SMALL_SAMPLE` rows are given, else over `RESAMPLES` random sign patterns.
    """
    observed = np.abs(differences.sum(0))
    if len(differences) > SMALL_SAMPLE:
        spread = np.sqrt((differences**2).sum(0))
        return np.asarray(2 * ndtr(-observed / np.where(spread == 0, 1, spread)))
    sums = np.abs(_drawn_sums(differences, _signs, seed))
    p_values = (np.sum(sums >= observed * (1 - 1e-6), axis=0) + 1) / (RESAMPLES + 1)
    for column in np.flatnonzero(np.count_nonzero(differences, axis=0) <= EXACT_FLIPS):
        values = differences[:, column]
        p_values[column] = _exact_flips(values[values != 0])
    return np.asarray(p_values)


def _exact_flips(values: Array) -> float:
    signs = np.array(list(product((-1.0, 1.0), repeat=values.size)))
    return float(np.mean(np.abs(signs @ values) >= np.abs(values.sum()) * (1 - 1e-12)))


def _drawn_sums(values: Array, draw: Draw, seed: int) -> Array:
    """`RESAMPLES` rows of random weights times the columns, in blocks, in single precision."""
    rng = np.random.Generator(np.random.SFC64(seed))
    prompts, columns = values.shape
    scale = np.abs(values).max(axis=0)
    scale[scale == 0] = 1
    scaled = (values / scale).astype(np.float32)
    rows = ONE_THREAD // (prompts * columns)
    rows = min(BLOCK, rows) if rows >= 50 else BLOCK
    starts = range(0, RESAMPLES, rows)
    blocks: list[NDArray[np.float32]] = [
        draw(rng, min(rows, RESAMPLES - start), prompts) @ scaled for start in starts
    ]
    return np.asarray(np.concatenate(blocks).astype(np.float64) * scale)


def _multinomial(rng: np.random.Generator, rows: int, prompts: int) -> NDArray[np.float32]:
    drawn = rng.integers(0, prompts, (rows, prompts), dtype=np.int32)
    drawn += np.arange(rows, dtype=np.int32)[:, None] * prompts
    counts = np.bincount(drawn.ravel(), minlength=rows * prompts)
    return counts.reshape(rows, prompts).astype(np.float32)


def _poisson(rng: np.random.Generator, rows: int, prompts: int) -> NDArray[np.float32]:
    drawn = rng.integers(0, 256, (rows, prompts), dtype=np.uint8)
    return _POISSON.take(drawn, mode="clip")


def _signs(rng: np.random.Generator, rows: int, prompts: int) -> NDArray[np.float32]:
    return rng.integers(0, 2, (rows, prompts), dtype=np.int8).astype(np.float32) * 2 - 1


_POISSON = np.repeat(np.arange(6, dtype=np.float32), (94, 94, 47, 16, 4, 1))
"""A random byte → a Poisson(1) weight; mean and variance are right to 0.4 %."""


def _acceleration(numerators: Array, denominators: Array) -> Array:
    """Skewness of the estimate, from leaving out one prompt at a time."""
    top, bottom = numerators.sum(0), denominators.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (top - numerators) / (bottom - denominators)
        pull = without.mean(0) - without
        return np.asarray((pull**3).sum(0) / (6 * (pull**2).sum(0) ** 1.5))


def _bca(
    replicates: Array, estimate: Array, acceleration: Array, confidence: float
) -> tuple[Array, Array]:
    """Bounds at the corrected levels; the plain percentiles where the correction is undefined."""
    below = (replicates < estimate).mean(0) + (replicates == estimate).mean(0) / 2
    bias = ndtri(below)
    bounds = []
    for level in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + ndtri(level)
        with np.errstate(invalid="ignore"):
            corrected = ndtr(bias + z / (1 - acceleration * z))
        corrected = np.where(np.isfinite(corrected), corrected, level)
        bounds.append(_at(replicates, corrected))
    flat = np.ptp(replicates, axis=0) <= 1e-6 * np.abs(estimate)
    return np.where(flat, estimate, bounds[0]), np.where(flat, estimate, bounds[1])


def _at(ordered: Array, levels: Array) -> Array:
    """Each column's value at its own level, interpolated."""
    place = levels * (len(ordered) - 1)
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, len(ordered) - 1)
    column = np.arange(ordered.shape[1])
    low, high = ordered[lower, column], ordered[upper, column]
    return np.asarray(low + (high - low) * (place - lower))
