"""The engine process as seen from a screen or a command line: start, talk, restart, stop.

Knows pipes and processes; nothing of models, of files, or of what an event means.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from corefeel_tui import commands, environment
from corefeel_tui.commands import Command, Shutdown
from corefeel_tui.errors import EngineError
from corefeel_tui.events import EngineDied, Event, Notice, decode

SERVE = (sys.executable, "-P", "-m", "corefeel_tui.engine.serve")
"""The engine.  -P: nothing in the working directory may pass for a module."""

LINE_LIMIT = 64 * 2**20
"""Longest line in bytes; asyncio's own limit is 64 KiB."""

STDERR_KEPT = 16 * 2**10
"""How much of the engine's last words is kept, in bytes."""

GRACE = 1.0
"""Seconds between asking a process to end and killing it."""


class Client(Protocol):
    """What answers: an engine, or a recording of one."""

    @property
    def live(self) -> bool:
        """Whether it can be asked something new."""

    async def start(self) -> None:
        """Begin; events flow from now on."""

    async def send(self, command: Command) -> None:
        """Ask for something.  Raises EngineError if nobody listens."""

    def events(self) -> AsyncIterator[Event]:
        """What it says, in order; ends after `stop`."""

    async def restart(self) -> None:
        """Begin again, with nothing loaded."""

    async def stop(self) -> None:
        """End in order; may be called twice."""


class EngineClient:
    """A supervised engine process.

    `events` yields one `EngineDied` when the process ends unasked, and goes on after `restart`.
    """

    live = True

    def __init__(self, program: Sequence[str] | None = None, grace: float = GRACE) -> None:
        self._program = tuple(program or SERVE)
        self._grace = grace
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._wanted = False

    @property
    def pid(self) -> int | None:
        """Process id of the running engine."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Start the process.  Raises EngineError if the system refuses."""
        try:
            # Its own process group: Ctrl-C reaches only the parent, a kill reaches its compilers.
            self._process = await asyncio.create_subprocess_exec(
                *self._program,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT,
                env=environment.engine_environment(),
                process_group=0,
            )
        except OSError as error:
            raise EngineError(f"the engine cannot be started: {error}") from error
        self._wanted = True
        self._pump = asyncio.create_task(self._supervise(self._process))

    async def send(self, command: Command) -> None:
        """Write one command.  Raises EngineError if the engine is not there to read it."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise EngineError("the engine is not running; restart it")
        try:
            process.stdin.write(commands.encode(command))
            await process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise EngineError("the engine stopped listening; restart it") from error

    async def events(self) -> AsyncIterator[Event]:
        """Every event in order; ends after `stop`."""
        while (event := await self._queue.get()) is not None:
            yield event

    async def restart(self) -> None:
        """Kill what is left of the engine and start a new one, with nothing loaded."""
        await self._retire(grace=0.0)
        await self.start()

    async def stop(self) -> None:
        """Ask the engine to end, close its stdin, kill it if it is still there after `grace`."""
        if self._wanted:
            with contextlib.suppress(EngineError, TimeoutError):
                await asyncio.wait_for(self.send(Shutdown()), self._grace)
        await self._retire(self._grace)
        self._queue.put_nowait(None)

    async def _retire(self, grace: float) -> None:
        self._wanted = False
        if self._process is None or self._pump is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        await _end(self._process, grace)
        await self._pump

    async def _supervise(self, process: asyncio.subprocess.Process) -> None:
        """Move events to the queue until the process ends; an unwanted end is an event too."""
        assert process.stdout is not None
        assert process.stderr is not None
        last_words = asyncio.create_task(_tail(process.stderr))
        async for event in _events(process.stdout):
            self._queue.put_nowait(event)
        code = await _end(process, self._grace)
        stderr = await last_words
        if self._wanted:
            self._wanted = False
            self._queue.put_nowait(EngineDied(_reason(code, stderr), code, stderr))


async def _events(stream: asyncio.StreamReader) -> AsyncIterator[Event]:
    """Events of a stream; a line that is none becomes a notice, a torn last line is dropped."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            yield Notice("the engine wrote a line too long to read", "warning")
            continue
        if not line.endswith(b"\n"):
            return
        try:
            yield decode(line)
        except ValueError as error:
            shown = line[:80].decode(errors="replace").strip()
            yield Notice(f"the engine wrote no event but “{shown}” ({error})", "warning")


async def _tail(stream: asyncio.StreamReader) -> str:
    """The last of a stream, read to its end so that its writer never blocks."""
    kept = b""
    while chunk := await stream.read(STDERR_KEPT):
        kept = (kept + chunk)[-STDERR_KEPT:]
    return kept.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process, grace: float) -> int:
    """Wait `grace` seconds for a process to end, then kill it; its children go with it."""
    try:
        return await asyncio.wait_for(process.wait(), grace)
    except TimeoutError:
        _kill_group(process.pid)
        return await process.wait()
    finally:
        _kill_group(process.pid)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _reason(code: int, stderr: str) -> str:
    """Why a process ended, in one sentence."""
    if code == -signal.SIGKILL:
        return "the engine was killed (SIGKILL); the system does this when memory runs out"
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
    else:
        how = f"ended with exit code {code}"
    last = stderr.splitlines()[-1].strip() if stderr else ""
    return f"the engine {how}: {last}" if last else f"the engine {how} without a word"
