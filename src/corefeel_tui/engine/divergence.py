"""How far one next-token distribution is from another, per position, from raw logits.

Knows the formulas of METRICS §1 by name and which back end computes them; knows no model, token
text or aggregate.  On a GPU that is MLX (`divergence_gpu`); on a CPU numpy works in place on
zero-copy views (`divergence_cpu`), because MLX's elementwise kernels are several times slower
there.  One test holds both to float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import mlx.core as mx
import numpy as np

from corefeel_tui.engine import divergence_cpu, divergence_gpu

Array = np.ndarray[Any, Any]


@dataclass
class Distribution:
    """Next-token distributions at N positions; nats throughout.

    `logits` (N, V) float32 is a view of what the model returned: numpy on a CPU, MLX on a GPU.
    `peak` is the largest logit, `log_total` = log Σ exp(logits − peak), `confidence` p1, `gap`
    log p1 − log p2; all of shape (N,).
    """

    logits: Any
    peak: Array
    log_total: Array
    argmax: Array
    confidence: Array
    gap: Array
    entropy: Array
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    """What a back end computed once and reuses when several variants meet one reference."""

    def __len__(self) -> int:
        return len(self.argmax)

    @property
    def vocabulary(self) -> int:
        """V, the width of the logits."""
        return int(self.logits.shape[1])

    @property
    def margin(self) -> Array:
        """p1 − p2, (N,): a flip is hard where the reference's exceeds 0.1."""
        return self.confidence * -np.expm1(-self.gap)

    @property
    def logprobs(self) -> Array:
        """(N, V) float32, computed anew on each access."""
        shifted: Array = np.asarray(self.logits) - self.peak[:, None]
        shifted -= self.log_total[:, None]
        return shifted

    def row(self, index: int) -> Distribution:
        """The distribution at one position, as N = 1."""
        one = slice(index, index + 1)
        columns = ("peak", "log_total", "argmax", "confidence", "gap", "entropy")
        return Distribution(self.logits[one], *(getattr(self, name)[one] for name in columns))


def _backend(logits: Any) -> ModuleType:
    return divergence_gpu if isinstance(logits, mx.array) else divergence_cpu


def describe(logits: mx.array | Array) -> Distribution:
    """The distributions of logits (N, V) of any floating type; cast to float32 first."""
    if isinstance(logits, mx.array):
        logits = logits.astype(mx.float32)
        mx.eval(logits)
        if mx.default_device() != mx.gpu:
            logits = np.asarray(logits)
    return Distribution(logits, **_backend(logits).describe(logits))


def diverge(p: Distribution, q: Distribution) -> dict[str, Array]:
    """Per position, (N,): `kl` = KL(P‖Q) in nats, never negative, exactly 0 for equal logits;
    `rank` of P's first choice under Q (1 = agreement; ties take the best); `flip`."""
    return _backend(p.logits).diverge(p, q) | _ranks(p, q)


def diverge_fully(p: Distribution, q: Distribution) -> dict[str, Array]:
    """`diverge` with `reverse_kl` = KL(Q‖P), `jsd` (≤ ln 2) and `tv` = ½ Σ|p − q|."""
    return _backend(p.logits).diverge_fully(p, q) | _ranks(p, q)


def _ranks(p: Distribution, q: Distribution) -> dict[str, Array]:
    return {"rank": rank(q, p.argmax), "flip": p.argmax != q.argmax}


def rank(d: Distribution, ids: Sequence[int] | Array) -> Array:
    """Rank of one token per position, (N,), 1 = first; ties take the best rank."""
    ids = np.asarray(ids, np.int64)
    ranks = np.ones(len(d), np.int64)
    others = np.flatnonzero(ids != d.argmax)
    if len(others):
        ranks[others] = _backend(d.logits).rank(d, others, ids[others])
    return ranks


def logprob(d: Distribution, ids: Sequence[int] | Array) -> Array:
    """Log-probability of one token per position, (N,) float32, in nats."""
    values: Array = _backend(d.logits).pick(d, np.asarray(ids, np.int64))
    return values - d.peak - d.log_total


def taken(d: Distribution, ids: Sequence[int] | Array) -> tuple[Array, Array]:
    """`logprob` and `rank` of one token per position."""
    return logprob(d, ids), rank(d, ids)


def top_k(d: Distribution, k: int) -> tuple[Array, Array]:
    """Ids and log-probabilities of the k likeliest tokens, each (N, k), best first."""
    ids, values = _backend(d.logits).top_k(d, min(k, d.vocabulary))
    return ids, values - d.peak[:, None] - d.log_total[:, None]
