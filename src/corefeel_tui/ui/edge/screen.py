"""The Edge screen: needles above, the prompt below, and beside or under it one of three panels.

Knows what the reader does; what is asked of the engine is `engine`'s, what is drawn the widgets'.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, TextArea

from corefeel_tui.ui.edge.actions import edge_bindings
from corefeel_tui.ui.edge.climbing import LadderPanel
from corefeel_tui.ui.edge.editor import Editor, LabelRow
from corefeel_tui.ui.edge.engine import EdgeEngine
from corefeel_tui.ui.edge.meter import Head, MeterView
from corefeel_tui.ui.edge.opening import seed
from corefeel_tui.ui.edge.panel import Look, Panel
from corefeel_tui.ui.edge.searching import SearchPanel
from corefeel_tui.ui.edge.subject import Subject
from corefeel_tui.ui.edge.view import EdgeView
from corefeel_tui.ui.edge.words import WordsPanel
from corefeel_tui.ui.widgets.hint_bar import HintBar

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import EdgeRecord
    from corefeel_tui.ui.app import CorefeelApp

PAUSE = 0.12
"""Seconds without a key after which the needles are asked for."""

PANEL_SECONDS = 0.2
"""Tables that change faster than this cannot be read."""

WIDE, TALL = 130, 34
"""Columns from which the panel stands beside the prompt; rows from which both fit one under
the other."""


class EdgeScreen(Screen[None]):
    """One prompt, its needles, and what was found around it."""

    DEFAULT_CSS = """
    EdgeScreen { layout: vertical; }
    EdgeScreen > .desk { height: 1fr; layout: vertical; }
    EdgeScreen.-wide > .desk { layout: horizontal; }
    EdgeScreen.-panel.-short Editor { display: none; }
    EdgeScreen.-panel.-short LabelRow { display: none; }
    EdgeScreen.-panel.-wide LabelRow { display: block; }
    EdgeScreen.-panel Editor { height: 9; }
    EdgeScreen.-panel.-wide Editor { height: 1fr; display: block; }
    EdgeScreen.-wide Panel { width: 3fr; }
    EdgeScreen.-wide Editor { width: 2fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = edge_bindings()
    AUTO_FOCUS = ""

    def __init__(self, app: CorefeelApp) -> None:
        super().__init__()
        self.view = EdgeView()
        self.subject = Subject()
        self.engine = EdgeEngine(app.desk, app.edge)
        self.head = Head()
        self.meter = MeterView()
        self.labels = LabelRow()
        self.editor = Editor()
        self.panels: dict[str, Panel] = {
            "words": WordsPanel(),
            "ladder": LadderPanel(),
            "search": SearchPanel(),
        }
        self.hints = HintBar()
        self.owner = app
        self._seed: object = None
        self._pause: Timer | None = None
        self._panel_due: Timer | None = None

    def compose(self) -> ComposeResult:
        self.labels.write(self.subject.readout)
        yield self.head
        yield self.meter
        yield self.labels
        with Container(classes="desk"):
            yield self.editor
            yield from self.panels.values()
        yield self.hints

    # --- coming and going -------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        self.attach()

    def on_screen_suspend(self) -> None:
        """Hidden, nothing is measured and nothing drawn."""
        for timer in (self._pause, self._panel_due):
            if timer is not None:
                timer.stop()
        self._pause = self._panel_due = None

    def attach(self) -> None:
        """Look at the feed on show, from the prompt that is on show in Compare."""
        found = seed(self.owner, self.record, self._seed)
        if found is not None and found[1].prompt != self.subject.prompt:
            self._seed, subject = found
            self.put(subject)
        self.editor.read_only = not self.owner.shown.live
        if self.focused is None:
            self.editor.focus()
        self.call_after_refresh(self.look)

    def leave(self) -> None:
        """Back to Compare."""
        self.dismiss()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")
        self.set_class(event.size.height < TALL, "-short")
        self.call_after_refresh(self.look)

    # --- what is known ----------------------------------------------------------------------------

    @property
    def record(self) -> EdgeRecord:
        """What the feed on show has told."""
        return self.owner.edge.record(self.owner.shown)

    @property
    def live(self) -> bool:
        """Whether more can be measured of what is on show."""
        return self.owner.shown.live

    @property
    def panel(self) -> Panel | None:
        """The panel on show."""
        return self.panels.get(self.view.panel)

    # --- events in --------------------------------------------------------------------------------

    def take(self) -> None:
        """Something was told."""
        if not self.is_current:
            return
        if self.live and self.engine.meet(self.record):
            self._measure_soon()
        self._follow()
        self.meter.tell(self)
        self.head.tell(self)
        self.labels.tell(self)
        if self._panel_due is None:
            self._panel_due = self.set_timer(PANEL_SECONDS, self._draw_panel)

    def _follow(self) -> None:
        """In a recording the editor shows what was typed then."""
        meter = self.view.meter(self.record)
        if self.live or meter is None or meter.latest is None:
            return
        if self.editor.text != meter.latest.prompt:
            self.editor.text = meter.latest.prompt

    def _draw_panel(self) -> None:
        self._panel_due = None
        if self.panel is not None:
            told = self.engine.pending(self.record, self.view) if self.live else []
            refused = self.engine.refused.get(self.view.panel, "")
            self.panel.show(Look(self.record, self.view, self.live, refused, told))
        self.show_hints()

    def look(self) -> None:
        """Draw everything as it stands."""
        self.take()
        if self._panel_due is not None:
            self._panel_due.stop()
        self._draw_panel()

    def show_hints(self) -> None:
        """The footer."""
        from corefeel_tui.ui.edge.hints import hints

        self.hints.show(hints(self))

    def on_descendant_focus(self) -> None:
        self.show_hints()

    # --- the prompt and its labels ----------------------------------------------------------------

    def put(self, subject: Subject) -> None:
        """Look at another prompt."""
        self.subject = subject
        self.labels.write(subject.readout)
        if self.editor.text != subject.prompt:
            self.editor.write(subject.prompt)
        self._measure_soon()

    @on(TextArea.Changed)
    def typed(self) -> None:
        text = self.editor.text
        if text != self.subject.prompt:
            self.subject = replace(self.subject, prompt=text, item=None)
        self._measure_soon()

    def _measure_soon(self) -> None:
        """After a pause in typing."""
        if self._pause is not None:
            self._pause.stop()
        if self.is_current and self.live:
            self._pause = self.set_timer(PAUSE, self._measure)

    async def _measure(self) -> None:
        self._pause = None
        if await self.engine.measure(self.subject):
            self.take()

    @on(Input.Changed)
    def check_labels(self, event: Input.Changed) -> None:
        self.labels.check(event.value)

    @on(Input.Submitted)
    def take_labels(self, event: Input.Submitted) -> None:
        readout = self.labels.parsed(event.value)
        if readout is None:
            return
        self.subject = replace(self.subject, readout=readout)
        self.labels.write(readout)
        self.editor.focus()
        self._measure_soon()

    # --- panels -----------------------------------------------------------------------------------

    def open_panel(self, name: str) -> None:
        """Show a panel, or none."""
        self.view.panel = name
        self.set_class(bool(name), "-panel")
        for panel_name, panel in self.panels.items():
            panel.display = panel_name == name
        if self.panel is not None:
            self.panel.enter()
        else:
            self.editor.focus()
        self.call_after_refresh(self.look)

    def refuse(self, panel: str, reason: str) -> None:
        """Say in a panel why nothing was begun."""
        self.engine.refused[panel] = reason
        self.notify(reason, severity="warning", markup=False)
        self.look()
