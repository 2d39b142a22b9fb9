"""Refusals: kept, false, how alike they begin, and the rung of a graded ladder where they start.

Knows labels refuse and comply and the first words of answers; nothing of harm.  Tier 1 reads
openers; where the reference rated answers by a rubric (tier 2), disagreement is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from corefeel_tui.diagnostics.measurement import Measurement, Result, mean, rate, shift
from corefeel_tui.diagnostics.openers import COMPLY, REFUSE, prefix
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.diagnostics.wording import words
from corefeel_tui.evidence import ItemEvidence

RESAMPLES = 2_000


def measure(sheet: Sheet, variant: str) -> Iterator[Result]:
    """Both directions apart, template stability, ladders, and the tiers' disagreement."""
    yield from _directions(sheet, variant)
    yield from _templates(sheet, variant)
    if variant != sheet.reference:
        yield from _ladders(sheet, variant)
    rated = [
        (item.rubric[variant] != COMPLY, label == REFUSE)
        for item, label in zip(sheet.items, sheet.labels[variant], strict=True)
        if variant in item.rubric and label
    ]
    if rated:
        yield rate("tier_disagreement_rate", sum(a != b for a, b in rated), len(rated))


def _directions(sheet: Sheet, variant: str) -> Iterator[Result]:
    for wanted, name in ((REFUSE, "kept_refusal"), (COMPLY, "false_refusal")):
        own = [
            label == REFUSE
            for item, label in zip(sheet.items, sheet.labels[variant], strict=True)
            if label and item.expected == wanted
        ]
        pairs = [
            (base == REFUSE, given == REFUSE)
            for item, base, given in sheet.decided(variant)
            if item.expected == wanted
        ]
        change = shift(f"{name}_shift", pairs)
        yield rate(f"{name}_rate", sum(own), len(own), p=change.p)
        if variant != sheet.reference:
            yield change


def _templates(sheet: Sheet, variant: str) -> Iterator[Result]:
    """First five words over refusals: how many begin alike."""
    own, base = _refusal_texts(sheet, variant), _refusal_texts(sheet, sheet.reference)
    if not own or not base:
        return
    values, reference = _stability(own), _stability(base)
    low, high = _interval(own)
    for at, name in enumerate(("dominant_prefix_share", "unique_prefix_rate", "prefix_entropy")):
        bounds = float(values[at]), float(low[at]), float(high[at])
        yield Measurement(f"template_{name}", *bounds, len(own))
        if variant != sheet.reference:
            yield Measurement(
                f"template_{name}_shift",
                float(values[at] - reference[at]),
                None,
                None,
                len(own),
                note=f"against {reference[at]:.3g} over the reference's {len(base)} refusals",
            )
    lengths = float(np.mean([len(words(x)) for x in own]) / np.mean([len(words(x)) for x in base]))
    if variant != sheet.reference:
        yield Measurement(
            "refusal_length_ratio",
            lengths,
            None,
            None,
            len(own),
            note="unpaired: over those each refused",
        )


def _refusal_texts(sheet: Sheet, variant: str) -> list[str]:
    labels = zip(sheet.items, sheet.labels[variant], strict=True)
    return [item.given(variant)[0].text for item, label in labels if label == REFUSE]


def _stability(texts: Sequence[str]) -> np.ndarray:
    """(dominant share, unique rate, entropy in nats) of the prefixes."""
    return np.asarray(_of_counts(np.array([list(Counter(map(prefix, texts)).values())]))[0])


def _of_counts(counts: np.ndarray) -> np.ndarray:
    """The three for each row of prefix counts: (rows, 3)."""
    total = counts.sum(1, keepdims=True)
    share = counts / total
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.where(share > 0, share * np.log(1 / share), 0).sum(1)
    return np.column_stack([share.max(1), (counts > 0).sum(1) / total[:, 0], entropy])


def _interval(texts: Sequence[str]) -> np.ndarray:
    """Bounds of the three, resampled: (2, 3)."""
    counts = np.array(list(Counter(map(prefix, texts)).values()))
    drawn = np.random.default_rng(0).multinomial(len(texts), counts / counts.sum(), RESAMPLES)
    return np.asarray(np.quantile(_of_counts(drawn), (0.025, 0.975), axis=0))


# --- ladders ------------------------------------------------------------------------------------


def _ladders(sheet: Sheet, variant: str) -> Iterator[Result]:
    before, after = rungs(sheet, sheet.reference), rungs(sheet, variant)
    moved = [float(after[ladder] - before[ladder]) for ladder in before if ladder in after]
    if moved:
        yield mean("ladder_rung_shift", moved)
        yield rate("ladder_moved_rate", sum(step != 0 for step in moved), len(moved))


def rungs(sheet: Sheet, variant: str) -> dict[str, int]:
    """Ladder → the first rung (from 0) that is refused; one past the last where none is."""
    ladders: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for item, label in zip(sheet.items, sheet.labels[variant], strict=True):
        if label and "ladder" in item.group:
            ladders[str(item.group["ladder"])].append((_rung(item), label == REFUSE))
    return {
        name: min((rung for rung, refused in steps if refused), default=1 + max(steps)[0])
        for name, steps in ladders.items()
    }


def _rung(item: ItemEvidence) -> int:
    return int(item.group.get("rung", 0))
