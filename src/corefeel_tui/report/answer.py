"""The top of the Markdown page: the gate's answer, why, and every demand it was judged by.

Knows judgements and the form of a page; measures and judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from corefeel_tui.gate import Judgement, VariantAnswer
from corefeel_tui.report.evaluation import Evaluation, counts
from corefeel_tui.report.tables import cell, table

SAYS = {"pass": "ship", "fail": "do not ship", "inconclusive": "cannot tell yet"}
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


def answer(evaluation: Evaluation) -> Iterator[str]:
    """The question, its answer in one paragraph and a table, and what was left out."""
    judgement, evidence = evaluation.judgement, evaluation.evidence
    yield f"# May {cell(evidence.header.model)} ship quantized?"
    yield cell(judgement.paragraph)
    rows = [(x.variant, f"**{SAYS[x.answer]}**", _because(x)) for x in judgement.variants]
    if rows:
        yield table(("variant", "answer", "because"), rows)
    yield _control(judgement)
    for stop in evidence.stopped:
        where = f"of {stop.suite} " if stop.suite else ""
        yield cell(f"{stop.variant} was asked no more {where}after {stop.items}: {stop.reason}.")
    number = counts(evidence)
    skipped = [item for item in evidence.items if item.status != "finished"]
    if skipped:
        shown = [f"{item.id} ({item.reason or item.status})" for item in skipped[:10]]
        more = f" and {len(skipped) - 10} more" if len(skipped) > 10 else ""
        yield f"{len(skipped)} of {number['planned']} items gave nothing: {', '.join(shown)}{more}."


def _control(judgement: Judgement) -> str:
    """What became of the model that has to fail."""
    if judgement.control is None:
        return "Positive control: none was run, so nobody knows whether damage would have shown."
    told = (
        "failed, as it must: these items show damage"
        if judgement.control_failed
        else "did **not** fail: these items show no damage, whatever there is"
    )
    return (
        f"Positive control: “{cell(judgement.control)}”, the reference with its weights "
        f"scrambled on purpose, {told}."
    )


def _because(one: VariantAnswer) -> str:
    """The first reason of the answer, and how many more there are."""
    made = [x.told for x in one.criteria if x.answer == one.answer]
    if not made:
        return one.notes[0] if one.notes else ""
    return made[0] + (f" (and {len(made) - 1} more, below)" if len(made) > 1 else "")


def demands(evaluation: Evaluation) -> Iterator[str]:
    """Every demand of the policy and how each variant met it."""
    yield "## Every demand, judged"
    for one in evaluation.judgement.variants:
        yield f"### {cell(one.variant)}: {SAYS[one.answer]}"
        marked = [f"- {MARKS[x.answer]} {cell(x.reason)}" for x in one.criteria]
        yield "\n".join([*marked, *(f"- {cell(note)}" for note in one.notes)])
