"""A pane: one model's verdict, text and KL strip in a frame that carries its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region

from corefeel_tui.folding import Record, Run
from corefeel_tui.text.inert import inert
from corefeel_tui.ui.text import facts
from corefeel_tui.ui.text.cells import Script, View
from corefeel_tui.ui.text.worddiff import Edit, word_edits
from corefeel_tui.ui.widgets.kl_strip import KLStrip
from corefeel_tui.ui.widgets.token_view import TokenView
from corefeel_tui.ui.widgets.verdict_badge import VerdictBadge


class Pane(Vertical):
    """Shows one model's side of a run."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model
        self.badge = VerdictBadge()
        self.text = TokenView(model)
        self.strip = KLStrip()
        self._frame: tuple[tuple[str, ...], tuple[str, ...]] = ((inert(model),), ("",))
        self._about: list[str] = []
        self.border_title = Content(inert(model))
        self._edits: tuple[object, Sequence[Edit]] = (None, ())

    def compose(self) -> ComposeResult:
        yield self.badge
        yield self.text
        yield self.strip

    def show_text(
        self, record: Record, run: Run | None, view: View, unfolded: bool = False
    ) -> None:
        """Bring the text and the strip up to date: cheap, many times a second."""
        if run is None or self.model not in run.trajectories:
            self._about = facts.about(record, self.model)
            self._show_about()
            self.text.show(None)
            self.strip.show(())
            return
        script = Script(record, run, self.model, view, unfolded)
        self.text.show(script, self._diff(script) if view is View.DIFF else ())
        self.strip.show(script.track.columns["kl"])

    def point(self, position: int | None, own: bool, selected: range | None) -> None:
        """Put the cursor into the text and onto the strip."""
        self.text.point(position, own, selected)
        self.strip.point(position)

    def show_facts(self, record: Record, run: Run | None, view: View, reference: str) -> None:
        """Bring verdict and numbers up to date: a few times a second is what can be read."""
        floor = facts.floor_of(record)
        forms = facts.titles(run, self.model, reference, view, floor)
        badge = facts.Badge()
        if run is not None and self.model in run.trajectories:
            badge = facts.badge(run, self.model, view)
        self.badge.show(badge)
        self.set_class(badge.tone == "alarm", "-alarm")
        frame = (forms, facts.subtitles(record, self.model))
        if frame != self._frame:
            self._frame = frame
            self._write_titles()

    def on_resize(self) -> None:
        """Write the longest titles that the frame holds."""
        self._show_about()
        self._write_titles()

    def _write_titles(self) -> None:
        """Set both titles as their property does, but repaint only the two lines they stand on."""
        titles, subtitles = self._frame
        room = self.outer_size.width - 6
        self._border_title = Content(next((f for f in titles if len(f) <= room), titles[-1]))
        self._border_subtitle = Content(next((f for f in subtitles if len(f) <= room), ""))
        width, height = self.outer_size
        self.refresh(Region(-1, -1, width, 1), Region(-1, height - 2, width, 1))

    def _show_about(self) -> None:
        """What is known of the model, for a pane with no answer yet."""
        width = max(10, self.outer_size.width - 6)
        rows = [row for line in self._about for row in wrap(line, width)]
        if rows != self.text.placeholder:
            self.text.placeholder = rows
            self.text.refresh()

    def _diff(self, script: Script) -> Sequence[Edit]:
        """Word diff against the reference, made again only when either text has grown a word."""
        run = script.run
        if self.model == run.started.reference or run.trajectories[self.model].fork is None:
            return ()
        base = Script(script.record, run, run.started.reference, script.view)
        complete = base.trajectory.text is not None and script.trajectory.text is not None
        key = (run.started.run, complete, len(base) // 4, len(script) // 4)
        if key != self._edits[0]:
            self._edits = (key, word_edits(base.text(), script.text(), complete))
        return self._edits[1]
