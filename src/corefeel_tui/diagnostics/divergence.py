"""Drift on the reference's own responses, all tokens of all suites pooled.

Knows per-item sums and the arrays beside a session; computes no divergence.  Means are resampled
over prompts.  A percentile's interval inverts the interval of the share of tokens below it
(Woodruff), that share being a ratio over prompts like all else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from corefeel_tui import statistics as st
from corefeel_tui.diagnostics.measurement import Draft, Measurement, Result, root
from corefeel_tui.diagnostics.roles import by_role
from corefeel_tui.evidence import Drift, ItemEvidence

BUCKETS = ("0-.25", ".25-.5", ".5-.75", ".75-.95", ".95-1")
"""Reference confidence (METRICS §1)."""

SUMS = (
    "positions",
    "kl_sum",
    "flips",
    "hard_flips",
    "entropy_shift_sum",
    "delta_p_square_sum",
    "nll_sum",
    "kl_missing_sum",
)
_SUMS = attrgetter(*SUMS)
CELLS = tuple(f"{bucket} {what}" for bucket in BUCKETS for what in ("positions", "KL"))
NO_CELLS = (math.nan,) * len(CELLS)

PERCENTILES = {"kl_median": 0.5, "kl_p99": 0.99}

Array = NDArray[np.float64]
Drifts = Sequence[tuple[Drift, ...]]
"""One tuple per item; its parts are turns or samples."""

Pooled = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Every position's KL, and which item it belongs to, in ascending order."""


def measure(
    items: Sequence[ItemEvidence], reference: str, variant: str, pooled: Pooled | None
) -> Iterator[Result]:
    """Everything about one variant's drift; nothing where it was never scored."""
    scored = [item for item in items if item.drift.get(variant)]
    if not scored or variant == reference:
        return
    sums = totals([item.drift[variant] for item in scored])
    positions = sums["positions"]
    yield Draft("kl_mean", sums["kl_sum"], positions)
    if known(sums["kl_missing_sum"]):
        yield Draft("kl_bound_mean", sums["kl_missing_sum"], positions)
    yield from _percentiles(pooled)
    yield _agreement(sums["flips"], positions)
    yield Draft("hard_flip_rate", sums["hard_flips"], positions)
    yield from _buckets(sums)
    if known(sums["entropy_shift_sum"]):
        yield Draft("entropy_shift_mean", sums["entropy_shift_sum"], positions)
    if known(sums["delta_p_square_sum"]):
        yield Draft("delta_p_rms", sums["delta_p_square_sum"], positions, root)
    yield from _perplexity(scored, reference, sums)
    yield from by_role([item.drift[variant] for item in scored])
    compounded = [item.own_drift[variant] for item in items if item.own_drift.get(variant)]
    if compounded:
        own = totals(compounded)
        yield Draft("own_kl_mean", own["kl_sum"], own["positions"])


def totals(drifts: Drifts) -> dict[str, Array]:
    """Every sum of `Drift` over an item's parts: a value per item, NaN where one was not taken."""
    parts = [part for parts in drifts for part in parts]
    rows = np.array([(*_SUMS(part), *_cells(part)) for part in parts], dtype=float)
    starts = np.cumsum([0, *map(len, drifts)])[:-1]
    return dict(zip((*SUMS, *CELLS), np.add.reduceat(rows, starts, axis=0).T, strict=True))


def _cells(part: Drift) -> Iterable[float]:
    """(positions, Σ KL) of each bucket, one after the other."""
    return chain.from_iterable(part.buckets) if len(part.buckets) == len(BUCKETS) else NO_CELLS


def known(values: Array) -> bool:
    """Whether every item has a value."""
    return not np.isnan(values).any()


def _agreement(flips: Array, positions: Array) -> Result:
    if flips.any():
        return Draft("top1_agreement", positions - flips, positions)
    n = len(flips)
    bound = 1 - st.upper_bound(0, n, 0.975)
    return Measurement("top1_agreement", 1.0, bound, 1.0, n, note="no prompt flipped anywhere")


def _buckets(sums: dict[str, Array]) -> Iterator[Result]:
    """Mean KL by reference confidence, where every part was told apart by it."""
    for name in BUCKETS:
        positions = sums[f"{name} positions"]
        if known(positions) and positions.any():
            yield Draft(f"kl_at_confidence/{name}", sums[f"{name} KL"], positions)


def _perplexity(
    scored: Sequence[ItemEvidence], reference: str, sums: dict[str, Array]
) -> Iterator[Result]:
    """exp of the mean change of NLL, over the items where both models' is known."""
    own = [item.drift.get(reference, ()) for item in scored]
    has = np.array([bool(parts) for parts in own])
    if has.any():
        base = np.array([_nll(parts) for parts in own if parts])
        change = sums["nll_sum"][has] - base
        told = ~np.isnan(change)
        if told.any():
            positions = sums["positions"][has][told]
            yield Draft("perplexity_ratio", change[told], positions, math.exp)


def _nll(parts: Sequence[Drift]) -> float:
    """Σ NLL of one item; NaN where a part's is not known."""
    return sum(math.nan if part.nll_sum is None else part.nll_sum for part in parts)


# --- percentiles --------------------------------------------------------------------------------


def _percentiles(pooled: Pooled | None) -> Iterator[Result]:
    """Each percentile, bounded by those of the bounds of the share of tokens at or below it."""
    if pooled is None or not pooled[0].size:
        for metric in PERCENTILES:
            yield Measurement(metric, None, None, None, 0, note="no arrays beside the session")
        return
    values, owners = pooled
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    counts = np.diff(starts, append=len(owners)).astype(float)
    ordered = np.sort(values)
    for metric, level in PERCENTILES.items():
        point = at_share(ordered, level)
        below = np.add.reduceat(values <= point, starts, dtype=np.int64).astype(float)
        yield Draft(metric, below, counts, partial(at_share, ordered), value=point)


def at_share(ordered: NDArray[np.float32], share: float) -> float:
    """The percentile of ascending values at a fraction, held inside 0 and 1."""
    last = len(ordered) - 1
    place = last * min(1.0, max(0.0, share))
    below, above = ordered[int(place)], ordered[min(int(place) + 1, last)]
    return float(below + (above - below) * (place - int(place)))
