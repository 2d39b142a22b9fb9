"""Judges a session's evidence under a policy: ship, do not ship, or cannot tell yet.

Knows criteria and how answers combine; measures nothing and needs no model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from corefeel_tui import criteria, tomlfile
from corefeel_tui import statistics as st
from corefeel_tui.binding import check_binding, rejudged
from corefeel_tui.criteria import Answer, Criterion, worst
from corefeel_tui.diagnostics import profile as diagnostics
from corefeel_tui.diagnostics.measurement import Tally
from corefeel_tui.diagnostics.profile import Profile
from corefeel_tui.errors import UsageError
from corefeel_tui.evidence import Evidence
from corefeel_tui.policy import Policy
from corefeel_tui.verdict_words import paragraph

EXIT = {"pass": 0, "fail": 1, "inconclusive": 3}


@dataclass(frozen=True, slots=True)
class VariantAnswer:
    """One variant's answer and every criterion behind it, the worst first."""

    variant: str
    answer: Answer
    criteria: tuple[Criterion, ...]
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> list[str]:
        """What to tell about it, in that order."""
        return [*(criterion.reason for criterion in self.criteria), *self.notes]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The gate's answer; `doubts` are reasons why no variant can pass."""

    answer: Answer
    variants: tuple[VariantAnswer, ...]
    control: str | None
    control_failed: bool
    doubts: tuple[str, ...]
    paragraph: str

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 inconclusive."""
        return EXIT[self.answer]

    def as_dict(self) -> dict[str, Any]:
        """The "gate" object of a report."""
        return {
            "answer": self.answer,
            "variants": {
                x.variant: {"answer": x.answer, "reasons": x.reasons} for x in self.variants
            },
            "control": {"name": self.control, "failed": self.control_failed},
        }


def measured(evidence: Evidence, policy: Policy) -> Profile:
    """The profile that this policy judges by."""
    return diagnostics.measure(rejudged(evidence, policy), policy.confidence)


def judge(profile: Profile, policy: Policy, only: Sequence[str] = ()) -> Judgement:
    """The answer for every judged variant, or those of `only`.

    Raises UsageError for a variant that is not judged and for evidence the policy is not bound to.
    """
    evidence = profile.evidence
    check_binding(evidence, policy)
    chosen = _chosen(evidence, only)
    control = evidence.control
    control_failed = control is not None and _criteria_answer(profile, policy, control) == "fail"
    doubts = tuple(_doubts(evidence, control_failed))
    answers = tuple(_variant(profile, policy, variant, doubts) for variant in chosen)
    answer = worst([x.answer for x in answers])
    judged = {x.variant: (x.answer, x.criteria) for x in answers}
    return Judgement(
        answer, answers, control, control_failed, doubts, paragraph(evidence, judged, doubts)
    )


def _chosen(evidence: Evidence, only: Sequence[str]) -> tuple[str, ...]:
    for name in only:
        if name in (evidence.reference, evidence.control):
            raise UsageError(
                f"“{name}” is never judged, it is what others are judged by; name a variant"
            )
        if name not in evidence.judged:
            raise UsageError(
                f"no variant is called “{name}”; {tomlfile.mend(name, list(evidence.judged))}"
            )
    return tuple(dict.fromkeys(only)) or evidence.judged


def _doubts(evidence: Evidence, control_failed: bool) -> list[str]:
    """What makes the whole measurement untrustworthy."""
    doubts = []
    if evidence.control is None:
        doubts.append(
            "no positive control was run, so nobody knows whether damage would have shown"
        )
    elif not control_failed:
        doubts.append(
            f"the positive control “{evidence.control}” did not fail, so nobody knows whether "
            "damage would have shown"
        )
    exact = evidence.floors.get("F0", {})
    if any(
        isinstance(value, float | int) and value
        for key, value in exact.items()
        if key.startswith("kl")
    ):
        doubts.append(
            "the reference run twice did not give itself (F0 is not 0), so this machine's "
            "numbers cannot be trusted"
        )
    return doubts


def _criteria(profile: Profile, policy: Policy, variant: str) -> list[Criterion]:
    found = [Criterion("ran", "fail", reason) for reason in _failures(profile.evidence, variant)]
    if variant in profile.collapsed and (policy.collapse or _cut_short(profile, variant)):
        answer: Answer = "fail" if policy.collapse else "inconclusive"
        found.append(Criterion("collapse", answer, f"collapsed: {profile.collapsed[variant]}"))
    found.append(
        criteria.critical(profile.critical_new(variant), policy.critical, policy.confidence)
    )
    limits = criteria.limits(profile.values[variant], policy.limit, policy.confidence)
    found += _unsized(limits) if _quick(profile, variant) else limits
    return sorted(found, key=lambda criterion: criteria.WORST.index(criterion.answer))


def _cut_short(profile: Profile, variant: str) -> bool:
    """Whether a variant was not asked everything for having collapsed."""
    stops = profile.evidence.stopped
    return any(stop.variant == variant and stop.rule == "collapse" for stop in stops)


def _quick(profile: Profile, variant: str) -> bool:
    """Whether the sequential test decided how many decisions there are."""
    stops = profile.evidence.stopped
    return any(stop.variant == variant and stop.rule != "collapse" for stop in stops)


def _unsized(judged: list[Criterion]) -> list[Criterion]:
    """Shares of a sample that ended because of what it showed fail nobody by themselves."""
    name = criteria.PLAIN["decision_flip_rate"]
    because = "the sequential test ended the sample early, so only a whole suite can fail it"
    return [
        replace(one, answer="inconclusive", reason=f"{one.reason}; {because}")
        if one.name == name and one.answer == "fail"
        else one
        for one in judged
    ]


def _criteria_answer(profile: Profile, policy: Policy, variant: str) -> Answer:
    return worst([criterion.answer for criterion in _criteria(profile, policy, variant)])


def _failures(evidence: Evidence, variant: str) -> list[str]:
    """Why a variant gave nothing, on the whole or on items."""
    whole = [f"{variant} failed: {evidence.failed[variant]}"] if variant in evidence.failed else []
    counted = Counter(item.failures[variant] for item in evidence.items if variant in item.failures)
    return whole + [
        f"{variant} failed on {n} items: {reason}" for reason, n in counted.most_common(3)
    ]


def _variant(
    profile: Profile, policy: Policy, variant: str, doubts: Sequence[str]
) -> VariantAnswer:
    found = tuple(_criteria(profile, policy, variant))
    answer = worst([criterion.answer for criterion in found])
    notes = (*doubts, *_sequential_notes(profile, variant), *_accuracy_notes(profile, variant))
    return VariantAnswer(variant, "inconclusive" if doubts else answer, found, notes)


SEQUENTIAL_SAYS = {
    "drifted": "more than chance: drifted",
    "ok": "no drift worth a longer run, as far as decisions go",
    "undecided": "too few to tell",
}


def _sequential_notes(profile: Profile, variant: str) -> list[str]:
    """The answers of quick mode's sequential test; they advise, the policy decides."""
    return [
        f"{suite}, sequential test (1 % against 5 % changed): {found.changed} of the first "
        f"{found.n} decisions changed, {SEQUENTIAL_SAYS[found.answer]}"
        for suite, found in profile.sequential.get(variant, {}).items()
    ]


def _accuracy_notes(profile: Profile, variant: str) -> list[str]:
    """What the accuracy test says, with the smallest change it could have seen."""
    return [
        _accuracy_note(metric.partition("/")[0], found.tally, found.p)
        for metric, found in profile.values[variant].items()
        if metric.endswith("/accuracy_shift") and found.tally and found.p is not None
    ]


def _accuracy_note(suite: str, tally: Tally, p: float) -> str:
    told = "differs" if p < 0.05 else "does not differ detectably"
    counts = f"{tally.count} gained, {tally.lost} lost of {tally.n}, McNemar p = {p:.2g}"
    visible = criteria.percent(st.smallest_change(tally.n))
    return (
        f"{suite} accuracy {told} from the reference's ({counts}; "
        f"a change of {visible} in one direction would have shown)"
    )
