"""Divergence kernels in MLX, for machines where the logits live on a GPU.

Knows arrays only; the formulas are those of `divergence_cpu`, chosen elementwise between a power
series near zero and the closed form.  Only reduced columns come back to the host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np

from corefeel_tui.engine.divergence_cpu import LARGE, SERIES, SMALL

if TYPE_CHECKING:
    from corefeel_tui.engine.divergence import Distribution

Array = np.ndarray[Any, Any]

CHUNK = 1 << 24
"""Logits worked on at once: 64 MiB an array."""

SEGMENT = 512
"""Length of the runs that are summed first: one float32 sum over V would lose small terms."""


def _by_chunks(function: Callable[..., list[mx.array]], *arrays: Any) -> list[Array]:
    """`function` on runs of positions of `arrays`, evaluated chunk by chunk, joined on the host."""
    positions, vocabulary = arrays[0].shape
    step = max(1, CHUNK // vocabulary)
    parts = []
    for i in range(0, positions, step):
        outputs = function(*(mx.array(array[i : i + step]) for array in arrays))
        mx.eval(outputs)
        parts.append([np.array(output) for output in outputs])
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _sum(values: mx.array) -> mx.array:
    """Σ over V, (n, V) → (n,)."""
    whole = values.shape[1] // SEGMENT * SEGMENT
    runs = values[:, :whole].reshape(len(values), -1, SEGMENT).sum(axis=2)
    return runs.sum(axis=1) + values[:, whole:].sum(axis=1)


def describe(logits: mx.array) -> dict[str, Array]:
    """Columns of `Distribution` for logits (N, V) float32."""
    names = ("peak", "log_total", "argmax", "confidence", "gap", "entropy")
    columns = dict(zip(names, _by_chunks(_describe, logits), strict=True))
    columns["argmax"] = columns["argmax"].astype(np.int64)
    return columns


def _describe(logits: mx.array) -> list[mx.array]:
    first = mx.argmax(logits, axis=1, keepdims=True)
    peak = mx.take_along_axis(logits, first, axis=1)
    shifted = logits - peak
    # without the first choice, beside whose 1 a confident model's others would be rounded away
    weights = mx.put_along_axis(mx.exp(shifted), first, mx.array(0.0), axis=1)
    others = _sum(weights)
    # −inf forbids a token: 0·log 0 = 0
    energy = _sum(mx.where(weights > 0, weights * shifted, 0))
    second = mx.put_along_axis(shifted, first, mx.array(-mx.inf), axis=1).max(axis=1)
    log_total, total = mx.log1p(others), 1 + others
    entropy = log_total - energy / total
    return [peak[:, 0], log_total, first[:, 0], 1 / total, -second, entropy]


def diverge(p: Distribution, q: Distribution) -> dict[str, Array]:
    """KL(P‖Q) per position, (N,) float32, in nats."""
    return {"kl": _by_chunks(_forward, *_operands(p, q))[0]}


def diverge_fully(p: Distribution, q: Distribution) -> dict[str, Array]:
    """KL(P‖Q), KL(Q‖P), Jensen–Shannon and total variation per position, each (N,) float32."""
    names = ("kl", "reverse_kl", "jsd", "tv")
    return dict(zip(names, _by_chunks(_all_four, *_operands(p, q)), strict=True))


def _operands(p: Distribution, q: Distribution) -> tuple[Any, ...]:
    offset = (q.peak.astype(float) + q.log_total) - (p.peak.astype(float) + p.log_total)
    norm = p.peak.astype(float) + p.log_total
    return p.logits, q.logits, offset.astype(np.float32), norm.astype(np.float32)


def _ratios(
    p_logits: mx.array, q_logits: mx.array, offset: mx.array, norm: mx.array
) -> tuple[mx.array, mx.array, mx.array]:
    """p, q and x = log q − log p, each (n, V); x is 0 where both forbid a token."""
    log_p = p_logits - norm[:, None]
    x = mx.where(p_logits == q_logits, 0.0, q_logits - p_logits) - offset[:, None]
    return mx.exp(log_p), mx.exp(q_logits - (norm + offset)[:, None]), x


def _total(x: mx.array, series: mx.array, closed: mx.array, far: mx.array) -> mx.array:
    """Σ of each term's form for its |x|: up to `SMALL`, up to `LARGE`, beyond."""
    extent = mx.abs(x)
    return _sum(mx.where(extent <= SMALL, series, mx.where(extent <= LARGE, closed, far)))


def _series(p: mx.array, x: mx.array, coefficients: tuple[float, float, float]) -> mx.array:
    c2, c3, c4 = coefficients
    return p * x * x * (c2 + x * (c3 + x * c4))


def _one_way(p: mx.array, q: mx.array, x: mx.array) -> mx.array:
    """Σ p·(expm1(x) − x) = KL(P‖Q), (n,)."""
    inside = mx.clip(x, -LARGE, LARGE)
    closed = p * mx.maximum(mx.expm1(inside) - inside, 0)
    far = mx.where(p > 0, q - p - p * x, q)
    return _total(x, _series(p, x, SERIES[0]), closed, far)


def _forward(*operands: mx.array) -> list[mx.array]:
    return [_one_way(*_ratios(*operands))]


def _all_four(*operands: mx.array) -> list[mx.array]:
    p, q, x = _ratios(*operands)
    inside = mx.clip(x, -LARGE, LARGE)
    change = mx.expm1(inside)
    closed = inside + inside * change - (2 + change) * mx.log1p(change / 2)
    far = np.log(2) / 2 * mx.where(x < 0, p, q)
    jsd = _total(x, _series(p, x, SERIES[2]), p * mx.maximum(closed, 0) / 2, far)
    tv = _sum(mx.where(mx.abs(x) <= LARGE, mx.abs(p * change), mx.abs(q - p))) / 2
    return [_one_way(p, q, x), _one_way(q, p, -x), jsd, tv]


def pick(d: Distribution, ids: Array) -> Array:
    """The logit of one token per position, (N,)."""
    return np.array(mx.take_along_axis(d.logits, mx.array(ids)[:, None], axis=1)[:, 0])


def rank(d: Distribution, positions: Array, ids: Array) -> Array:
    """1 + the number of tokens with a larger logit, for one token at each of some positions."""
    rows = d.logits[mx.array(positions)]
    value = mx.take_along_axis(rows, mx.array(ids)[:, None], axis=1)
    return 1 + np.array((rows > value).sum(axis=1)).astype(np.int64)


def top_k(d: Distribution, k: int) -> tuple[Array, Array]:
    """Ids and logits of the k largest per position, each (N, k), best first."""
    found = mx.argpartition(-d.logits, kth=k - 1, axis=1)[:, :k]
    values = mx.take_along_axis(d.logits, found, axis=1)
    order = np.lexsort((np.array(found), -np.array(values)), axis=1)
    ids = np.take_along_axis(np.array(found).astype(np.int64), order, 1)
    return ids, np.take_along_axis(np.array(values), order, 1)
