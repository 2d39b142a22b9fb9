"""Drift by domain, and whether it is the calibration's doing.

Knows expected answers, which domains a suite marks as calibrated, and which treatments saw data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from corefeel_tui.diagnostics.measurement import Draft, Measurement, Result, rate, shift
from corefeel_tui.diagnostics.recall import hit
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.evidence import ItemEvidence
from corefeel_tui.resampling import resampled_sums

UNCALIBRATED = "this treatment saw no data: a difference between domains is not calibration shift"

Sums = list[tuple[float, float]]


def measure(sheet: Sheet, variant: str) -> Iterator[Result]:
    """Expected answers, mean KL per domain, KL outside over KL inside the calibrated ones."""
    yield from _answers(sheet, variant)
    if variant == sheet.reference:
        return
    by_domain: dict[str, Sums] = defaultdict(list)
    for item in sheet.items:
        if variant in item.drift:
            by_domain[item.domain or "none"].append(_sums(item, variant))
    for domain, sums in sorted(by_domain.items()):
        yield Draft(f"kl_mean/{domain}", [kl for kl, _ in sums], [n for _, n in sums])
    inside = [
        x for domain, sums in by_domain.items() if domain in sheet.plan.calibrated for x in sums
    ]
    outside = [
        x for domain, sums in by_domain.items() if domain not in sheet.plan.calibrated for x in sums
    ]
    if inside and outside:
        note = "" if variant in sheet.calibrated else UNCALIBRATED
        yield out_over_in(outside, inside, note)


def _answers(sheet: Sheet, variant: str) -> Iterator[Result]:
    """Where an item expects a text: the share of answers that hold it."""
    hits = [
        (base, own)
        for item in sheet.items
        if item.expected
        and (base := hit(item, sheet.reference)) is not None
        and (own := hit(item, variant)) is not None
    ]
    if hits:
        change = shift("answer_shift", hits)
        yield rate("answer_rate", sum(own for _, own in hits), len(hits), p=change.p)
        if variant != sheet.reference:
            yield change


def _sums(item: ItemEvidence, variant: str) -> tuple[float, float]:
    drifts = item.drift[variant]
    return sum(d.kl_sum for d in drifts), float(sum(d.positions for d in drifts))


def out_over_in(outside: Sums, inside: Sums, note: str) -> Measurement:
    """Ratio of two means over different prompts, each resampled by itself."""
    metric, n = "kl_out_over_in", len(outside) + len(inside)
    out, within = np.array(outside), np.array(inside)
    if not within[:, 0].sum() or not out[:, 1].sum():
        return Measurement(
            metric, None, None, None, n, note="no drift inside the calibrated domains"
        )
    value = (out[:, 0].sum() / out[:, 1].sum()) / (within[:, 0].sum() / within[:, 1].sum())
    a, b = resampled_sums(out, seed=1), resampled_sums(within, seed=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (a[:, 0] / a[:, 1]) / (b[:, 0] / b[:, 1])
    low, high = np.nanquantile(ratios, (0.025, 0.975))
    return Measurement(metric, float(value), float(low), float(high), n, note=note)
