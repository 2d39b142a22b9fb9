"""Per-position divergences → the numbers of a `score` result.

Knows the aggregates of METRICS §1 and that positions arrive a chunk at a time; runs no model.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from corefeel_tui.engine.divergence import Distribution, diverge_fully, logprob
from corefeel_tui.summaries import HARD_FLIP_MARGIN

Array = np.ndarray[Any, Any]

PERCENTILES = {"median": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}
CONFIDENCE = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Edges of the buckets of max p; the last one is closed."""


class Likelihood:
    """What the reference itself made of every position; all arrays are (positions,)."""

    def __init__(self, positions: int) -> None:
        self.filled = 0
        self.logprob, self.confidence, self.margin, self.entropy = (
            np.empty(positions, np.float32) for _ in range(4)
        )

    def add(self, own: Distribution, targets: Array) -> None:
        """The next positions and the tokens that follow them."""
        part = slice(self.filled, self.filled + len(targets))
        self.logprob[part] = logprob(own, targets)
        self.confidence[part] = own.confidence
        self.margin[part] = own.margin
        self.entropy[part] = own.entropy
        self.filled = part.stop

    @property
    def nll(self) -> float:
        """Mean negative log-likelihood of the given tokens, in nats."""
        return -float(self.logprob.mean(dtype=float))

    def summary(self) -> dict[str, Any]:
        """The reference's own numbers."""
        return finite({"perplexity": math.exp(self.nll)})

    def columns(self) -> dict[str, Array]:
        """Arrays of `--per-token`."""
        return {"logprob": self.logprob, "confidence": self.confidence, "entropy": self.entropy}


class Drift:
    """One variant against the reference.  Sums are kept for means, arrays for percentiles; with
    `keep` also what `--per-token` wants."""

    def __init__(self, positions: int, reference: Likelihood, keep: bool) -> None:
        self._reference = reference
        self._filled = 0
        self.kl = np.empty(positions, np.float32)
        self.flip = np.empty(positions, np.bool_)
        self.missing = np.zeros(positions, np.float32)
        self.bounded = False
        self._sums = dict.fromkeys(
            ("reverse_kl", "tv", "jsd", "entropy_shift", "squared_delta_p", "nll"), 0.0
        )
        self._kept: dict[str, Array] = {}
        if keep:
            kinds = {"rank": np.int32, "logprob": np.float32, "entropy": np.float32}
            self._kept = {name: np.empty(positions, kind) for name, kind in kinds.items()}

    def add(self, reference: Distribution, own: Distribution, targets: Array) -> None:
        """The next positions, after the reference's were added."""
        self.add_measured(diverge_fully(reference, own), own, targets)

    def add_measured(self, apart: dict[str, Array], own: Distribution, targets: Array) -> None:
        """The next positions, `apart` from the reference as `diverge_fully` tells; with
        `kl_missing`, the most by which its KL can be too small, (N,)."""
        part = slice(self._filled, self._filled + len(targets))
        if "kl_missing" in apart:
            self.missing[part] = apart["kl_missing"]
        taken = logprob(own, targets)
        self.kl[part], self.flip[part] = apart["kl"], apart["flip"]
        delta_p = np.exp(taken, dtype=float) - np.exp(self._reference.logprob[part], dtype=float)
        for name, values in {
            "reverse_kl": apart["reverse_kl"],
            "tv": apart["tv"],
            "jsd": apart["jsd"],
            "entropy_shift": own.entropy - self._reference.entropy[part],
            "squared_delta_p": np.square(delta_p),
            "nll": -taken,
        }.items():
            self._sums[name] += float(values.sum(dtype=float))
        columns = {"rank": apart["rank"], "logprob": taken, "entropy": own.entropy}
        for name, array in self._kept.items():
            array[part] = columns[name]
        self._filled = part.stop

    def summary(self) -> dict[str, Any]:
        """Every number of the variant; nats, fractions; None where it has no finite value."""
        count, kl = len(self.kl), self.kl.astype(float)
        means = {name: total / count for name, total in self._sums.items()}
        flips = int(self.flip.sum())
        numbers = {
            "kl": _distribution(kl),
            "kl_by_confidence": self._by_confidence(kl),
            "reverse_kl_mean": means["reverse_kl"],
            "tv_mean": means["tv"],
            "jsd_mean": means["jsd"],
            "top1_agreement": 1 - flips / count,
            "flips": flips,
            "hard_flips": int((self.flip & (self._reference.margin > HARD_FLIP_MARGIN)).sum()),
            "entropy_shift_mean": means["entropy_shift"],
            "delta_p_rms": math.sqrt(means["squared_delta_p"]),
            "perplexity": _exp(means["nll"]),
            "perplexity_ratio": _exp(means["nll"] - self._reference.nll),
        }
        if self.bounded:
            missing = self.missing.astype(float)
            numbers["kl_bound"] = {"mean": float(missing.mean()), "max": float(missing.max())}
        broken = int((~np.isfinite(kl)).sum())
        if broken:
            numbers["reason"] = f"KL is not finite at {broken} of {count} positions"
        return finite(numbers)

    def columns(self) -> dict[str, Array]:
        """Arrays of `--per-token`."""
        return {"kl": self.kl, "flip": self.flip, **self._kept}

    def _by_confidence(self, kl: Array) -> list[dict[str, Any]]:
        bucket = np.digitize(self._reference.confidence, CONFIDENCE[1:-1])
        return [
            {
                "low": CONFIDENCE[i],
                "high": CONFIDENCE[i + 1],
                "n": int((bucket == i).sum()),
                "mean": float(kl[bucket == i].mean()) if (bucket == i).any() else None,
            }
            for i in range(len(CONFIDENCE) - 1)
        ]


@np.errstate(invalid="ignore")  # between infinite neighbours a percentile is nothing
def _distribution(kl: Array) -> dict[str, float]:
    values = np.percentile(kl, list(PERCENTILES.values()))
    named = dict(zip(PERCENTILES, map(float, values), strict=True))
    return {"mean": float(kl.mean()), **named, "max": float(kl.max())}


def _exp(nll: float) -> float:
    return math.exp(nll) if nll < 700 else math.inf


def finite(value: Any) -> Any:
    """`value` with None for every number below it that is NaN or infinite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
