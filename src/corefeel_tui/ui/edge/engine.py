"""What the Edge screen asks of the engine: the meter's revisions, and one longer run at a time.

Knows the desk and commands; nothing of widgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui.commands import Cancel, Ladder, Scan, Search
from corefeel_tui.errors import UsageError
from corefeel_tui.ui.edge.subject import Subject, new_run

if TYPE_CHECKING:
    from corefeel_tui.edge.fold import EdgeRecord
    from corefeel_tui.ui.desk import Desk


class EdgeEngine:
    """`meter` names the trail that is being drawn; `busy` the longer run that is not over."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.meter = ""
        self.busy = ""
        self._revision = 0
        self._sent: Subject | None = None

    def refusal(self) -> str:
        """Why nothing can be measured now; "" if it can."""
        desk = self._desk
        if not desk.live.live:
            return "this is a recording: open a model to measure something new"
        if desk.died:
            return "the engine ended: ^R starts it again"
        if desk.live.record.loaded is None or desk.wanted is not None:
            return desk.alarm or "the models are still loading: the needles move when they are here"
        return ""

    @property
    def waits_for(self) -> Subject | None:
        """What was sent last to be measured."""
        return self._sent

    async def measure(self, subject: Subject) -> str:
        """Send the next revision of the meter; why it cannot be sent, or ""."""
        if subject == self._sent or not subject.prompt.strip():
            return ""
        if reason := self.refusal():
            return reason
        if self._sent is None or self._sent.readout != subject.readout:
            self.begin_trail()  # margins between other labels are another scale
        try:
            command = subject.meter(self.meter, self._revision + 1)
        except UsageError as error:
            return str(error)
        self._revision += 1
        self._sent = subject
        await self._desk.send(command)
        return ""

    def begin_trail(self) -> None:
        """Let the next margins begin a trail of their own."""
        self.meter, self._sent = new_run("meter"), None

    async def start(self, command: Scan | Ladder | Search) -> None:
        """Send a longer run; the one before it ends."""
        await self.cancel()
        self.busy = command.run
        await self._desk.send(command)

    async def cancel(self) -> bool:
        """End the longer run; whether there was one."""
        busy, self.busy = self.busy, ""
        if busy:
            await self._desk.send(Cancel(busy))
        return bool(busy)

    def meet(self, record: EdgeRecord) -> None:
        """Notice that the longer run is over."""
        life = record.life(self.busy)
        if self.busy in record.failures or (life is not None and life.finished is not None):
            self.busy = ""
