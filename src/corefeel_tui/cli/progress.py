"""How far a headless command is, on stderr: bars on a terminal, sentences everywhere.

Knows events; never touches stdout.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from corefeel_tui import events as ev
from corefeel_tui.text.inert import one_line


@contextmanager
def bytes_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes on stderr; call what comes with how many there are, of how many."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    console = Console(stderr=True, markup=False, highlight=False)
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


class Progress:
    """Bars for what is loading or being answered; with `quiet` only if stdout is not watched."""

    def __init__(self, quiet: bool) -> None:
        watched = quiet and sys.stdout.isatty()
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True, markup=False, highlight=False),
            transient=True,
            disable=watched or not sys.stderr.isatty(),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def show(self, event: ev.Event) -> None:
        """Advance the bar an event belongs to, or say its sentence."""
        match event:
            case ev.Loading(variant=variant, stage=stage, done=done, total=total):
                self._advance(f"{variant} {stage}".strip(), done, total)
            case ev.Loaded():
                self._clear()
            case ev.Started(sampling={"max_tokens": int(most)}, reference=reference, item=None):
                self._advance(f"{reference} answers", 0, most)
            case ev.Tokens(trajectory=name, start=start, ids=ids):
                task = self._tasks.get(f"{name} answers")
                if task is not None:
                    self._bars.update(task, completed=start + len(ids))
            case ev.Progress(done=done, total=total, unit=unit):
                self._advance(unit, done, total)
            case ev.VariantStopped():
                where = f" in {event.suite}" if event.suite else ""
                self._say(f"{event.variant} stopped{where} after {event.items}: {event.reason}")
            case ev.Notice(text=text):
                self._say(text)
            case ev.Failed(reason=reason, variant=str(variant)):
                self._say(f"{variant}: {reason}")

    def foretell(self, name: str, words: str) -> None:
        """Say beside a bar when it will be full."""
        if name in self._tasks:
            told = f"{name}, {words}" if words else name
            self._bars.update(self._tasks[name], description=told)

    def _advance(self, name: str, done: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name)
        self._bars.update(self._tasks[name], completed=done, total=total or None)

    def _clear(self) -> None:
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks.clear()

    def _say(self, text: str) -> None:
        self._bars.console.print(f"corefeel: {one_line(text, 400)}", soft_wrap=True)
