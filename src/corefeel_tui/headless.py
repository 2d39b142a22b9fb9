"""One comparison or scoring without a screen: load, ask, pass events on, stop in order.

Knows the order of a conversation with a client; nothing of output formats.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from corefeel_tui import events as ev
from corefeel_tui.client import Client
from corefeel_tui.commands import (
    Ask,
    Cancel,
    Evaluate,
    Examine,
    Heal,
    Ladder,
    Load,
    Plan,
    Scan,
    Score,
    Search,
)
from corefeel_tui.errors import CorefeelError, EngineError, UsageError

Result = TypeVar("Result")
Answer = TypeVar("Answer", bound=ev.Event)

Request = Ask | Score | Evaluate | Heal | Scan | Ladder | Search

PATIENCE = 2.0
"""Seconds a cancelled run may take to end before the engine is stopped."""


class Interrupted(CorefeelError):
    """The user pressed Ctrl-C; everything has been stopped in order."""

    exit_code = 130


async def load_only(client: Client, load: Load, show: Callable[[ev.Event], None]) -> ev.Loaded:
    """Load and stop; what was loaded.  Raises as `_to_the_end` does."""
    return await _to_the_end(client, _first(ev.Loaded, _said(client, load, show)))


async def plan_only(client: Client, plan: Plan, show: Callable[[ev.Event], None]) -> ev.PlannedSet:
    """What a load would take; no model is read.  Raises as `_to_the_end` does."""
    return await _to_the_end(client, _first(ev.PlannedSet, _said(client, plan, show)))


async def examine_only(client: Client, show: Callable[[ev.Event], None]) -> ev.Examined:
    """What the engine measures of its machine.  Raises as `_to_the_end` does."""
    return await _to_the_end(client, _first(ev.Examined, _said(client, Examine(), show)))


async def _first(kind: type[Answer], said: AsyncIterator[ev.Event]) -> Answer:
    async for event in said:
        if isinstance(event, kind):
            return event
    raise EngineError("the engine fell silent")


async def converse(
    client: Client, load: Load, request: Request, show: Callable[[ev.Event], None]
) -> None:
    """Load, then carry out one request, showing every event.

    Raises a CorefeelError if it fails, Interrupted on SIGINT; the client is stopped in any case.
    """
    asked: list[str] = []

    async def carry_out() -> str:
        failure: str | None = None
        async for event in _said(client, load, show):
            match event:
                case ev.Loaded():
                    await client.send(request)
                    asked.append(request.run)
                case ev.Failed(run=request.run, variant=None, reason=reason):
                    failure = reason
                case ev.ItemFinished(run=request.run, status=status):
                    if status == "failed":
                        raise UsageError(failure or "the run failed without a reason")
                    return status
        raise EngineError("the engine fell silent")

    if await _to_the_end(client, carry_out(), asked) == "cancelled":
        raise EngineError("the run was cancelled")


async def _said(
    client: Client, load: Load | Plan | Examine, show: Callable[[ev.Event], None]
) -> AsyncIterator[ev.Event]:
    """Everything said after a first command, shown first.  Raises where nothing can follow."""
    await client.start()
    await client.send(load)
    async for event in client.events():
        show(event)
        match event:
            case ev.EngineDied(reason=reason):
                raise EngineError(reason)
            case ev.Failed(run=None, variant=variant, reason=reason, fatal=fatal):
                if fatal or variant is None:
                    raise UsageError(reason)
        yield event


async def _to_the_end(
    client: Client, work: Coroutine[Any, Any, Result], asked: Sequence[str] = ()
) -> Result:
    """The result of `work`, during which Ctrl-C first cancels the run in `asked`, if any.

    Raises a CorefeelError if it fails, Interrupted on SIGINT; the client is stopped in any case.
    """
    task = asyncio.create_task(work)
    interrupted = _on_sigint(client, task, asked)
    try:
        result = await task
    except asyncio.CancelledError:
        raise Interrupted("interrupted") from None
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        await client.stop()
    if interrupted.is_set():
        raise Interrupted("interrupted")
    return result


def _on_sigint(client: Client, task: asyncio.Task[Any], asked: Sequence[str]) -> asyncio.Event:
    """Let Ctrl-C cancel the run if there is one, and the whole task where that does not help.

    Returns an event that is set with the first Ctrl-C.
    """
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    cancelling: set[asyncio.Task[None]] = set()

    async def cancel(run: str) -> None:
        with contextlib.suppress(EngineError):
            await client.send(Cancel(run))

    def handle() -> None:
        if interrupted.is_set() or not asked:
            task.cancel()
        else:
            cancelling.add(asyncio.create_task(cancel(asked[-1])))
            loop.call_later(PATIENCE, task.cancel)
        interrupted.set()

    loop.add_signal_handler(signal.SIGINT, handle)
    return interrupted
