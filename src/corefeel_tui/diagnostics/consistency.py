"""Self-consistency: k sampled answers to one problem, how they agree and whether they are right.

Knows labels of samples and checkable steps; nothing of how noise was coupled.  Total variation
between two samples of 8 is large by chance: only its floor (another seed) says how large.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from corefeel_tui.diagnostics.checks import holds
from corefeel_tui.diagnostics.measurement import Draft, Result, mean, rate, shift
from corefeel_tui.diagnostics.reading import normalised
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.evidence import ItemEvidence
from corefeel_tui.verdicts import UNPARSED


def measure(sheet: Sheet, variant: str) -> Iterator[Result]:
    """Agreement, the majority's correctness, distance to the reference's answers, steps."""
    items = [i for i in sheet.items if i.given(variant) and i.given(sheet.reference)]
    if not items:
        return
    own = [Counter(sheet.labelled(item, variant)) for item in items]
    base = [Counter(sheet.labelled(item, sheet.reference)) for item in items]
    agreement = [agreed(answers) for answers in own]
    yield Draft("agreement_mean", agreement, [1.0] * len(items))
    judged = [
        (right(item, before), right(item, after))
        for item, before, after in zip(items, base, own, strict=True)
        if item.expected is not None
    ]
    change = shift("majority_accuracy_shift", judged)
    yield rate("majority_accuracy", sum(after for _, after in judged), len(judged), p=change.p)
    if variant != sheet.reference:
        yield change
        yield mean("agreement_shift", [a - agreed(b) for a, b in zip(agreement, base, strict=True)])
        yield Draft(
            "answer_tv_mean",
            [total_variation(a, b) for a, b in zip(own, base, strict=True)],
            [1.0] * len(items),
        )
    yield from _steps(sheet, variant, items)


def agreed(answers: Counter[str]) -> float:
    """Share of the commonest answer."""
    return max(answers.values()) / answers.total()


def majority(answers: Counter[str]) -> str:
    """The commonest answer; a tie is none, and what could not be read never wins."""
    readable = Counter({label: n for label, n in answers.items() if label != UNPARSED})
    first, second, *_ = [*readable.most_common(2), (UNPARSED, 0), (UNPARSED, 0)]
    return UNPARSED if first[1] == second[1] else first[0]


def right(item: ItemEvidence, answers: Counter[str]) -> bool:
    """Whether the majority answers as expected."""
    given = majority(answers)
    return given == item.expected or normalised(given) == normalised(item.expected or "")


def total_variation(a: Counter[str], b: Counter[str]) -> float:
    """½ Σ |p − q| between two answer distributions."""
    return sum(abs(a[x] / a.total() - b[x] / b.total()) for x in a | b) / 2


def _steps(sheet: Sheet, variant: str, items: list[ItemEvidence]) -> Iterator[Result]:
    """How many of the checkable steps stand in the answers: the depth of what was reasoned."""
    worked = [item for item in items if any(check.kind == "step" for check in item.checks)]
    if not worked:
        return
    own = [steps_found(item, variant) for item in worked]
    wanted = [float(sum(check.kind == "step" for check in item.checks)) for item in worked]
    yield Draft("steps_correct_rate", own, wanted)
    if variant != sheet.reference:
        yield Draft("depth_ratio", own, [steps_found(item, sheet.reference) for item in worked])


def steps_found(item: ItemEvidence, variant: str) -> float:
    """Mean number of checkable steps over the samples."""
    steps = [check for check in item.checks if check.kind == "step"]
    given = item.given(variant)
    return sum(holds(step, answer) for answer in given for step in steps) / max(1, len(given))
