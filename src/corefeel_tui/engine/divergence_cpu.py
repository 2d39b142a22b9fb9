"""Divergence kernels in numpy: in place, a cache-sized block of positions at a time.

Knows arrays only; `divergence` says what the numbers mean.  With x = log q − log p (elementwise)
and weights w = p / p1 every sum is one of non-negative terms (METRICS §1; since Σq = 1, adding
Σ(q − p) = 0 changes nothing):

    KL(P‖Q) = Σ p·(expm1(x) − x)            KL(Q‖P) = Σ p·(x·eˣ − expm1(x))
    JSD = ½ Σ p·(x·eˣ − (1 + eˣ)·log((1 + eˣ)/2))        TV = ½ Σ p·|expm1(x)|
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from corefeel_tui.engine.divergence import Distribution

Array = np.ndarray[Any, Any]

BLOCK = 1 << 17
"""float32 values worked on at once: half a mebibyte, so that scratch stays in the cache."""

SMALL = 2.0**-6
"""Up to this |x| a short series is exact in float32, and unlike expm1(x) − x it cancels nothing."""

KEPT = 1 << 22
"""Bytes of logits up to which a reference's weights are kept."""

LARGE = 80.0
"""Beyond this |x| float32 would overflow; such blocks are recomputed in float64."""

SEGMENT = 2048
"""Longest run that a float32 dot product accumulates in one go: longer ones lose small terms."""


