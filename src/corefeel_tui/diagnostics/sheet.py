"""One suite's finished items beside every variant's labels: what the diagnostics read.

Knows evidence and how to read a label; measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from corefeel_tui.diagnostics.reading import label_of
from corefeel_tui.evidence import Answer, Evidence, ItemEvidence, SuitePlan
from corefeel_tui.verdicts import UNPARSED


@dataclass(frozen=True)
class Sheet:
    """`variants` are all models with answers or drift, pseudo variants of floors included."""

    name: str
    plan: SuitePlan
    items: tuple[ItemEvidence, ...]
    reference: str
    variants: tuple[str, ...]
    calibrated: frozenset[str] = frozenset()
    """Variants whose treatment saw data."""

    @cached_property
    def labels(self) -> dict[str, list[str | None]]:
        """Each variant's label per item; None where it gave no answer or none is asked for."""
        return {
            variant: [self._label(item, variant) for item in self.items]
            for variant in self.variants
        }

    def _label(self, item: ItemEvidence, variant: str) -> str | None:
        given = item.given(variant)
        return label_of(given[0], self.plan) if given else None

    @cached_property
    def has_labels(self) -> bool:
        """Whether answers carry one verdict each."""
        return bool(self.plan.verdict) and self.plan.samples == 1

    def decided(self, variant: str) -> Iterator[tuple[ItemEvidence, str, str]]:
        """(item, the reference's label, the variant's) where both answered."""
        rows = zip(self.items, self.labels[self.reference], self.labels[variant], strict=True)
        return ((item, base, given) for item, base, given in rows if base and given)

    def answered(self, variant: str) -> Iterator[tuple[ItemEvidence, Answer, Answer]]:
        """(item, the reference's first answer, the variant's) where both answered."""
        for item in self.items:
            base, given = item.given(self.reference), item.given(variant)
            if base and given:
                yield item, base[0], given[0]

    def labelled(self, item: ItemEvidence, variant: str) -> list[str]:
        """Labels of all samples."""
        return [label_of(answer, self.plan) or UNPARSED for answer in item.given(variant)]


CALIBRATED = ("gptq", "awq", "dwq", "smoothquant")


def sheets(evidence: Evidence) -> list[Sheet]:
    """One per suite that has finished items."""
    calibrated = frozenset(
        str(v.get("name"))
        for v in evidence.header.variants
        if str(v.get("treatment") or v.get("name")).lower().startswith(CALIBRATED)
    )
    made = []
    for plan in evidence.suites:
        items = evidence.of(plan)
        models = (*evidence.variants, *evidence.floor_variants)
        present = tuple(m for m in models if any(m in i.answers or m in i.drift for i in items))
        if items:
            made.append(
                Sheet(evidence.label(plan), plan, items, evidence.reference, present, calibrated)
            )
    return made
