"""Collapse: a variant so broken that finer measurements mean nothing; with the rule that fired.

Knows measured values; the probe profile's rule belongs to the hidden-state pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping

from corefeel_tui import statistics as st
from corefeel_tui.diagnostics.measurement import Measurement

AGREEMENT = 0.5
HALF = 0.5
REFERENCE_CAPPED = 0.1

LEAST_PROMPTS = 24
"""Prompts before an agreement under a half is taken for collapse."""

LEAST_ANSWERS = 16
"""Answers before a share of them is; it must also exclude a half at 95 %."""


def most(count: int, n: int) -> bool:
    """Whether a share is surely more than a half."""
    return n >= LEAST_ANSWERS and st.lower_bound(count, n) > HALF


def collapsed(own: Mapping[str, Measurement], base: Mapping[str, Measurement]) -> str | None:
    """Why the variant counts as collapsed, or None.  Both map metric → measurement."""
    share = own.get("top1_agreement")
    if share and share.n >= LEAST_PROMPTS and share.value is not None and share.value < AGREEMENT:
        return f"top-1 agreement is {100 * share.value:.0f} %, under 50 %"
    for metric, found in own.items():
        before = base.get(metric)
        was = before.value if before and before.value is not None else 0.0
        if found.value is None or found.tally is None or not most(found.tally.count, found.n):
            continue
        answers = f"{100 * found.value:.0f} % of {metric.partition('/')[0]} answers"
        if metric.endswith("/unparsed_rate") and was <= HALF:
            return f"{answers} cannot be parsed"
        if metric.endswith("/blank_rate") and was <= HALF:
            return f"{answers} have no word in them"
        if metric.endswith("/capped_rate") and was < REFERENCE_CAPPED:
            return f"{answers} never end (token budget blown)"
    return None
