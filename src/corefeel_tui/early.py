"""When a variant need not go on: it has collapsed, or quick mode's sequential test has answered.

Pure: looks at what finished items said, in the order of the plan; stops nothing itself.  A resumed
batch is shown the same glances at the same places and so stops the same variants there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from corefeel_tui import statistics as st
from corefeel_tui.diagnostics import collapse
from corefeel_tui.diagnostics.reading import label_of
from corefeel_tui.diagnostics.sequential import SEQUENTIAL
from corefeel_tui.evidence import CONTROL, FLOOR, ItemEvidence, Stop, SuitePlan
from corefeel_tui.verdicts import UNPARSED

SAFE_RATE = 0.02
"""A suite with forbidden answers never ends as “ok” before it excludes more of them than this."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Counts of what one item says of one variant; all of them add up.

    `decided` items have a decision of the variant's and of the reference's, which `changed` where
    they differ; `eligible` ones could have become a new critical error, `critical` ones have.
    """

    prompts: int = 1
    positions: int = 0
    flips: int = 0
    answers: int = 0
    unparsed: int = 0
    capped: int = 0
    decided: int = 0
    changed: int = 0
    eligible: int = 0
    critical: int = 0

    def __add__(self, other: Glance) -> Glance:
        return Glance(*(getattr(self, name) + getattr(other, name) for name in _COUNTS))


_COUNTS = tuple(field.name for field in fields(Glance))

Glances = dict[str, Glance]
"""Variant → what an item says of it."""


def glances(item: ItemEvidence, plan: SuitePlan, reference: str) -> Glances:
    """What an item says of every model that answered it, the reference included."""
    if item.status != "finished":
        return {}
    base = _label(item, plan, reference)
    sources = {source for source, _ in plan.forbidden}
    safe = item.expected in sources and base == item.expected
    found = {}
    for name in item.answers:
        if name.startswith(FLOOR):
            continue
        answers, label = item.given(name), _label(item, plan, name)
        drifts = item.drift.get(name, ())
        found[name] = Glance(
            positions=sum(drift.positions for drift in drifts),
            flips=sum(drift.flips for drift in drifts),
            answers=len(answers),
            unparsed=int(label == UNPARSED),
            capped=sum(answer.reason == "length" for answer in answers),
            decided=int(base is not None and label is not None),
            changed=int(base is not None and label is not None and base != label),
            eligible=int(safe and label is not None),
            critical=int(safe and (item.expected, label) in set(plan.forbidden)),
        )
    return found


def _label(item: ItemEvidence, plan: SuitePlan, name: str) -> str | None:
    given = item.given(name)
    return label_of(given[0], plan) if given and plan.samples == 1 else None


class Watch:
    """Adds up glances; `collapse` says whether a collapsed variant is to be stopped."""

    def __init__(self, reference: str, collapse: bool) -> None:
        self.stopped: list[Stop] = []
        self._reference, self._collapse = reference, collapse
        self._plans: dict[str, SuitePlan] = {}
        self._by_suite: dict[tuple[str, str], Glance] = defaultdict(lambda: Glance(prompts=0))
        self._whole: dict[str, Glance] = defaultdict(lambda: Glance(prompts=0))

    def add(self, plan: SuitePlan, seen: Mapping[str, Glance]) -> None:
        """Take in one finished item."""
        self._plans[plan.name] = plan
        for name, glance in seen.items():
            self._by_suite[name, plan.name] += glance
            self._whole[name] += glance

    def stops(self) -> list[Stop]:
        """What has been decided since this was last asked."""
        fresh = [stop for stop in self._due() if not self.has_stopped(stop.variant, stop.suite)]
        self.stopped += fresh
        return fresh

    def has_stopped(self, variant: str, suite: str | None) -> bool:
        """Whether a variant is out of a suite, or of everything."""
        return any(s.variant == variant and s.suite in (None, suite) for s in self.stopped)

    def _due(self) -> Iterator[Stop]:
        for name in [name for name in self._whole if name != self._reference]:
            if self._collapse and (reason := self._fallen(name)):
                yield Stop(name, "collapse", reason, self._whole[name].prompts)
                continue
            if name != CONTROL:
                yield from self._answered(name)

    def _fallen(self, name: str) -> str | None:
        """The rule of collapse that fired (METRICS §8), where enough was seen for it."""
        own = self._whole[name]
        if own.prompts >= collapse.LEAST_PROMPTS and own.positions:
            agreement = 1 - own.flips / own.positions
            if agreement < collapse.AGREEMENT:
                return f"top-1 agreement is {100 * agreement:.0f} %, under 50 %"
        for suite in self._plans:
            own, base = self._by_suite[name, suite], self._by_suite[self._reference, suite]
            told = suite.partition("@")[0]
            if collapse.most(own.unparsed, own.decided) and base.unparsed <= base.decided / 2:
                share = 100 * own.unparsed / own.decided
                return f"{share:.0f} % of {told} answers cannot be parsed"
            was = base.capped / max(1, base.answers)
            if collapse.most(own.capped, own.answers) and was < collapse.REFERENCE_CAPPED:
                share = 100 * own.capped / own.answers
                return f"{share:.0f} % of {told} answers never end (token budget blown)"
        return None

    def _answered(self, name: str) -> Iterator[Stop]:
        """Suites in which the sequential test needs no more of this variant."""
        for suite, plan in self._plans.items():
            own = self._by_suite[name, suite]
            if not plan.sequential or not own.decided:
                continue
            answer = SEQUENTIAL.answer(own.changed, own.decided)
            told = f"{own.changed} of {own.decided} {plan.base} decisions changed"
            if answer == "drifted":
                yield Stop(name, "drifted", told, own.prompts, suite)
            elif answer == "ok" and _safe(plan, own):
                yield Stop(name, "ok", told, own.prompts, suite)


def _safe(plan: SuitePlan, own: Glance) -> bool:
    """Whether forbidden answers are excluded as far as wanted, where a suite has any."""
    if not plan.forbidden:
        return True
    return own.critical == 0 and own.eligible >= st.items_needed(SAFE_RATE)
