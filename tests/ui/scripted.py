"""A client that says what a test wants, when it wants: the shape of an engine, no process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from corefeel_tui.commands import Command
from corefeel_tui.events import Event

Answer = Callable[[Command], Iterable[Event]]


class ScriptedClient:
    """Records commands; answers them by `answer`; `say` makes it speak unasked."""

    def __init__(self, answer: Answer | None = None, live: bool = True) -> None:
        self.live = live
        self.commands: list[Command] = []
        self.restarts = 0
        self.stopped = False
        self._answer = answer
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    async def start(self) -> None:
        pass

    async def send(self, command: Command) -> None:
        self.commands.append(command)
        if self._answer is not None:
            self.say(*self._answer(command))

    def say(self, *events: Event) -> None:
        for event in events:
            self._queue.put_nowait(event)

    @property
    def empty(self) -> bool:
        """Whether everything said was taken."""
        return self._queue.empty()

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._queue.get()) is not None:
            yield event

    async def restart(self) -> None:
        self.restarts += 1

    async def stop(self) -> None:
        self.stopped = True
        self._queue.put_nowait(None)