def _blocks(positions: int, vocabulary: int) -> Iterator[slice]:
    step = max(1, BLOCK // vocabulary)
    return (slice(i, min(i + step, positions)) for i in range(0, positions, step))


def _dot(a: Array, b: Array) -> Array:
    """Σ a·b over the last axis, (n, V) → (n,), in segments that keep float32's precision."""
    whole = a.shape[1] // SEGMENT * SEGMENT
    total = np.vecdot(a[:, whole:], b[:, whole:])
    if whole:
        shape = (len(a), -1, SEGMENT)
        total += np.vecdot(a[:, :whole].reshape(shape), b[:, :whole].reshape(shape)).sum(1)
    return total


@np.errstate(invalid="ignore")  # −inf forbids a token, and 0 · −inf is mended below
def describe(logits: Array) -> dict[str, Array]:
    """Columns of `Distribution` for logits (N, V) float32.

    Sums leave the first choice out: beside its 1 a confident model's others would be rounded away.
    """
    positions, vocabulary = logits.shape
    argmax = np.empty(positions, np.int64)
    peak, others, second, entropy = (np.empty(positions, np.float32) for _ in range(4))
    scratch = np.empty((2, max(1, BLOCK // vocabulary), vocabulary), np.float32)
    for block in _blocks(positions, vocabulary):
        values = logits[block]
        shifted, weights = scratch[:, : len(values)]
        rows = np.arange(len(values))
        first = argmax[block] = values.argmax(1)
        peak[block] = values[rows, first]
        np.subtract(values, peak[block, None], out=shifted)
        np.exp(shifted, out=weights)
        weights[rows, first] = 0
        others[block] = weights.sum(1)
        entropy[block] = _dot(weights, shifted)
        shifted[rows, first] = -np.inf
        second[block] = shifted.max(1)
    log_total, total = np.log1p(others), 1 + others
    hidden = np.isnan(entropy) & np.isfinite(peak)
    for position in np.flatnonzero(hidden):  # tokens forbidden by −inf: 0·log 0 = 0
        shifted = logits[position] - peak[position]
        shifted = shifted[np.isfinite(shifted)]
        entropy[position] = np.sum(np.exp(shifted) * shifted)
    return {
        "peak": peak,
        "log_total": log_total,
        "argmax": argmax,
        "confidence": 1 / total,
        "gap": -second,
        "entropy": log_total - entropy / total,
    }


def _weights(p: Distribution, block: slice, out: Array) -> Array:
    """exp(logits − peak), (n, V): p = weights · confidence.  Kept while small, for several variants
    meet one reference; larger than the cache they are sooner made anew than read back."""
    if p.logits.nbytes > KEPT:
        np.subtract(p.logits[block], p.peak[block, None], out=out)
        return np.exp(out, out=out)
    if "weights" not in p.kept:
        weights = p.kept["weights"] = np.subtract(p.logits, p.peak[:, None])
        np.exp(weights, out=weights)
    kept: Array = p.kept["weights"][block]
    return kept


def diverge(p: Distribution, q: Distribution) -> dict[str, Array]:
    """KL(P‖Q) per position, (N,) float32, in nats."""
    return {"kl": _sums(p, q, ("kl",))[0]}


def diverge_fully(p: Distribution, q: Distribution) -> dict[str, Array]:
    """KL(P‖Q), KL(Q‖P), Jensen–Shannon and total variation per position, each (N,) float32."""
    names = ("kl", "reverse_kl", "jsd", "tv")
    return dict(zip(names, _sums(p, q, names), strict=True))


@np.errstate(invalid="ignore", over="ignore", divide="ignore")  # such blocks go to float64
def _sums(p: Distribution, q: Distribution, names: tuple[str, ...]) -> Array:
    """The named sums, (len(names), N) float32."""
    positions, vocabulary = p.logits.shape
    offset = (q.peak.astype(float) + q.log_total) - (p.peak.astype(float) + p.log_total)
    sums = np.empty((len(names), positions), np.float32)
    scratch = np.empty((5, max(1, BLOCK // vocabulary), vocabulary), np.float32)
    for block in _blocks(positions, vocabulary):
        x, own, *terms = scratch[:, : block.stop - block.start]
        weights = _weights(p, block, own)
        np.subtract(q.logits[block], p.logits[block], out=x)
        x -= offset[block, None].astype(np.float32)
        extent = max(float(x.max()), -float(x.min()))
        if not extent <= LARGE:
            sums[:, block] = in_float64(p.logits[block], q.logits[block])[: len(names)]
            continue
        kernel = _series if extent <= SMALL else _closed
        kernel(x, terms, weights, sums[:, block])
        sums[:, block] *= p.confidence[block]
    return sums


def _series(x: Array, terms: list[Array], weights: Array, sums: Array) -> None:
    """The sums over power series in x at |x| ≤ 2⁻⁶; relative remainder below 2⁻²¹."""
    square, term, _ = terms
    np.multiply(x, x, out=square)
    square *= weights
    for i, (c2, c3, c4) in enumerate(SERIES[: len(sums)]):
        np.multiply(x, np.float32(c4), out=term)
        term += np.float32(c3)
        term *= x
        term += np.float32(c2)
        sums[i] = _dot(square, term)
    if len(sums) > len(SERIES):
        np.expm1(x, out=term)
        sums[3] = _dot(weights, np.abs(term, out=term)) / 2


SERIES = ((1 / 2, 1 / 6, 1 / 24), (1 / 2, 1 / 3, 1 / 8), (1 / 8, 1 / 16, 1 / 64))
"""Coefficients of x², x³, x⁴ in KL(P‖Q), KL(Q‖P) and JSD, each per unit of p."""


def _closed(x: Array, terms: list[Array], weights: Array, sums: Array) -> None:
    """The sums at any x up to `LARGE`.  A term that rounding took below its bound of 0 is 0."""
    change, term, other = terms
    np.expm1(x, out=change)
    np.subtract(change, x, out=term)
    sums[0] = _dot(weights, np.maximum(term, 0, out=term))
    if len(sums) == 1:
        return
    np.multiply(x, change, out=other)
    np.subtract(other, term, out=term)
    sums[1] = _dot(weights, np.maximum(term, 0, out=term))
    np.multiply(change, np.float32(0.5), out=term)
    np.log1p(term, out=term)
    other += x
    np.add(change, np.float32(2), out=x)
    x *= term
    other -= x
    sums[2] = _dot(weights, np.maximum(other, 0, out=other)) / 2
    sums[3] = _dot(weights, np.abs(change, out=change)) / 2


def in_float64(p_logits: Array, q_logits: Array) -> Array:
    """All four sums, (4, n), where logits are far apart or forbid tokens by −inf."""
    log_p, log_q = (_log_softmax64(logits) for logits in (p_logits, q_logits))
    log_m = np.logaddexp(log_p, log_q) - np.log(2)
    tv = np.abs(np.exp(log_p) - np.exp(log_q)).sum(1) / 2
    jsd = (_kl64(log_p, log_m) + _kl64(log_q, log_m)) / 2
    return np.stack([_kl64(log_p, log_q), _kl64(log_q, log_p), jsd, tv])


def _log_softmax64(logits: Array) -> Array:
    shifted = logits.astype(float) - logits.max(1, keepdims=True)
    log_softmax: Array = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return log_softmax


def _kl64(log_p: Array, log_q: Array) -> Array:
    """Σ p·log(p/q) + (q − p), (n,); infinite where Q forbids what P allows."""
    p, q = np.exp(log_p), np.exp(log_q)
    ratio = np.where(p > 0, log_p - log_q, 0)
    total: Array = (p * ratio + (q - p)).sum(1)
    return np.maximum(total, 0)


def pick(d: Distribution, ids: Array) -> Array:
    """The logit of one token per position, (N,)."""
    values: Array = d.logits[np.arange(len(ids)), ids]
    return values


def rank(d: Distribution, positions: Array, ids: Array) -> Array:
    """1 + the number of tokens with a larger logit, for one token at each of some positions."""
    larger = (
        np.count_nonzero(row > row[i]) for row, i in zip(d.logits[positions], ids, strict=True)
    )
    return 1 + np.fromiter(larger, np.int64, len(ids))


def top_k(d: Distribution, k: int) -> tuple[Array, Array]:
    """Ids and logits of the k largest per position, each (N, k), best first, lower id first."""
    ids = np.stack([_largest(row, k) for row in d.logits])
    return ids, np.take_along_axis(d.logits, ids, 1)


def _largest(row: Array, k: int, width: int = 256) -> Array:
    """The k-th largest of the maxima of runs bounds the k-th largest value from below."""
    runs = len(row) // width
    candidates = np.arange(len(row))
    if runs > k:
        maxima = row[: runs * width].reshape(runs, width).max(1)
        bound = np.partition(maxima, runs - k)[runs - k]
        above = np.flatnonzero(row >= bound)
        candidates = above if len(above) >= k else candidates
    order = np.argsort(-row[candidates], kind="stable")[:k]
    largest: Array = candidates[order]
    return largest
