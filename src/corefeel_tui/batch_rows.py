"""One finished item → the rows that a list of disagreements has for it.

Pure.  A row is a variant that answered otherwise than the reference, or an item where none did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from corefeel_tui.diagnostics import decisions
from corefeel_tui.evidence import CONTROL, FLOOR, ItemEvidence, SuitePlan


@dataclass(frozen=True, slots=True)
class Row:
    """`rank` orders: critical, flip, other words, same, not run.

    `variants` holds the one that flipped, or all whose words differ.  Margins are log-odds in nats
    between the two labels that matter; `kl` is the largest mean KL (nats) of any variant.
    """

    CRITICAL: ClassVar[int] = 0
    FLIP: ClassVar[int] = 1
    WORDS: ClassVar[int] = 2
    SAME: ClassVar[int] = 3
    NOT_RUN: ClassVar[int] = 4

    rank: int
    run: str
    suite: str
    item: str
    variants: tuple[str, ...] = ()
    reference_label: str = ""
    label: str = ""
    reference_margin: float | None = None
    margin: float | None = None
    expected: str = ""
    kl: float | None = None
    reason: str = ""

    @property
    def order(self) -> tuple[int, float, str, str, tuple[str, ...]]:
        """Worst first; within a rank the largest move of the margin, then of the text."""
        moved = 0.0
        if self.margin is not None and self.reference_margin is not None:
            moved = abs(self.margin - self.reference_margin)
        return self.rank, -(moved or self.kl or 0.0), self.suite, self.item, self.variants


def rows_of(
    run: str,
    plan: SuitePlan,
    item: ItemEvidence,
    labels: Mapping[str, str | None],
    margins: Mapping[str, float | None],
    reference: str,
) -> Iterator[Row]:
    """The rows of one item; the control has none, it is meant to differ."""
    if item.status != "finished":
        yield Row(Row.NOT_RUN, run, item.suite, item.id, reason=item.reason or item.status)
        return
    kl = _largest_kl(item)
    base = labels.get(reference) or ""
    expected = item.expected or ""
    flipped = [name for name in _judged(labels, reference) if labels[name] and labels[name] != base]
    for name in flipped if base else ():
        label = labels[name] or ""
        critical = base == item.expected and (base, label) in set(plan.forbidden)
        yield Row(
            Row.CRITICAL if critical else Row.FLIP,
            run,
            item.suite,
            item.id,
            (name,),
            base,
            label,
            _margin(plan, item, reference, margins),
            _margin(plan, item, name, margins),
            expected,
            kl,
        )
    if not flipped:
        other = tuple(n for n in _judged(item.answers, reference) if _differs(item, n, reference))
        own = _margin(plan, item, reference, margins) if base else None
        yield Row(
            Row.WORDS if other else Row.SAME,
            run,
            item.suite,
            item.id,
            other,
            base,
            base,
            own,
            own,
            expected,
            kl,
        )


def _judged(names: Mapping[str, object], reference: str) -> list[str]:
    return [n for n in names if n not in (reference, CONTROL) and not n.startswith(FLOOR)]


def _differs(item: ItemEvidence, name: str, reference: str) -> bool:
    mine, base = item.given(name), item.given(reference)
    return [answer.text for answer in mine] != [answer.text for answer in base]


def _largest_kl(item: ItemEvidence) -> float | None:
    judged = _judged(item.drift, "")
    means = [d.kl_sum / d.positions for n in judged for d in item.drift[n] if d.positions]
    return max(means, default=None)


def _margin(
    plan: SuitePlan, item: ItemEvidence, name: str, margins: Mapping[str, float | None]
) -> float | None:
    """From the constrained readout where there is one, else where the answer decided."""
    if readout := item.readout.get(name):
        return decisions.margin(readout, *decisions.margin_labels(plan))
    return margins.get(name)
