"""Conversations: constraints kept, entities tracked, personas held, turn after turn.

Knows checks and turns; nothing of their meaning.  Under the reference's history each turn is
judged for itself; under the variant's own, what went wrong earlier goes on (names begin `own_`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corefeel_tui.diagnostics.checks import holds
from corefeel_tui.diagnostics.measurement import Draft, Result, mean, rate, shift
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.evidence import Drift, ItemEvidence

LATE = 10
"""Turns (from 0) from here on are late ones."""


def measure(sheet: Sheet, variant: str) -> Iterator[Result]:
    """Both histories apart."""
    own = [item for item in sheet.items if item.group.get("history") == "own"]
    given = [item for item in sheet.items if item.group.get("history") != "own"]
    for prefix, items in (("", given), ("own_", own)):
        checked = [
            item
            for item in items
            if item.checks and item.given(variant) and item.given(sheet.reference)
        ]
        if checked:
            yield from _survival(prefix, checked, sheet.reference, variant)
        if variant != sheet.reference and any(len(item.given(variant)) > 1 for item in items):
            yield from _late_drift(prefix, items, variant)


def _survival(
    prefix: str, items: Sequence[ItemEvidence], reference: str, variant: str
) -> Iterator[Result]:
    base = [failures(item, reference) for item in items]
    own = [failures(item, variant) for item in items]
    change = shift(
        f"{prefix}survival_shift",
        ((not any(a), not any(b)) for a, b in zip(base, own, strict=True)),
    )
    yield rate(f"{prefix}survival_rate", sum(not any(x) for x in own), len(own), p=change.p)
    yield Draft(
        f"{prefix}first_failure_turn_mean", [first_failure(x) for x in own], [1.0] * len(own)
    )
    yield Draft(
        f"{prefix}late_failure_rate",
        [float(sum(x[LATE:])) for x in own],
        [float(len(x[LATE:])) for x in own],
    )
    if variant == reference:
        return
    yield change
    yield mean(
        f"{prefix}first_failure_turn_shift",
        [first_failure(b) - first_failure(a) for a, b in zip(base, own, strict=True)],
    )
    yield Draft(
        f"{prefix}late_failure_ratio",
        [float(sum(x[LATE:])) for x in own],
        [float(sum(x[LATE:])) for x in base],
    )


def failures(item: ItemEvidence, variant: str) -> list[bool]:
    """Whether any check due at a turn fails there; one value per turn."""
    return [
        any(check.turn in (None, answer.turn) and not holds(check, answer) for check in item.checks)
        for answer in sorted(item.given(variant), key=lambda answer: answer.turn)
    ]


def first_failure(failed: Sequence[bool]) -> float:
    """The first turn (from 0) that fails; the number of turns where none does."""
    return float(failed.index(True) if True in failed else len(failed))


def _late_drift(prefix: str, items: Sequence[ItemEvidence], variant: str) -> Iterator[Result]:
    """Mean KL in late turns, and in early ones."""
    for name, late in (("early", False), ("late", True)):
        sums = [
            (
                sum(d.kl_sum for d in _drifts(prefix, item, variant) if (d.turn >= LATE) == late),
                sum(
                    d.positions for d in _drifts(prefix, item, variant) if (d.turn >= LATE) == late
                ),
            )
            for item in items
        ]
        if any(positions for _, positions in sums):
            yield Draft(
                f"{prefix}{name}_kl_mean", [kl for kl, _ in sums], [float(n) for _, n in sums]
            )


def _drifts(prefix: str, item: ItemEvidence, variant: str) -> tuple[Drift, ...]:
    return (item.own_drift if prefix else item.drift).get(variant, ())
