"""What the Edge screen asks of the engine: the meter's revisions, and one longer run at a time.

Knows the desk and commands; nothing of widgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui.commands import Cancel, Ladder, Scan, Search
from corefeel_tui.errors import UsageError
from corefeel_tui.text.inert import inert
from corefeel_tui.ui.edge.painting import Line
from corefeel_tui.ui.edge.panel import progress_line
from corefeel_tui.ui.edge.subject import Subject, new_run
from corefeel_tui.ui.edge.view import EdgeView, runs

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import EdgeRecord
    from corefeel_tui.events import Loaded
    from corefeel_tui.ui.desk import Desk
    from corefeel_tui.ui.edge.control import EdgeControl


class EdgeEngine:
    """`meter` names the trail that is being drawn; `busy` the longer run that is not over.

    `refused` says, by panel, why its last command was not sent; `complaint` why the meter's.
    """

    def __init__(self, desk: Desk, told: EdgeControl) -> None:
        self._desk = desk
        self._told = told
        self.meter = ""
        self.busy = ""
        self.complaint = ""
        self.refused: dict[str, str] = {}
        self._asked: dict[str, tuple[str, Subject | None]] = {}
        self._revision = 0
        self._sent: Subject | None = None
        self._models: Loaded | None = None

    def refusal(self) -> str:
        """Why nothing can be measured now; "" if it can."""
        desk = self._desk
        if not desk.live.live:
            return "this is a recording: open a model to measure something new"
        if desk.died:
            return "the engine ended: ^R starts it again"
        if desk.live.record.loaded is None or desk.wanted is not None:
            return desk.alarm or "the models are still loading: the needles wait for them"
        return ""

    # --- the meter --------------------------------------------------------------------------------

    async def measure(self, subject: Subject) -> str:
        """Send the next revision of the meter; why it cannot be sent, or ""."""
        if subject == self._sent or not subject.prompt.strip():
            return self.complaint
        before, self.complaint = self.complaint, self.refusal()
        if not self.complaint:
            await self._send(subject)
        return self.complaint or before

    async def _send(self, subject: Subject) -> None:
        if self._sent is None or self._sent.readout != subject.readout:
            self.begin_trail()  # margins between other labels are another scale
        try:
            command = subject.meter(self.meter, self._revision + 1)
        except UsageError as error:
            self.complaint = str(error)
            return
        self._revision += 1
        self._sent = subject
        await self._desk.send(command)

    def begin_trail(self) -> None:
        """Let the next margins begin a trail of their own."""
        self.meter, self._sent = new_run("meter"), None

    def why(self, record: EdgeRecord) -> str:
        """Why the needles do not follow what is written; "" if they do."""
        failed = record.failures.get(self.meter)
        meter = record.meters.get(self.meter)
        if self.complaint or failed is None:
            return self.complaint
        return failed.reason if meter is None or meter.failed is not None else ""

    # --- longer runs ------------------------------------------------------------------------------

    async def start(
        self, panel: str, command: Scan | Ladder | Search, subject: Subject | None
    ) -> None:
        """Send a longer run for a panel, of a subject or (None) of a suite; the last one ends."""
        await self.cancel()
        self.busy = command.run
        self._asked[panel] = (command.run, subject)
        self.refused.pop(panel, None)
        await self._desk.send(command)

    async def cancel(self) -> bool:
        """End the longer run; whether there was one."""
        busy, self.busy = self.busy, ""
        if busy:
            await self._desk.send(Cancel(busy))
        return bool(busy)

    def fresh(self, record: EdgeRecord, panel: str, subject: Subject) -> bool:
        """Whether what was asked last for a panel is of this subject, and was not cut short."""
        run, asked = self._asked.get(panel, ("", None))
        life = record.life(run)
        ended = life.finished if life is not None else None
        whole = run in (self.busy, "") or (ended is not None and ended.status == "finished")
        return bool(run) and whole and asked in (None, subject)

    def pending(self, record: EdgeRecord, view: EdgeView) -> Line:
        """How far the panel's run is of which nothing can be shown yet, or why nothing will."""
        run, _ = self._asked.get(view.panel, ("", None))
        if not run or view.panel in view.chosen or run in runs(record, view.panel):
            return []
        if run in record.failures:
            return [("error", f" {inert(record.failures[run].reason)}")]
        told = self._told.progress
        return progress_line(told if told and told.run == run else None) if run == self.busy else []

    def meet(self, record: EdgeRecord) -> bool:
        """Notice that a run is over, and whether other models answer now."""
        life = record.life(self.busy)
        if self.busy in record.failures or (life is not None and life.finished is not None):
            self.busy = ""
        models, self._models = self._models, self._desk.live.record.loaded
        if self._models is models:
            return False
        self.begin_trail()
        self.busy = ""
        return True
