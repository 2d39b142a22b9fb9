"""Drift on the reference's own responses, all tokens of all suites pooled.

Knows per-item sums and the arrays beside a session; computes no divergence.  Means are resampled
over prompts.  A percentile's interval inverts the interval of the share of tokens below it
(Woodruff), that share being a ratio over prompts like all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from corefeel_tui import statistics as st
from corefeel_tui.diagnostics.measurement import Draft, Measurement, Result
from corefeel_tui.evidence import Drift, ItemEvidence
from corefeel_tui.resampling import bootstrap_ratios

BUCKETS = ("0-.25", ".25-.5", ".5-.75", ".75-.95", ".95-1")
"""Reference confidence (METRICS §1)."""

PERCENTILES = {"kl_median": 50.0, "kl_p99": 99.0}

Array = NDArray[np.float64]
Drifts = Sequence[tuple[Drift, ...]]
"""One tuple per item; its parts are turns or samples."""

Pooled = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Every position's KL, and which item it belongs to."""


def measure(
    items: Sequence[ItemEvidence], reference: str, variant: str, pooled: Pooled | None
) -> Iterator[Result]:
    """Everything about one variant's drift; nothing where it was never scored."""
    scored = [(item, item.drift[variant]) for item in items if item.drift.get(variant)]
    if not scored or variant == reference:
        return
    drifts = [drift for _, drift in scored]
    positions, kl, flips, hard = _totals(drifts, "positions", "kl_sum", "flips", "hard_flips")
    yield Draft("kl_mean", kl, positions)
    yield from _percentiles(pooled)
    yield _agreement(flips, positions)
    yield Draft("hard_flip_rate", hard, positions)
    yield from _buckets(drifts)
    if _known(drifts, "entropy_shift_sum"):
        yield Draft("entropy_shift_mean", _totals(drifts, "entropy_shift_sum")[0], positions)
    if _known(drifts, "delta_p_square_sum"):
        yield Draft("delta_p_rms", _totals(drifts, "delta_p_square_sum")[0], positions, "sqrt")
    yield from _perplexity(scored, reference)
    compounded = [item.own_drift[variant] for item in items if item.own_drift.get(variant)]
    if compounded:
        own_positions, own_kl = _totals(compounded, "positions", "kl_sum")
        yield Draft("own_kl_mean", own_kl, own_positions)


def _totals(drifts: Drifts, *names: str) -> list[Array]:
    """Each field summed over an item's parts: one array of values per item for every name."""
    read = attrgetter(*names)
    rows = np.array([read(part) for parts in drifts for part in parts], dtype=float)
    return list(_per_item(drifts, rows.reshape(len(rows), -1)).T)


def _per_item(drifts: Drifts, rows: Array) -> Array:
    """Rows of parts summed to rows of items."""
    starts = np.cumsum([0, *(len(parts) for parts in drifts)])[:-1]
    return np.asarray(np.add.reduceat(rows, starts, axis=0))


def _known(drifts: Drifts, name: str) -> bool:
    return all(getattr(part, name) is not None for parts in drifts for part in parts)


def _agreement(flips: Array, positions: Array) -> Result:
    if flips.any():
        return Draft("top1_agreement", positions - flips, positions)
    n = len(flips)
    bound = 1 - st.upper_bound(0, n, 0.975)
    return Measurement("top1_agreement", 1.0, bound, 1.0, n, note="no prompt flipped anywhere")


def _buckets(drifts: Drifts) -> Iterator[Result]:
    """Mean KL by reference confidence, where every part was told apart by it."""
    if not all(len(part.buckets) == len(BUCKETS) for parts in drifts for part in parts):
        return
    rows = np.array([part.buckets for parts in drifts for part in parts], dtype=float)
    cells = _per_item(drifts, rows.reshape(len(rows), -1)).reshape(-1, len(BUCKETS), 2)
    for at, name in enumerate(BUCKETS):
        if cells[:, at, 0].any():
            yield Draft(f"kl_at_confidence/{name}", cells[:, at, 1], cells[:, at, 0])


def _perplexity(
    scored: Sequence[tuple[ItemEvidence, tuple[Drift, ...]]], reference: str
) -> Iterator[Result]:
    both = [(item.drift.get(reference, ()), own) for item, own in scored]
    known = [(a, b) for a, b in both if a and _known([a, b], "nll_sum")]
    if known:
        before = _totals([a for a, _ in known], "nll_sum")[0]
        after, positions = _totals([b for _, b in known], "nll_sum", "positions")
        yield Draft("perplexity_ratio", after - before, positions, "exp")


# --- percentiles --------------------------------------------------------------------------------


def _percentiles(pooled: Pooled | None) -> Iterator[Measurement]:
    if pooled is None or not pooled[0].size:
        for metric in PERCENTILES:
            yield Measurement(metric, None, None, None, 0, note="no arrays beside the session")
        return
    values, owners = pooled
    n = int(np.unique(owners).size)
    levels = np.array(list(PERCENTILES.values()))
    points = np.percentile(values, levels)
    low, high = _share_bounds(values, owners, points)
    fallback = n < 2 or bool(np.isnan(low).any())
    for at, metric in enumerate(PERCENTILES):
        if fallback:
            yield Measurement(
                metric, float(points[at]), None, None, n, note="one prompt has no interval"
            )
            continue
        edges = np.percentile(values, [100 * low[at], 100 * high[at]])
        yield Measurement(metric, float(points[at]), float(edges[0]), float(edges[1]), n)


def _share_bounds(
    values: NDArray[np.float32], owners: NDArray[np.int64], points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of the share of tokens at or below each point, over prompts."""
    _, item = np.unique(owners, return_inverse=True)
    totals = np.bincount(item).astype(float)
    counted = [np.bincount(item, weights=values <= point) for point in points]
    below = np.column_stack(counted).astype(float)
    low, high = bootstrap_ratios(below, np.repeat(totals[:, None], len(points), axis=1))
    return np.clip(low, 0, 1), np.clip(high, 0, 1)
