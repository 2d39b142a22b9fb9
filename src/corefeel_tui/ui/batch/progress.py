"""Lines that say how far the batches are: the queue, the suites, when it will be over.

Pure: runs in, lines out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from corefeel_tui.batch_pace import duration, foretold
from corefeel_tui.text.inert import inert, one_line
from corefeel_tui.ui.batch.answer import SAYS
from corefeel_tui.ui.batch.run import BatchRun, State, head_of
from corefeel_tui.ui.batch.view import Line, bar

if TYPE_CHECKING:
    from corefeel_tui.batch_fold import SuiteProgress

TONES = {
    State.RUNNING: "accent",
    State.FINISHED: "good",
    State.STOPPED: "alarm",
    State.FAILED: "alarm",
    State.PAUSED: "warn",
    State.CANCELLED: "warn",
}
LONGEST_TITLE = 30


def queue_lines(
    runs: Sequence[BatchRun], chosen: str, rows: int, width: int, ready: bool = True
) -> list[Line]:
    """One line a run, the chosen one among them however few rows there are."""
    at = next((i for i, run in enumerate(runs) if run.name == chosen), 0)
    start = max(0, min(at - rows // 2, len(runs) - rows))
    titles = max((len(inert(run.title)) for run in runs), default=0)
    return [
        _queue_line(run, run.name == chosen, min(titles, LONGEST_TITLE), width, ready)
        for run in runs[start : start + rows]
    ]


def _queue_line(run: BatchRun, chosen: bool, titles: int, width: int, ready: bool) -> Line:
    tally = run.tally
    title = one_line(run.title, titles).ljust(titles)
    state = run.state.value
    if run.state is State.QUEUED and tally.done:
        state = "waits" if ready else "cut off"
    line: Line = [
        ("accent" if chosen else "faint", "▸ " if chosen else "  "),
        ("strong" if chosen else "text", title),
        (TONES.get(run.state, "quiet"), f"  {state:<9}"),
    ]
    if tally.planned:
        line += [
            ("text", f"{tally.done:>5} of {tally.planned:<5}"),
            *bar(run.fraction, 12 if width < 100 else 20),
            ("text", f" {100 * run.fraction:3.0f} %  "),
        ]
    if run.state is State.FINISHED and run.judgement is not None:
        return [*line, ("strong", SAYS[run.judgement.answer].lower())]
    words = run.reason if run.state in (State.STOPPED, State.FAILED) else forecast(run)
    return [*line, ("quiet", one_line(words, 160))]


def forecast(run: BatchRun) -> str:
    """When it will be over, as far as that was measured; "" while nothing was."""
    if run.state is not State.RUNNING or not run.tally.planned:
        return ""
    return foretold(run.tally)


def suite_lines(run: BatchRun, width: int, rows: int) -> list[Line]:
    """One line a suite; where there are not that many rows, the one that runs and a count."""
    suites = list(run.tally.suites.values())
    if rows <= 0:
        return []
    names = max((len(suite.plan.base) for suite in suites), default=0)
    if len(suites) <= rows:
        return [_suite_line(suite, names, width, run) for suite in suites]
    current = run.tally.current or suites[-1]
    ended = sum(suite.done >= suite.plan.items for suite in suites)
    count = ("quiet", f"  suite {min(ended + 1, len(suites))} of {len(suites)}")
    return [[*_suite_line(current, names, width - 16, run), count]]


def _suite_line(suite: SuiteProgress, names: int, width: int, run: BatchRun) -> Line:
    planned = suite.plan.items
    over = suite.done >= planned
    line: Line = [
        ("text" if suite.done or suite.begun else "quiet", f"  {inert(suite.plan.base):<{names}}"),
        ("text" if suite.done else "faint", f"{suite.done:>5} of {planned:<4}"),
        *bar(suite.done / planned if planned else 1.0, max(6, min(18, width - names - 34))),
    ]
    words = "done" if over else ""
    if not over and suite.left is not None and run.state is State.RUNNING:
        words = duration(suite.left)
    if suite.skipped:
        words = f"{words} · {suite.skipped} skipped".removeprefix(" · ")
    return [*line, ("quiet", f" {words}")]


def summary(runs: Sequence[BatchRun]) -> str:
    """For the status around the panes: what the batch is at, in few characters."""
    head = head_of(runs)
    if head is None:
        return ""
    if head.state is State.RUNNING:
        return f"batch {100 * head.fraction:.0f} %"
    return f"batch {head.state.value}"
