"""The items that tell most about what changed: critical errors first, then flips, then drift.

Knows labels, margins and drift of one item; chooses, measures nothing new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from corefeel_tui.diagnostics.decisions import margin, margin_labels
from corefeel_tui.diagnostics.profile import Profile
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.evidence import ItemEvidence

CRITICAL, LOST, FLIPPED, GAINED = 4.0, 3.0, 2.0, 1.5
"""Ranks; what is below is ranked by margin moved or mean KL, squeezed into less than one."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One item on which a variant parts from the reference, and why it was chosen."""

    rank: float
    suite: str
    variant: str
    item: ItemEvidence
    why: str
    reference_label: str | None
    label: str | None
    reference_text: str
    text: str


def telling(profile: Profile, count: int = 10) -> list[Telling]:
    """The `count` most telling pairs of item and judged variant, each item once."""
    best: dict[tuple[str, str], Telling] = {}
    for sheet in profile.sheets:
        for variant in profile.evidence.judged:
            for found in _of(sheet, variant):
                key = (sheet.name, found.item.id)
                if key not in best or found.rank > best[key].rank:
                    best[key] = found
    tiers: dict[int, list[Telling]] = defaultdict(list)
    for found in sorted(best.values(), key=lambda found: -found.rank):
        tiers[int(found.rank)].append(found)
    ordered = chain.from_iterable(_in_turn(tiers[tier]) for tier in sorted(tiers, reverse=True))
    return list(islice(ordered, count))


def _in_turn(found: list[Telling]) -> Iterator[Telling]:
    """The variants' items in turn, so that no variant hides another's."""
    by_variant: dict[str, list[Telling]] = defaultdict(list)
    for one in found:
        by_variant[one.variant].append(one)
    for row in zip_longest(*by_variant.values()):
        yield from (one for one in row if one is not None)


def _of(sheet: Sheet, variant: str) -> Iterator[Telling]:
    if variant not in sheet.variants:
        return
    labels = zip(sheet.items, sheet.labels[sheet.reference], sheet.labels[variant], strict=True)
    for item, base, label in labels:
        before, after = item.given(sheet.reference), item.given(variant)
        if not before or not after or before is after:
            continue
        rank, why = _rank(sheet, item, variant, base, label)
        if rank:
            last = -1 if sheet.plan.kind == "turns" else 0
            texts = before[last].text, after[last].text
            yield Telling(rank, sheet.name, variant, item, why, base, label, *texts)


def _rank(
    sheet: Sheet, item: ItemEvidence, variant: str, base: str | None, label: str | None
) -> tuple[float, str]:
    moved = _moved(sheet, item, variant)
    depth = moved / (1 + moved) / 2
    if sheet.has_labels and base != label:
        if (item.expected, label) in sheet.plan.forbidden:
            return CRITICAL + depth + (base == item.expected), f"critical error: {base} → {label}"
        if item.expected is not None and base == item.expected:
            return LOST + depth, f"right answer lost: {base} → {label}"
        if item.expected is not None and label == item.expected:
            return GAINED + depth, f"right answer gained: {base} → {label}"
        return FLIPPED + depth, f"decision flipped: {base} → {label}"
    if item.given(variant)[0].text == item.given(sheet.reference)[0].text or not moved:
        return 0.0, ""
    return depth, "the words drifted most here"


def _moved(sheet: Sheet, item: ItemEvidence, variant: str) -> float:
    """How far the margin moved in nats, or the mean KL where none was read."""
    first, second = margin_labels(sheet.plan)
    before, after = (item.readout.get(name) for name in (sheet.reference, variant))
    if before and after:
        was, now = margin(before, first, second), margin(after, first, second)
        if was is not None and now is not None:
            return abs(now - was)
    drifts = item.drift.get(variant, ())
    positions = sum(drift.positions for drift in drifts)
    return sum(drift.kl_sum for drift in drifts) / positions if positions else 0.0
