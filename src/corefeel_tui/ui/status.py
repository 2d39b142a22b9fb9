"""What the status bar says of the app.  Reads the app's state, changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from corefeel_tui.folding import Record
from corefeel_tui.text.inert import one_line
from corefeel_tui.text.numbers import plural, rate, short, size
from corefeel_tui.ui.keeping import sentence
from corefeel_tui.ui.text import facts
from corefeel_tui.ui.widgets.status_bar import StatusLine

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp

MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def model_name(record: Record, asked: str | None = None) -> str:
    """The name of the model that answers, or of the one asked for."""
    return short_name(record.loaded.model if record.loaded else asked)


def short_name(model: str | None) -> str:
    """A model's name, shortened to its last part."""
    return one_line((model or "Pocket").rstrip("/").rsplit("/", 1)[-1], 32)


def status_line(app: CorefeelApp) -> StatusLine:
    """The status of what is shown; memory and saving are always the live engine's."""
    feed, record = app.shown, app.shown.record
    count = len(app.compare.board.panes.names)
    floor = facts.floor_of(record)
    memory = app.desk.live.record.status
    parts = (
        plural(count, "model") if count else "",
        f"{size(memory.memory_bytes)} of {size(MEMORY)}" if memory and feed.live else "",
        rate(feed.rate if app.desk.running else None),
        f"floor {short(floor)}" if floor is not None else "",
        facts.execution(record),
    )
    alarm = app.desk.alarm
    if app.desk.died:
        alarm = "engine ended · ^R restarts it"
    elif facts.broken_floor(record):
        alarm = "an identical rerun differs: no number here can be trusted"
    return StatusLine(
        model=model_name(record, app.desk.load.model if app.desk.load else None),
        facts=tuple(part for part in parts if part),
        alarm=alarm,
        source=app.player.label(feed),
        saving=sentence(app.keeper) if app.desk.live.live else "",
        view=app.compare.reading.view,
    )
