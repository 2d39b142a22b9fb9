"""The library as everybody else sees it: what its process says, until one stops listening.

Knows how to start and end that process; nothing of the hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator

from corefeel_tui.errors import ModelError
from corefeel_tui.events import Event, Failed, decode

LIBRARY = (sys.executable, "-P", "-m", "corefeel_tui.engine.library")
"""The process.  -P: nothing in the working directory may pass for a module."""

LAST_WORDS = 4096
GRACE = 1.0
"""Seconds between asking the process to end and killing it."""


async def told(*words: str) -> AsyncGenerator[Event]:
    """What the library says to one request; closing the generator ends the process, killing it
    if need be.

    Raises ModelError where it fails.
    """
    process = await asyncio.create_subprocess_exec(
        *LIBRARY,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
        process_group=0,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    try:
        while line := await process.stdout.readline():
            event = decode(line)
            if isinstance(event, Failed):
                raise ModelError(event.reason)
            yield event
        if code := await process.wait():
            raise ModelError(_ended(code, await errors))
    finally:
        errors.cancel()
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its stdin, which it takes for its end, and do not wait long."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), GRACE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ask(*words: str) -> Event:
    """The one event that answers a request.  Raises ModelError."""
    said = told(*words)
    try:
        async for event in said:
            return event
    finally:
        await said.aclose()
    raise ModelError("the library fell silent")


def _ended(code: int, stderr: bytes) -> str:
    words = stderr[-LAST_WORDS:].decode(errors="replace").strip().splitlines()
    return f"the download ended with exit code {code}: {words[-1] if words else 'without a word'}"
