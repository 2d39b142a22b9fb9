"""Sessions as lists and at length, on a terminal.

Knows their glances and records; reads no file.
"""

from __future__ import annotations

from pathlib import Path

from corefeel_tui.events import SessionHeader
from corefeel_tui.folding import Record
from corefeel_tui.report import terminal as t
from corefeel_tui.report.run import print_run
from corefeel_tui.report.score import print_score
from corefeel_tui.sessions import SessionInfo
from corefeel_tui.text.inert import one_line


def print_sessions(sessions: list[SessionInfo], directory: Path) -> None:
    """One line a session, newest first."""
    out = t.console()
    if not sessions:
        out.print(t.line(f"no sessions in {directory}"))
        return
    rows = [
        [info.path.stem, info.model, str(info.runs), info.status, one_line(info.first_prompt, 40)]
        for info in sessions
    ]
    headings = ("session", "model", "runs", "status", "first prompt")
    out.print(t.table(headings, rows, ("model", "status", "first prompt")))


def print_session(header: SessionHeader, record: Record, path: Path) -> None:
    """Every run of a session."""
    out = t.console()
    variants = ", ".join(str(variant.get("name")) for variant in header.variants)
    parts = [header.model, variants, header.created, header.execution, record.ending or "cut off"]
    out.print(t.line((" · ".join(part for part in parts if part), "bold")))
    for run in record.runs.values():
        out.print()
        print_run(record, run, path)
    for result in record.scored.values():
        out.print()
        print_score(result, path)
