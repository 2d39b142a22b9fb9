"""One item of a batch as a feed that the Compare screen can show, opened where answers part.

Knows session files and feeds; nothing of widgets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from corefeel_tui.batch_rows import Row
from corefeel_tui.commands import Command
from corefeel_tui.errors import CorefeelError, EngineError
from corefeel_tui.events import Event, Started
from corefeel_tui.evidence import CONTROL, FLOOR
from corefeel_tui.folding import Record, Run, fold
from corefeel_tui.session_run import read_item
from corefeel_tui.ui.feed import Feed

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp


class ItemClient:
    """What stands behind an item that is only looked at: nobody."""

    live = False
    _said: tuple[Event, ...] = ()

    async def start(self) -> None:
        """Nothing to start."""

    async def send(self, command: Command) -> None:
        """Raises EngineError: nobody listens."""
        raise EngineError("this is an item of a batch: leave it to ask something")

    async def events(self) -> AsyncIterator[Event]:
        """Everything was said."""
        for event in self._said:
            yield event

    async def restart(self) -> None:
        """Nothing to begin again."""

    async def stop(self) -> None:
        """Nothing to end."""


async def open_in_compare(app: CorefeelApp, path: Path, row: Row) -> None:
    """Look at an item of a session in the Compare screen, or say why that cannot be."""
    try:
        record = await asyncio.to_thread(read_record, path, row)
    except CorefeelError as error:
        app.tell(str(error), "warning")
        return
    compare = app.compare
    if compare.dock.covering:
        compare.dock.toggle()
    await app.player.show_item(item_feed(record, row, path))
    await compare.look_at(*place(record, row))


def read_record(path: Path, row: Row) -> Record:
    """The item's runs, folded, with the models a reader compares: no floor and no control.

    Raises SessionError where the file does not hold them.
    """
    return fold(map(compared, read_item(path, row.run)))


def compared(event: Event) -> Event:
    """An event as a reader wants it: without the control and the floors among the models."""
    if not isinstance(event, Started):
        return event
    names = [n for n in event.variants if n != CONTROL and not n.startswith(FLOOR)]
    return replace(event, variants=names)


def item_feed(record: Record, row: Row, path: Path) -> Feed:
    """The record as a feed; `path` is the session that the item stands in."""
    feed = Feed(ItemClient(), f"batch {row.suite.partition('@')[0]} {row.item}"[:40], path)
    feed.record = record
    return feed


def place(record: Record, row: Row) -> tuple[str, str, int | None]:
    """Run, model and position to look at: the first fork of the row's variant, else its run."""
    for name, run in record.runs.items():
        for variant in row.variants or tuple(run.trajectories):
            fork = _fork(run, variant)
            if fork is not None:
                return name, variant, fork
    run = next(iter(record.runs.values()))
    variant = next((v for v in row.variants if v in run.trajectories), run.started.reference)
    return run.started.run, variant, None


def _fork(run: Run, variant: str) -> int | None:
    trajectory = run.trajectories.get(variant)
    return trajectory.fork if trajectory else None
