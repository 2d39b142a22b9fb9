"""Comparisons as a plain generator of events: `for event in compare(...)`.

Knows loaded models, tokens and events; neither process, queue nor file.  A `None` between events
marks a point where another job may have a turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui.engine.answers import RunAnswers
from corefeel_tui.engine.lockstep import Lockstep, Start
from corefeel_tui.engine.measure import Measured
from corefeel_tui.engine.prefill import Prefixes
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.sampling import Sampling, make_picker
from corefeel_tui.engine.trajectories import PieceTexts


def compare(
    models: Mapping[str, Any],
    tokenizer: Any,
    questions: Sequence[Question],
    sampling: Sampling,
    pieces: PieceTexts,
    prefixes: Prefixes | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[ev.Event | None]:
    """Answer all `questions` with all `models` (name → mlx module, the reference first).

    The caller has announced the runs (`started`); every run ends with `item_finished`.  A variant
    that gives no finite numbers fails by name and the others go on; the reference ends its runs.
    """
    began = time.monotonic()
    reference = next(iter(models))
    runs = [RunAnswers(q, list(models), reference, tokenizer, pieces) for q in questions]
    lock = Lockstep(models, reference, make_picker(sampling), prefixes)
    starts = [
        Start(
            q.run,
            q.prompts,
            q.key,
            q.boundaries,
            dict.fromkeys(q.prompts, q.forced),
            last=q.last,
        )
        for q in questions
    ]
    broken = False
    for _ in lock.read(starts):
        if cancelled():
            break
        yield None
    else:
        for run in runs:
            yield from run.opening(lock.rows)
        while lock.rows and not broken and not cancelled():
            broken = yield from _advance(lock, runs, reference, began)
            yield None
    for run in runs:
        if not run.over:
            yield from run.cut_short()
            yield run.finished("failed" if broken else "cancelled", began)


def _advance(
    lock: Lockstep, runs: list[RunAnswers], reference: str, began: float
) -> Generator[ev.Event, None, bool]:
    """One position: choose, start the next passes, then measure what was chosen from.

    Returns whether the reference broke.
    """
    step = lock.take()
    for run in runs:
        run.take(step)
    lock.advance(step.choice, {owner for run in runs for owner in run.ending})
    measured = Measured(step, reference)
    for name in measured.broken():
        for run in runs:
            yield from run.fail(name, step.position)
        if name != reference:
            lock.drop(name)
    if reference in measured.broken():
        return True
    for run in runs:
        if not run.over:
            yield from run.tell(step, measured)
            if not run.live:
                yield run.finished("finished", began)
    return False
