"""The held-out items of the card, and what a run of them found, folded into its figures;
runs nothing.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from corefeel_tui.arrays import pool
from corefeel_tui.errors import CorefeelError
from corefeel_tui.evidence import Evidence, ItemEvidence

from . import scoring
from .card_run import by_column
from .conversation import Item
from .corpus import DOMAINS, SKILLS, heldout_items
from .judge_items import gone_through
from .world import handbook


@dataclass(frozen=True)
class Share:
    """`right` of `count`, with the exact two-sided 95 % interval."""

    right: int
    count: int
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, right: int, count: int) -> Share:
        from scipy.stats import binomtest

        if not count:
            return cls(0, 0)
        interval = binomtest(right, count).proportion_ci(0.95, "exact")
        return cls(right, count, float(interval.low), float(interval.high))


@dataclass
class Figures:
    """What the card says of one variant."""

    variant: str
    accuracy: dict[str, Share] = field(default_factory=dict)
    critical: Share = Share(0, 0)
    critical_bound: float = 1.0
    kl_mean: float = 0.0
    kl_p99: float = 0.0
    kl_by_skill: dict[str, float] = field(default_factory=dict)
    flips: float = 0.0
    length_ratio: float = 1.0
    prose_bits: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cases(counts: dict[str, int], domain_count: int) -> dict[str, list[Item]]:
    """The card's items by column; each held-out domain is a column of its own.

    The column `walked` asks the first judge items again, going through their lines before the
    verdict.  The column `vetoes` has items after those of `judge`, so that both together hold
    `counts["vetoes"]` whose truth is VETO.
    """
    chosen = {skill: heldout_items(skill, counts[skill]) for skill in SKILLS}
    judged = chosen["judge"][: counts.get("walked", 0)]
    chosen["walked"] = [gone_through(item, handbook()) for item in judged]
    chosen["vetoes"] = _more_vetoes(chosen["judge"], counts.get("vetoes", 0))
    if domain_count:
        for domain in DOMAINS:
            chosen[domain] = heldout_items("judge", domain_count, domain)
    return chosen


def _more_vetoes(judge: list[Item], wanted: int) -> list[Item]:
    missing = max(0, wanted - sum(item.expected == "VETO" for item in judge))
    later = heldout_items("judge", len(judge) + 5 * missing)[len(judge) :]
    return [item for item in later if item.expected == "VETO"][:missing]


def score(
    figures: Figures, chosen: dict[str, list[Item]], said: dict[str, list[list[str]]]
) -> None:
    """Accuracy per column and the critical errors."""
    for column, items in chosen.items():
        marks = [scoring.right(*pair) for pair in zip(items, said[column], strict=True)]
        figures.accuracy[column] = Share.of(sum(marks), len(marks))
    judged = list(zip(chosen["judge"], said["judge"], strict=True))
    decisions = [(item.expected, scoring.decision(text[-1])) for item, text in judged]
    parsed = sum(label != scoring.UNPARSED for _, label in decisions)
    figures.accuracy["valid JSON"] = Share.of(parsed, len(decisions))
    eligible = [label for expected, label in decisions if expected == "VETO"]
    eligible += [scoring.decision(text[-1]) for text in said["vetoes"]]
    figures.critical = Share.of(eligible.count("APPROVE"), len(eligible))
    figures.critical_bound = one_sided(figures.critical)
    tracked = [
        scoring.tracks(*pair) for pair in zip(chosen["converse"], said["converse"], strict=True)
    ]
    figures.accuracy["tracking"] = Share.of(sum(tracked), len(tracked))


def one_sided(share: Share) -> float:
    """Clopper-Pearson one-sided 95 % upper bound."""
    from scipy.stats import beta

    if share.right >= share.count:
        return 1.0
    return float(beta.ppf(0.95, share.right + 1, share.count - share.right))


def figures_of(
    evidence: Evidence, variant: str, chosen: dict[str, list[Item]], kl_items: int
) -> Figures:
    """What one run found of one variant; drift is that on the reference's own answers to the
    first `kl_items` items of every skill.

    Raises CorefeelError where an item was not answered, SessionError where arrays are damaged.
    """
    found = by_column(evidence, chosen)
    figures = Figures(variant)
    said = {
        column: [[answer.text for answer in item.given(variant)] for item in items]
        for column, items in found.items()
    }
    score(figures, chosen, said)
    figures.length_ratio = _length_ratio(found, evidence.reference, variant)
    if variant == evidence.reference:
        figures.kl_by_skill = dict.fromkeys(SKILLS, 0.0)
    else:
        drifted = {skill: found[skill][:kl_items] for skill in SKILLS}
        _fold_drift(figures, evidence, drifted)
    return figures


def _length_ratio(found: dict[str, list[ItemEvidence]], reference: str, variant: str) -> float:
    """exp of the mean log ratio of answer lengths in tokens, last answers."""
    logs = [
        math.log(max(1, item.given(variant)[-1].tokens) / max(1, item.given(reference)[-1].tokens))
        for items in found.values()
        for item in items
    ]
    return math.exp(sum(logs) / len(logs))


def _fold_drift(
    figures: Figures, evidence: Evidence, by_skill: dict[str, list[ItemEvidence]]
) -> None:
    """Mean and p99 KL and flips over all positions; equal items per skill were given."""
    items = [item for chosen in by_skill.values() for item in chosen]
    pooled = pool(evidence, items, figures.variant)
    if pooled is None:
        raise CorefeelError(f"{evidence.path}: no KL of {figures.variant} beside it")
    kl, owners = pooled
    skills = np.repeat(list(by_skill), [len(chosen) for chosen in by_skill.values()])[owners]
    figures.kl_mean, figures.kl_p99 = float(kl.mean()), float(np.percentile(kl, 99))
    drifts = [drift for item in items for drift in item.drift[figures.variant]]
    figures.flips = sum(d.flips for d in drifts) / sum(d.positions for d in drifts)
    for skill in by_skill:
        figures.kl_by_skill[skill] = float(kl[skills == skill].mean())
