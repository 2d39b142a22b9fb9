"""Which prompt the Edge screen opens on: what is being written, else what was asked last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui.edge.fold import EdgeRecord
from corefeel_tui.edge.readouts import Readout
from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.edge.subject import Subject, of_run, readout_of

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp

Seed = tuple[object, Subject]
"""Where a subject came from, so that it is taken over once, and the subject."""


def seed(app: CorefeelApp, record: EdgeRecord, last: object) -> Seed | None:
    """Another subject than the last that was taken over; None if there is none."""
    found = _recorded(record) if not app.shown.live else _written(app) or _asked(app)
    return found if found is not None and found[0] != last else None


def _written(app: CorefeelApp) -> Seed | None:
    """What stands in the prompt bar."""
    text, question = app.compare.prompt.text, app.desk.question
    if not text.strip():
        return None
    readout = readout_of(question.verdict, question.suite, app.desk.pocket)
    system = question.system or None
    return text, Subject(text, readout, system, thinking=question.thinking)


def _asked(app: CorefeelApp) -> Seed | None:
    """What the run on show asked."""
    run = app.compare.reading.run
    return (run.started.run, of_run(run, app.desk.pocket)) if run else None


def _recorded(record: EdgeRecord) -> Seed | None:
    """What was weighed last in a recording."""
    bases = [meter.latest for meter in record.meters.values()]
    bases += [scan.base for scan in record.scans.values()]
    for base in reversed(bases):
        if base is not None:
            return base.run, Subject(base.prompt, _readout(base.readout), base.system)
    return None


def _readout(data: dict[str, object]) -> Readout:
    try:
        return Readout.from_dict(data)
    except (CorefeelError, KeyError, ValueError):
        return readout_of(None, None, False)
