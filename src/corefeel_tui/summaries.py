"""A variant's drift over one trajectory, out of what a fold kept.  Pure, and without numpy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil, expm1, fsum

from corefeel_tui.folding import Run, Track

HARD_FLIP_MARGIN = 0.1
"""A flip is hard where the reference's p1 − p2 exceeds this (METRICS §1)."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A variant's drift over one trajectory; None where nothing was measured.

    KL in nats; agreement a fraction of positions; lengths in tokens, end-of-sequence included.
    """

    variant: str
    positions: int
    kl_mean: float | None
    kl_p99: float | None
    kl_max: float | None
    flips: int
    hard_flips: int
    top1_agreement: float | None
    length: int
    length_ratio: float | None


def hard_flip(reference: Track, position: int) -> bool:
    """Whether the reference was more than 0.1 surer of its first choice than of its second."""
    confidence = reference.columns["confidence"][position]
    gap = reference.columns["gap"][position]
    if confidence is None or gap is None:
        return False
    return bool(confidence * -expm1(-gap) > HARD_FLIP_MARGIN)


def percentile(ordered: Sequence[float], fraction: float) -> float:
    """Linear between neighbours, as numpy's default, of values in ascending order.

    Without numpy, whose import alone takes a fifth of the time to the first paint.
    """
    at = fraction * (len(ordered) - 1)
    below = ordered[int(at)]
    return below + (ordered[ceil(at)] - below) * (at - int(at))


def summarise(run: Run, variant: str, locked: bool, part: Collection[int] | None = None) -> Summary:
    """Drift of `variant` on the reference's answer (`locked`) or on its own.

    With `part` only its positions count, as `positions` too; `length` stays the whole answer's.
    """
    reference = run.started.reference
    own = run.trajectories[variant]
    trajectory = run.reference if locked else own
    track = trajectory.tracks.get(variant, Track())
    base = trajectory.tracks.get(reference, Track())
    counted = [i for i in range(len(track)) if part is None or i in part]
    kl = sorted(x for i in counted if (x := track.columns["kl"][i]) is not None)
    flips = [i for i in counted if track.columns["flip"][i]]
    reference_length = len(run.reference.ids)
    return Summary(
        variant=variant,
        positions=len(counted),
        kl_mean=fsum(kl) / len(kl) if kl else None,
        kl_p99=percentile(kl, 0.99) if kl else None,
        kl_max=kl[-1] if kl else None,
        flips=len(flips),
        hard_flips=sum(i < len(base) and hard_flip(base, i) for i in flips),
        top1_agreement=1 - len(flips) / len(counted) if counted else None,
        length=len(own.ids),
        length_ratio=len(own.ids) / reference_length if reference_length else None,
    )
