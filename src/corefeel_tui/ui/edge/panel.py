"""What the three panels share: a frame, the place for progress, and what may be taken over."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.containers import Vertical

from corefeel_tui.events import Progress
from corefeel_tui.text.inert import inert
from corefeel_tui.ui.edge.actions import panel_bindings
from corefeel_tui.ui.edge.painting import Line
from corefeel_tui.ui.edge.view import EdgeView

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import EdgeRecord, LadderRun, ScanRun, SearchRun

    Run = ScanRun | LadderRun | SearchRun

BAR = 16
"""Cells of a progress bar."""

NEEDS_ENGINE = "this is a recording; with a model open the key computes it"


@dataclass(frozen=True, slots=True)
class Taken:
    """What goes into the editor: a prompt, the labels it was weighed by, and whence it came."""

    prompt: str
    readout: dict[str, Any]
    system: str | None = None
    suite: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a panel is shown: the fold, the reader's choices, and whether more can be computed."""

    record: EdgeRecord
    view: EdgeView
    live: bool
    refusal: str = ""
    """Why the last command of the panel on show was not begun."""
    pending: Line = field(default_factory=list)
    """How far the run is that was asked for last, while nothing of it can be shown."""


class Panel(Vertical):
    """Hidden, it is shown nothing and does nothing."""

    DEFAULT_CSS = """
    Panel {
        height: 1fr; width: 1fr; display: none; border: round $rule;
        border-title-color: $quiet; border-subtitle-color: $faint; border-subtitle-align: right;
    }
    Panel:focus-within { border: round $accent; border-title-color: $foreground; border-title-style: bold; }
    """  # noqa: E501
    BINDINGS: ClassVar[list[BindingType]] = panel_bindings()

    def __init__(self) -> None:
        super().__init__()
        self.seen: Look | None = None

    def show(self, look: Look) -> None:
        """Bring everything up to date."""
        self.seen = look
        if not (self.display and self.size.height):
            return
        if look.pending:
            self.clear([look.pending])
        else:
            self.draw(look)

    @abstractmethod
    def draw(self, look: Look) -> None:
        """Draw; only called while there is room."""

    @abstractmethod
    def clear(self, lines: Sequence[Line]) -> None:
        """Show these lines and nothing else."""

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Draw again what is shown, the cursor or the size having changed."""
        if self.seen is not None:
            self.show(self.seen)

    def enter(self) -> None:
        """Take the focus."""
        for widget in self.query("*"):
            if widget.can_focus:
                widget.focus()
                return

    def taken(self) -> Taken | None:
        """What the cursor is on."""
        return None


def waiting_line(run: Run | None, live: bool) -> Line:
    """How far a run is, or why it is not whole; nothing once it is."""
    if run is None:
        return []
    if run.failed is not None:
        return [("error", f" {inert(run.failed.reason)}")]
    if run.finished is not None:
        cancelled = run.finished.status == "cancelled"
        return [("warn", " stopped early ")] if cancelled else []
    return progress_line(run.progress) if live else [("warn", " cut off")]


def progress_line(told: Progress | None) -> Line:
    """How far a run is."""
    if told is None or not told.total:
        return [("accent", " computing…"), ("faint", "  esc stops")]
    full = min(BAR, BAR * told.done // told.total)
    return [
        ("accent", " " + "━" * full),
        ("faint", "─" * (BAR - full)),
        ("quiet", f" {told.done} of {told.total} {told.unit}"),
        ("faint", "  esc stops"),
    ]


def refusal_lines(look: Look, run: Run | None, empty: Sequence[Line]) -> list[Line]:
    """What a panel shows that has nothing else: why, or how to begin."""
    if waiting := waiting_line(run, look.live):
        return [waiting]
    if look.refusal:
        return [[("error", f" {inert(look.refusal)}")]]
    return [*empty, [] if look.live else [("quiet", f" {NEEDS_ENGINE}")]]


def margin_labels(readout: Mapping[str, Any]) -> tuple[str, str]:
    """The label of positive margins and that of negative ones."""
    first, second = readout["margin"]
    return str(first), str(second)
