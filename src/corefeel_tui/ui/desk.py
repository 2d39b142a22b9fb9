"""The desk: what is asked of the engine and what its answers mean beyond the run on show.

Knows clients, commands and the state of a conversation; nothing of what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from corefeel_tui import events as ev
from corefeel_tui.commands import Ask, Cancel, Command, Load
from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.asking import Question
from corefeel_tui.ui.feed import Feed

Severity = Literal["information", "warning", "error"]
Tell = Callable[[str, Severity], None]

STILL_LOADING = "the models are still loading"


class Desk:
    """`live` is the feed of the given client; `running` the run asked here and not finished.

    `load` made the models that answer; `wanted` is a load on its way, and if it fails they stay.
    `last_run` is where a conversation goes on; `alarm` says why nothing can be asked.
    """

    def __init__(self, live: Feed, load: Load | None, question: Question, tell: Tell) -> None:
        self.live = live
        self.load = load
        self.wanted = load
        self.question = question
        self.running: str | None = None
        self.last_run: str | None = None
        self.died = False
        self.alarm = ""
        self._tell = tell

    @property
    def variants(self) -> tuple[str, ...]:
        """The models asked for, the reference first."""
        return tuple(self.load.variants) if self.load else ()

    @property
    def pocket(self) -> bool:
        """Whether the bundled model answers."""
        return self.load is not None and self.load.model is None

    def meet(self, event: ev.Event) -> None:
        """Take in what the live client says."""
        match event:
            case ev.Loaded():
                self._tell_change(event)
                self.alarm = ""
                self.load, self.wanted = self.wanted or self.load, None
            case ev.ItemFinished(run=run, status=status) if run == self.running:
                self.running = None
                self.last_run = run if status != "failed" else self.last_run
            case ev.EngineDied() if self.live.live:
                self.running = self.last_run = self.wanted = None
                self.died = True
            case ev.EngineStarted():
                self.died = False
            case ev.Notice():
                calm = event.severity == "information"
                self._tell(event.text, "information" if calm else "warning")
            case ev.Failed():
                self._meet_failure(event)

    def _tell_change(self, loaded: ev.Loaded) -> None:
        """The run on show goes on showing the models that answered it, so say who does now."""
        if self.wanted is not None and self.load is not None and self.wanted is not self.load:
            names = ", ".join(str(told.get("name")) for told in loaded.variants)
            self._tell(f"from the next prompt on answer: {names}", "information")

    def _meet_failure(self, event: ev.Failed) -> None:
        if event.run is not None and event.run == self.running and event.variant is None:
            self.running = None
        if event.run is None and event.variant is None:
            self.wanted = None
            self.live.record.loading.clear()
        if event.fatal:
            self.alarm, self.live.record.loaded = event.reason, None
        who = f"{event.variant}: " if event.variant else ""
        self._tell(f"{who}{event.reason}", "error" if event.fatal else "warning")

    @property
    def loading(self) -> bool:
        """Whether models are on their way, so that a prompt may wait for them."""
        return self.live.live and self.wanted is not None and not self.died and not self.alarm

    def unready(self) -> str:
        """Why nothing can be asked now; "" if it can."""
        if not self.live.live:
            return "this is a recording: open a model to ask it something"
        if self.died:
            return "the engine ended: ^R starts it again"
        if self.live.record.loaded is None or self.wanted is not None:
            return self.alarm or (STILL_LOADING if self.loading else "no model is loaded")
        return "a run is going on: ^C stops it" if self.running else ""

    async def send(self, command: Command) -> None:
        """Send a command; a refusal becomes a sentence."""
        try:
            await self.live.client.send(command)
        except CorefeelError as error:
            self.running = None
            self._tell(str(error), "error")

    async def ask(self, prompt: str, continues: str | None) -> None:
        """Ask a prompt under the present settings."""
        await self.put(self.question.ask(prompt, continues))

    async def put(self, command: Ask) -> None:
        """Send a question that was made elsewhere."""
        self.running = command.run
        await self.send(command)

    async def cancel(self) -> None:
        """Stop the run."""
        if self.running:
            await self.send(Cancel(self.running))

    async def reload(self, variants: Sequence[str]) -> None:
        """Let other variants of the same model answer from now on."""
        model = self.load.model if self.load else None
        reference = variants[0].partition("=")[0]
        await self.open(Load(model, list(variants), reference, explicit=True))

    async def open(self, load: Load) -> None:
        """Let another set of models answer; those that do go on until it is there."""
        self.wanted, self.last_run, self.alarm = load, None, ""
        await self.send(load)

    async def restart(self) -> None:
        """Start the engine again and load what was loaded."""
        self.died, self.alarm = False, ""
        self.live.record.died = self.live.record.loaded = None
        try:
            await self.live.client.restart()
        except CorefeelError as error:
            self.died = True
            self._tell(str(error), "error")
        else:
            self.wanted = self.load
            if self.load is not None:
                await self.send(self.load)
