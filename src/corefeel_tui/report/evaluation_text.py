"""The evaluation and the gate's answer on a terminal.

Knows which figures a person wants first; the whole is in the Markdown and JSON forms.
"""

from __future__ import annotations

from corefeel_tui.criteria import Criterion
from corefeel_tui.gate import Judgement
from corefeel_tui.report import terminal as t
from corefeel_tui.report.evaluation import Evaluation, counts
from corefeel_tui.report.figures import figure, headline, interval, titled
from corefeel_tui.report.telling import telling
from corefeel_tui.text.inert import one_line

SAYS = {"pass": "ship", "fail": "do not ship", "inconclusive": "cannot tell yet"}
STYLES = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


def print_gate(judgement: Judgement) -> None:
    """The paragraph, then every criterion."""
    out = t.console()
    out.print(t.line((SAYS[judgement.answer].upper(), STYLES[judgement.answer])))
    out.print(t.line(judgement.paragraph))
    for variant in judgement.variants:
        out.print()
        out.print(
            t.line((variant.variant, "bold"), "  ", (SAYS[variant.answer], STYLES[variant.answer]))
        )
        for criterion in variant.criteria:
            out.print(_line(criterion))
        for note in variant.notes:
            out.print(t.line("  · ", note))


def _line(criterion: Criterion) -> object:
    return t.line("  ", (MARKS[criterion.answer], STYLES[criterion.answer]), " ", criterion.reason)


def print_evaluation(evaluation: Evaluation) -> None:
    """The answer, headline figures, telling items, claims."""
    out = t.console()
    evidence = evaluation.evidence
    number = counts(evidence)
    print_gate(evaluation.judgement)
    for variant in evidence.judged:
        values = evaluation.profile.values[variant]
        rows = [
            [
                titled(metric),
                figure(metric, found.value),
                interval(metric, found),
                figure(metric, found.floor),
                str(found.n),
            ]
            for metric, found in values.items()
            if headline(metric) and found.value is not None
        ]
        out.print()
        out.print(t.line((variant, "bold")))
        out.print(t.table(("figure", "value", "95 % interval", "floor", "prompts"), rows))
    _print_telling(evaluation)
    _print_claims(evaluation)
    out.print()
    done = f"{number['finished']} of {number['planned']} items, {number['skipped']} skipped"
    parts = [evidence.header.model, done, evidence.header.execution, str(evidence.path)]
    out.print(t.line((" · ".join(part for part in parts if part), "dim")))


def _print_telling(evaluation: Evaluation) -> None:
    out = t.console()
    found = telling(evaluation.profile)
    if found:
        out.print()
        out.print(t.line(("most telling items", "bold")))
        rows = [
            [f"{x.suite}/{x.item.id}", x.variant, x.why, one_line(x.item.prompt, 50)] for x in found
        ]
        out.print(t.table(("item", "variant", "why", "prompt"), rows))


def _print_claims(evaluation: Evaluation) -> None:
    if not evaluation.findings:
        return
    out = t.console()
    out.print()
    out.print(t.line(("claims tested", "bold")))
    rows = [
        [
            x.claim.text,
            x.variant,
            figure(x.claim.metric, x.value),
            interval(x.claim.metric, x),
            x.answer,
        ]
        for x in evaluation.findings
    ]
    out.print(t.table(("claim", "variant", "here", "95 % interval", "answer"), rows))
