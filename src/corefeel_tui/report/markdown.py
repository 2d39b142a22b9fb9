"""The evaluation as a page of Markdown: the answer first, then what it rests on.

Knows how a page is laid out; text that a model wrote is quoted inert, never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corefeel_tui import statistics as st
from corefeel_tui.diagnostics.measurement import Measurement
from corefeel_tui.diagnostics.profile import Values
from corefeel_tui.report.answer import answer, demands
from corefeel_tui.report.evaluation import Evaluation
from corefeel_tui.report.figures import (
    ROLES_IN_WORDS,
    figure,
    headline,
    interval,
    neutral,
    titled,
    words,
)
from corefeel_tui.report.provenance import provenance
from corefeel_tui.report.tables import cell, confusions, grids, table
from corefeel_tui.report.telling import Telling, telling
from corefeel_tui.roles import ROLES
from corefeel_tui.text.inert import inert_lines, one_line
from corefeel_tui.text.numbers import MISSING

FALSE_DISCOVERIES = 0.10
QUOTED = 600
"""Characters of an answer that are shown; of a prompt twice as many."""
SHORT = 120
"""Characters up to which a prompt stands in its line."""

GLOSSARY = """\
**Reference** is the model all others are compared with, **variants** are that model under a
treatment. **KL** is how far a variant's next-token distribution lies from the reference's on the
same text (0 = the same). A **critical error** is a forbidden answer, such as APPROVE where VETO
was right; **new** ones count only where the reference was right. A **floor** is what the same
measurement reads when nothing was quantized: values at or below it cannot be told from zero. The
**control** is a deliberately damaged variant: if it passed, the items could show nothing.
Intervals hold 95 % of the time over other prompts like these. “Changed” means: significant after
holding false discoveries over all metrics of this page to 10 %."""


def render(evaluation: Evaluation) -> str:
    """The page."""
    parts = [
        *answer(evaluation),
        *_headlines(evaluation),
        *demands(evaluation),
        *_telling(evaluation),
        *confusions(evaluation),
        *grids(evaluation),
        *_roles(evaluation),
        *_claims(evaluation),
        *_profiles(evaluation),
        "## How this was measured",
        table(("what", "value"), provenance(evaluation.evidence)),
        "## Words",
        GLOSSARY,
    ]
    return "\n\n".join(parts) + "\n"


def _headlines(evaluation: Evaluation) -> Iterator[str]:
    """The figures that matter most, variants side by side."""
    values, evidence = evaluation.profile.values, evaluation.evidence
    shown, judged = (evidence.reference, *evidence.judged), evidence.judged
    metrics = dict.fromkeys(m for variant in judged for m in values[variant] if headline(m))
    rows = [
        (
            titled(metric),
            *(_figures(metric, values[name].get(metric)) for name in shown),
            _floor_of(metric, [values[variant].get(metric) for variant in judged]),
        )
        for metric in metrics
    ]
    yield "## What changed"
    if not rows:
        yield "Nothing was measured."
        return
    yield table(("", *shown, "floor"), rows)
    yield (
        "Values with their 95 % intervals, and what the same reads when nothing was quantized "
        "(floor). Every measurement stands further below, what the words mean at the very end."
    )


def _floor_of(metric: str, found: Sequence[Measurement | None]) -> str:
    """A metric's floor, which is the same for every variant."""
    known = (one.floor for one in found if one is not None and one.floor is not None)
    return figure(metric, next(known, None))


def _figures(metric: str, found: Measurement | None) -> str:
    if found is None or found.value is None:
        return MISSING
    told = figure(metric, found.value)
    return told if found.low is None else f"{told} ({interval(metric, found)})"


def _roles(evaluation: Evaluation) -> Iterator[str]:
    """Drift at verdict words, negations, names …, variants side by side."""
    values, judged = evaluation.profile.values, evaluation.evidence.judged
    places = {metric for variant in judged for metric in values[variant]}
    rows = [
        (
            ROLES_IN_WORDS.get(role, role),
            *(_at_role(values[variant], role) for variant in judged),
        )
        for role in ROLES
        if f"kl_at_role/{role}" in places
    ]
    if rows:
        yield "## Where in the answers it drifted"
        yield table(("", *judged), rows)
        yield "Mean KL per token in nats, and how often the first choice changed there."


def _at_role(values: Values, role: str) -> str:
    kl, flips = values.get(f"kl_at_role/{role}"), values.get(f"flips_at_role/{role}")
    if kl is None or flips is None:
        return MISSING
    return f"{figure(kl.metric, kl.value)}, {figure(flips.metric, flips.value)}"


