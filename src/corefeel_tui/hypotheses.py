"""Figures that have been claimed about quantized models, each beside our own interval.

Knows the claims and how a measured interval answers them; measures nothing.  A claim is supported
where the whole interval is on its side, contradicted where the whole interval is on the other,
else not resolved.  A null result is a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from corefeel_tui import statistics as st
from corefeel_tui.diagnostics.measurement import Measurement
from corefeel_tui.diagnostics.profile import Profile

Answer = Literal["supported", "contradicted", "not resolved", "not measured"]


@dataclass(frozen=True, slots=True)
class Claim:
    """“METRIC of a variant of these bits lies in [low, high]”; None leaves a side open.

    `figure` is the number that was claimed.  A claim of sameness sets both sides.
    """

    name: str
    text: str
    bits: int
    metric: str
    low: float | None
    high: float | None
    figure: str


CLAIMS = (
    Claim(
        "8bit-shorter",
        "8-bit answers are about 15 % shorter",
        8,
        "style/length_ratio",
        0.80,
        0.90,
        "0.85",
    ),
    Claim(
        "8bit-shallower",
        "8-bit reasoning is about 12 % shallower",
        8,
        "reasoning/depth_ratio",
        0.83,
        0.93,
        "0.88",
    ),
    Claim(
        "8bit-drifts-late",
        "8-bit is about 20 % more inconsistent after 10 turns",
        8,
        "turns/own_late_failure_ratio",
        1.10,
        1.30,
        "1.20",
    ),
    Claim(
        "4bit-identical",
        "4-bit decides as the reference does",
        4,
        "verdicts/decision_flip_rate",
        None,
        0.01,
        "0",
    ),
    Claim(
        "4bit-same-length",
        "4-bit answers are as long as the reference's",
        4,
        "style/length_ratio",
        0.95,
        1.05,
        "1",
    ),
    Claim(
        "3bit-breaks-veto",
        "3-bit turns VETO into APPROVE",
        3,
        "verdicts/critical_new_rate",
        0.01,
        None,
        "> 0",
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim about one variant, answered."""

    claim: Claim
    variant: str
    answer: Answer
    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        return {
            "name": self.claim.name,
            "claim": self.claim.text,
            "metric": self.claim.metric,
            "claimed": self.claim.figure,
            "variant": self.variant,
            "answer": self.answer,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "note": self.note,
        }


def findings(profile: Profile) -> list[Finding]:
    """Every claim for every judged variant it speaks of."""
    return [
        _answered(claim, variant, _measured(profile, claim, variant))
        for claim in CLAIMS
        for variant in _of_bits(profile, claim.bits)
    ]


def _of_bits(profile: Profile, bits: int) -> Iterator[str]:
    """Variants whose weights have so many bits, by treatment, else by name."""
    treatments = {str(v.get("name")): v for v in profile.evidence.header.variants}
    for variant in profile.evidence.judged:
        told = str(treatments.get(variant, {}).get("treatment") or variant)
        if re.search(rf"(?<!\d){bits}[- ]?bit", told):
            yield variant


def _measured(profile: Profile, claim: Claim, variant: str) -> Measurement | None:
    suite, _, metric = claim.metric.partition("/")
    values = profile.values[variant]
    for sheet in profile.sheets:
        if sheet.plan.base == suite and f"{sheet.name}/{metric}" in values:
            return values[f"{sheet.name}/{metric}"]
    return None


def _answered(claim: Claim, variant: str, found: Measurement | None) -> Finding:
    if found is None or found.value is None:
        note = found.note if found else f"no {claim.metric.partition('/')[0]} items were run"
        return Finding(claim, variant, "not measured", None, None, None, 0, note)
    answer = judge(claim, found.low, found.high)
    note = _seen(found) if answer == "not resolved" else ""
    return Finding(claim, variant, answer, found.value, found.low, found.high, found.n, note)


def judge(claim: Claim, low: float | None, high: float | None) -> Answer:
    """The claim's answer from a measured interval."""
    if low is None or high is None:
        return "not resolved"
    least = float("-inf") if claim.low is None else claim.low
    most = float("inf") if claim.high is None else claim.high
    if least <= low and high <= most:
        return "supported"
    return "contradicted" if high < least or low > most else "not resolved"


def _seen(found: Measurement) -> str:
    """The smallest effect this n could have shown."""
    if found.tally is not None:
        return (
            f"n = {found.n} shows changes from {100 * st.smallest_change(found.n):.1f} % of items"
        )
    if found.low is None or found.high is None:
        return found.note
    return f"n = {found.n} shows differences from about ±{0.7 * (found.high - found.low):.2g}"
