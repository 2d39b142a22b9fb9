"""The library as everybody else sees it: what its process says, until one stops listening.

Knows how to start and end that process; nothing of the hub.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator
from typing import IO

from corefeel_tui.errors import ModelError
from corefeel_tui.events import Event, Failed, decode

LIBRARY = (sys.executable, "-P", "-m", "corefeel_tui.engine.library")
"""The process.  -P: nothing in the working directory may pass for a module."""

LAST_WORDS = 4096
GRACE = 3.0
"""Seconds between asking the process to end and killing it."""


async def told(*words: str) -> AsyncGenerator[Event]:
    """What the library says to one request; closing the generator ends the process, killing it
    if need be.

    Raises ModelError where it fails.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(words, errors)
        assert process.stdout is not None
        try:
            while line := await asyncio.to_thread(process.stdout.readline):
                event = decode(line)
                if isinstance(event, Failed):
                    raise ModelError(event.reason)
                yield event
            if code := await asyncio.to_thread(process.wait):
                raise ModelError(_ended(code, errors))
        finally:
            # No waiting here: whoever listened may be going down together with its event loop.
            threading.Thread(target=_end, args=(process,)).start()


async def ask(*words: str) -> Event:
    """The one event that answers a request.  Raises ModelError."""
    said = told(*words)
    try:
        async for event in said:
            return event
    finally:
        await said.aclose()
    raise ModelError("the library fell silent")


def _start(words: tuple[str, ...], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*LIBRARY, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        process_group=0,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its stdin, which it takes for its end, and do not wait long."""
    with process:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()


def _ended(code: int, errors: IO[bytes]) -> str:
    errors.seek(max(0, errors.seek(0, 2) - LAST_WORDS))
    words = errors.read().decode(errors="replace").strip().splitlines()
    return f"the download ended with exit code {code}: {words[-1] if words else 'without a word'}"
