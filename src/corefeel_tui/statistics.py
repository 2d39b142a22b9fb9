"""Intervals, tests and bounds on counts and paired values.

Knows scipy's special functions (importing `scipy.stats` would cost a reader half a second); no
event, suite or model.  Confidence and probabilities are fractions; every interval is (low, high).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import bdtr, bdtrc, betaincinv, chdtrc, ndtr, ndtri

Interval = tuple[float, float]


# --- one proportion -----------------------------------------------------------------------------


def clopper_pearson(count: int, n: int, confidence: float = 0.95) -> Interval:
    """Exact two-sided interval of a proportion; (0, 1) where n = 0."""
    tail = (1 - confidence) / 2
    return lower_bound(count, n, 1 - tail), upper_bound(count, n, 1 - tail)


def upper_bound(count: int, n: int, confidence: float = 0.95) -> float:
    """Exact one-sided upper bound; 1 − (1 − confidence)^(1/n) where count = 0."""
    if count >= n:
        return 1.0
    if count == 0:
        return float(-math.expm1(math.log1p(-confidence) / n))
    return float(betaincinv(count + 1, n - count, confidence))


def lower_bound(count: int, n: int, confidence: float = 0.95) -> float:
    """Exact one-sided lower bound."""
    return 1 - upper_bound(n - count, n, confidence) if n else 0.0


def wilson(count: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval, for display; (0, 1) where n = 0."""
    if n == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + confidence) / 2))
    share, spread = count / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def exceeds(count: int, n: int, limit: float) -> float:
    """One-sided p-value against “the rate is at most `limit`”; 1 where n = 0."""
    return float(bdtrc(count - 1, n, limit)) if count > 0 else 1.0


def items_needed(limit: float, confidence: float = 0.95) -> int:
    """Fewest clean items whose upper bound is at most `limit`: 149 for 2 %, 299 for 1 %."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-limit))


# --- pairs of yes and no ------------------------------------------------------------------------


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p-value from the discordant pairs; 1 without any."""
    n = gained + lost
    return min(1.0, 2 * float(bdtr(min(gained, lost), n, 0.5))) if n else 1.0


def stratified_mcnemar(pairs: Sequence[tuple[int, int]]) -> float:
    """Exact Mantel–Haenszel test of matched pairs: McNemar over strata of (gained, lost)."""
    return mcnemar(sum(gained for gained, _ in pairs), sum(lost for _, lost in pairs))


def cochran_mantel_haenszel(tables: Sequence[tuple[int, int, int, int]]) -> float:
    """p-value of no association in 2 × 2 tables (a, b, c, d), one per stratum, uncorrected."""
    excess = variance = 0.0
    for a, b, c, d in tables:
        n = a + b + c + d
        if n > 1:
            excess += a - (a + b) * (a + c) / n
            variance += (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1))
    return float(chdtrc(1, excess * excess / variance)) if variance else 1.0


def paired_shift_z(gained: int, lost: int, n: int, shift: float) -> float:
    """Tango's score statistic of a paired difference of proportions against `shift`."""
    if n == 0 or abs(shift) >= 1:
        return math.copysign(math.inf, -shift) if shift else 0.0
    excess = gained - lost - n * shift
    b = (2 * n - gained + lost) * shift - gained - lost
    c = -lost * shift * (1 - shift)
    nuisance = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2 * nuisance + shift * (1 - shift))
    if variance <= 0:
        return math.copysign(math.inf, excess) if excess else 0.0
    return excess / math.sqrt(variance)


def paired_shift(gained: int, lost: int, n: int, confidence: float = 0.95) -> Interval:
    """Tango's interval of (gained − lost) / n: right also where nothing changed."""
    if n == 0:
        return -1.0, 1.0
    z, centre = float(ndtri((1 + confidence) / 2)), (gained - lost) / n
    return (
        _crossing(lambda at: paired_shift_z(gained, lost, n, at) - z, centre, -1.0),
        _crossing(lambda at: paired_shift_z(gained, lost, n, at) + z, centre, 1.0),
    )


def _crossing(function: Callable[[float], float], inside: float, outside: float) -> float:
    """Where the sign changes between the two, by halving; `outside` where it does not."""
    sign = function(inside) > 0
    for _ in range(50):
        middle = (inside + outside) / 2
        if (function(middle) > 0) == sign:
            inside = middle
        else:
            outside = middle
    return outside


def shift_outside(gained: int, lost: int, n: int, margin: float) -> float:
    """p-value against “the paired shift is inside ± margin”, two tests at the nearer edge each."""
    if n == 0:
        return 1.0
    above = 1 - float(ndtr(paired_shift_z(gained, lost, n, margin)))
    below = float(ndtr(paired_shift_z(gained, lost, n, -margin)))
    return min(1.0, 2 * min(above, below))


def inside(interval: Interval, margin: float) -> bool:
    """Equivalence: the whole interval within ± margin (at 1 − 2α confidence this is TOST at α)."""
    return -margin <= interval[0] and interval[1] <= margin


# --- many tests at once -------------------------------------------------------------------------


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (q-values) that hold the false discovery rate, in the order given."""
    adjusted, smallest, count = [0.0] * len(p_values), 1.0, len(p_values)
    for rank, at in enumerate(sorted(range(count), key=p_values.__getitem__, reverse=True)):
        smallest = min(smallest, p_values[at] * count / (count - rank))
        adjusted[at] = smallest
    return adjusted


# --- what this many items can show --------------------------------------------------------------


def smallest_change(n: int, significance: float = 0.05) -> float:
    """Smallest one-directional share of changed items that McNemar could call significant at n."""
    changed = 1 + math.ceil(math.log2(1 / significance))
    return min(1.0, changed / n) if n else 1.0


def smallest_mean_change(deviation: float, n: int, power: float = 0.8) -> float:
    """Smallest mean of paired differences that a two-sided 5 % test sees with this power."""
    if n < 2:
        return math.inf
    return float((ndtri(0.975) + ndtri(power)) * deviation / math.sqrt(n))


@dataclass(frozen=True, slots=True)
class Sequential:
    """Wald's test of a low rate against a high one, fed one item after the other."""

    low: float = 0.01
    high: float = 0.05
    alpha: float = 0.05
    beta: float = 0.20

    def answer(self, events: int, n: int) -> Literal["drifted", "ok", "undecided"]:
        """After `events` in `n` items.  For safety an “ok” still waits for the wanted bound."""
        evidence = events * math.log(self.high / self.low)
        evidence += (n - events) * math.log((1 - self.high) / (1 - self.low))
        if evidence >= math.log((1 - self.beta) / self.alpha):
            return "drifted"
        return "ok" if evidence <= math.log(self.beta / (1 - self.alpha)) else "undecided"
