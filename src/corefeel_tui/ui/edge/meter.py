"""The top of the Edge screen: which model, the needles, and what they say in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui.text.inert import inert
from corefeel_tui.ui.edge.needles import meter_lines, sentences
from corefeel_tui.ui.edge.painting import EdgeLines, Line
from corefeel_tui.ui.keeping import sentence
from corefeel_tui.ui.status import model_name

if TYPE_CHECKING:
    from corefeel_tui.ui.edge.screen import EdgeScreen

EMPTY: list[Line] = [
    [
        ("strong", " Write a prompt that asks for a verdict, or "),
        ("key", "^T"),
        ("strong", " takes one; the needles follow."),
    ],
    [
        ("quiet", " Then "),
        ("key", "F2"),
        ("quiet", " weighs words, "),
        ("key", "F3"),
        ("quiet", " climbs a {mild|strong} ladder, "),
        ("key", "F4"),
        ("quiet", " searches the edge."),
    ],
]

TRAIL = 60
"""How many revisions are looked at: as many as the widest trail shows."""


class Head(EdgeLines):
    """The first line."""

    DEFAULT_CSS = "Head { height: 1; background: $panel; }"

    def tell(self, screen: EdgeScreen) -> None:
        """Model, saving, and whose recording this is."""
        app = screen.owner
        shown = app.shown
        asked = app.desk.load.model if app.desk.load else None
        line: Line = [
            ("accent", " corefeel "),
            ("strong", f" edge · {model_name(shown.record, asked)}"),
        ]
        if source := app.player.label(shown):
            line.append(("warn", f"  {inert(source)}"))
        elif shown.live:
            line.append(("quiet", f" · {sentence(app.keeper)}"))
        self.show([line])


class MeterView(EdgeLines):
    """Needles and sentences."""

    def tell(self, screen: EdgeScreen) -> None:
        """Show where the needles stand, or why there are none."""
        meter = screen.view.meter(screen.record)
        trail = meter.trail[-TRAIL:] if meter else []
        room = 5 if screen.size.height >= 34 else 1 if screen.panel else 2
        if not trail:
            self.show([*EMPTY, *_complaint(screen)])
            return
        width = self.size.width or screen.size.width
        said = _complaint(screen) or sentences(trail[-1], room)
        self.show([*meter_lines(trail, width), *said])


def _complaint(screen: EdgeScreen) -> list[Line]:
    """Why the needles do not follow what is written."""
    reason = screen.engine.why(screen.record) if screen.live else ""
    return [[("error", f" {inert(reason)}")]] if reason else []