def _profiles(evaluation: Evaluation) -> Iterator[str]:
    """Every measurement of every variant."""
    profile = evaluation.profile
    changed = changed_metrics(evaluation)
    yield "## Every measurement"
    for variant in evaluation.evidence.judged:
        rows = [
            (
                metric,
                words(metric),
                figure(metric, found.value),
                interval(metric, found),
                figure(metric, found.floor),
                str(found.n),
                reading(metric, found, (variant, metric) in changed),
            )
            for metric, found in profile.values[variant].items()
        ]
        yield f"### {cell(variant)}, measured"
        heading = ("metric", "in words", "value", "95 % interval", "floor", "prompts", "reading")
        yield table(heading, rows) if rows else "Nothing was measured."


def changed_metrics(evaluation: Evaluation) -> set[tuple[str, str]]:
    """(variant, metric) whose change is significant among all that were tested."""
    tested = [
        (variant, metric, found.p)
        for variant in evaluation.evidence.judged
        for metric, found in evaluation.profile.values[variant].items()
        if found.p is not None
    ]
    adjusted = st.benjamini_hochberg([p for _, _, p in tested])
    return {
        (variant, metric)
        for (variant, metric, _), q in zip(tested, adjusted, strict=True)
        if q <= FALSE_DISCOVERIES
    }


def reading(metric: str, found: Measurement, changed: bool) -> str:
    """What the row says in a few words."""
    if found.value is None:
        return found.note or "not measured"
    still = neutral(metric)
    told = []
    if found.floor is not None and still is not None and abs(found.value - still) > 0:
        told += ["not above the floor"] * (abs(found.value - still) <= abs(found.floor - still))
    if changed:
        told.append("changed")
    elif found.p is not None:
        told.append(_no_finding(metric, found))
    return "; ".join([*told, *([found.note] if found.note else [])])


def _no_finding(metric: str, found: Measurement) -> str:
    """No change was shown: the smallest that would have been."""
    if found.tally is not None:
        return f"no change shown; {100 * st.smallest_change(found.n):.1f} % would have been"
    if found.low is None or found.high is None:
        return "no change shown"
    if found.low == found.high:
        return "no change at all"
    return f"no change shown; about ±{0.7 * (found.high - found.low):.2g} would have been"


def _telling(evaluation: Evaluation) -> Iterator[str]:
    found = telling(evaluation.profile)
    yield "## The most telling items"
    if not found:
        yield "No variant answered any item differently."
    for number, one in enumerate(found, start=1):
        yield f"### {number}. {cell(f'{one.suite}/{one.item.id}, {one.variant}: {one.why}')}"
        yield _facts(one)
        yield _answered(evaluation.evidence.reference, one.reference_text)
        yield _answered(one.variant, one.text)


def _answered(who: str, text: str) -> str:
    if not text.strip():
        return f"{cell(who)} answered nothing."
    return f"{cell(who)} answered:\n\n{quoted(text)}"


def _facts(one: Telling) -> str:
    """What was asked, whole where it is not too long, and what would have been right."""
    prompt = one.item.prompt
    if not prompt:
        asked = "The prompt was not stored."
    elif len(prompt) > SHORT or "\n" in prompt:
        asked = f"Asked:\n\n{quoted(prompt, 2 * QUOTED)}"
    else:
        asked = f"Asked: “{cell(one_line(prompt, SHORT))}”"
    return asked + (f"\n\nRight: {cell(one.item.expected)}." if one.item.expected else "")


def quoted(text: str, most: int = QUOTED) -> str:
    """Foreign words, up to so many characters, in a fence that they cannot close."""
    shown = inert_lines(text[:most]) + (" …" if len(text) > most else "")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _claims(evaluation: Evaluation) -> Iterator[str]:
    yield "## Claims about quantization, tested here"
    if not evaluation.findings:
        yield "No claim on file speaks of these variants."
        return
    rows = [
        (
            finding.claim.text,
            finding.variant,
            finding.claim.figure,
            figure(finding.claim.metric, finding.value),
            interval(finding.claim.metric, finding),
            str(finding.n),
            finding.answer + (f" ({finding.note})" if finding.note else ""),
        )
        for finding in evaluation.findings
    ]
    yield table(("claim", "variant", "claimed", "here", "95 % interval", "prompts", "answer"), rows)
