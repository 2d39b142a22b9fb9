"""Collapse: a variant so broken that finer measurements mean nothing; with the rule that fired.

Knows measured values; the probe profile's rule belongs to the hidden-state pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping

from corefeel_tui.diagnostics.measurement import Measurement

AGREEMENT = 0.5
UNPARSED = 0.5
CAPPED = 0.5
REFERENCE_CAPPED = 0.1


def collapsed(own: Mapping[str, Measurement], base: Mapping[str, Measurement]) -> str | None:
    """Why the variant counts as collapsed, or None.  Both map metric → measurement."""
    agreement = own.get("top1_agreement")
    if agreement and agreement.value is not None and agreement.value < AGREEMENT:
        return f"top-1 agreement is {100 * agreement.value:.0f} %, under 50 %"
    for metric, found in own.items():
        before = base.get(metric)
        was = before.value if before and before.value is not None else 0.0
        if found.value is None:
            continue
        answers = f"{100 * found.value:.0f} % of {metric.partition('/')[0]} answers"
        if metric.endswith("/unparsed_rate") and found.value > UNPARSED >= was:
            return f"{answers} cannot be parsed"
        if metric.endswith("/capped_rate") and found.value > CAPPED and was < REFERENCE_CAPPED:
            return f"{answers} never end (token budget blown)"
    return None
