"""Lines that give the gate's answer on a batch that is over, and where everything stands.

Pure: a run in, lines out.
"""

from __future__ import annotations

from textwrap import wrap

from corefeel_tui.text.inert import inert, one_line
from corefeel_tui.ui.batch.run import BatchRun
from corefeel_tui.ui.batch.view import Line

SAYS = {"pass": "SHIP", "fail": "DO NOT SHIP", "inconclusive": "CANNOT TELL YET"}
TONES = {"pass": "good", "fail": "alarm", "inconclusive": "warn"}
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


def answer_lines(run: BatchRun, width: int, rows: int) -> list[Line]:
    """The answer, as much of its paragraph as there is room for, and the report's command."""
    judgement = run.judgement
    if judgement is None or rows < 1:
        return []
    short = ", ".join(f"{x.variant} {MARKS[x.answer]}" for x in judgement.variants)
    head: Line = [
        ("text", " "),
        (TONES[judgement.answer], f" {SAYS[judgement.answer]} "),
        ("text", f"  {inert(short)}"),
    ]
    paragraph = wrap(one_line(judgement.paragraph, 4000), max(20, width - 2))
    room = max(0, rows - 2)
    shown = [[("text", f" {line}")] for line in paragraph[:room]]
    if len(paragraph) > room and shown:
        shown[-1] = [
            ("text", shown[-1][0][1][: width - 10]),
            ("accent", " … "),
            ("quiet", "g: all"),
        ]
    return [head, *shown, [("quiet", f" {command(run)}")]]


def command(run: BatchRun) -> str:
    """How to see the report in a shell."""
    return f"corefeel report {inert(run.path.stem)}" if run.path else ""
