"""Fetching one model of the hub: its size and the room there is, a question, then progress.

Knows what the library process tells; what becomes of the model is the caller's business.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker

from corefeel_tui import library
from corefeel_tui.errors import CorefeelError
from corefeel_tui.events import Downloaded, Downloading, DownloadPlanned, Event
from corefeel_tui.text.inert import one_line
from corefeel_tui.text.numbers import percent, plural, size

BAR = 26


def question(planned: DownloadPlanned) -> str:
    """What fetching would take, as a question."""
    left = planned.bytes - planned.missing_bytes
    here = f" ({size(left)} of it are here already)" if left else ""
    return (
        f"Fetch {one_line(planned.model, 90)}?\n{size(planned.missing_bytes)} in "
        f"{plural(planned.files, 'file')}{here}; {size(planned.free_bytes)} are free in "
        f"{planned.directory}.{_packed(planned)}"
    )


def _packed(planned: DownloadPlanned) -> str:
    if planned.quantized is None:
        return ""
    bits = f" in {planned.quantized} bits" if planned.quantized else ""
    made = f" from {planned.base}" if planned.base else ""
    return f"\nIt was quantized{bits}{made}, so it needs its original beside it."


class DownloadScreen(ModalScreen[bool]):
    """Dismissed with True once the model is whole in the cache, with False if it is not wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y,enter", "fetch", "fetch"),
        ("n,escape", "leave", "close"),
    ]

    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model
        self._planned: DownloadPlanned | None = None
        self._work: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "fetch a model"
            yield Static(
                f"asking the hub about {one_line(self._model, 90)} …", id="says", markup=False
            )
            yield Static("", id="progress", markup=False)
            yield Static("", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self._keys(("esc", "close"))
        self._work = self.run_worker(self._follow(library.told("plan", self._model)))

    def _keys(self, *keys: tuple[str, str]) -> None:
        parts = [part for key, text in keys for part in ((key, "bold $accent"), f" {text}   ")]
        self.query_one(".dialog-keys", Static).update(Content.assemble(*parts))

    async def _follow(self, said: AsyncGenerator[Event]) -> None:
        """Show what the library says; a cancelled worker ends its process."""
        try:
            async for event in said:
                self._show(event)
        except CorefeelError as error:
            self._planned = None
            self._say(one_line(str(error), 400))
            self._keys(("esc", "close"))
        finally:
            await said.aclose()

    def _show(self, event: Event) -> None:
        match event:
            case DownloadPlanned(missing_bytes=0):
                self.dismiss(True)
            case DownloadPlanned():
                self._planned = event
                self._say(question(event))
                self._keys(("y", "fetch"), ("n", "leave it"))
            case Downloading(done=done, total=total):
                self.query_one("#progress", Static).update(progress_line(done, total))
            case Downloaded():
                self.dismiss(True)

    def _say(self, text: str) -> None:
        self.query_one("#says", Static).update(text)
        self.query_one("#progress", Static).update("")

    def action_fetch(self) -> None:
        """Begin, once the size is known."""
        if self._planned is None:
            return
        self._planned = None
        self._say(f"fetching {one_line(self._model, 90)}")
        self._keys(("esc", "stop; whole files stay in the cache"))
        self._work = self.run_worker(self._follow(library.told("fetch", self._model)))

    def action_leave(self) -> None:
        if self._work is not None:
            self._work.cancel()
        self.dismiss(False)


def progress_line(done: int, total: int) -> Content:
    """━━━━──── 3.1 GB of 8.7 GB · 36 %"""
    share = done / total if total else 1.0
    filled = int(BAR * share)
    words = f"  {size(done)} of {size(total)} · {percent(share)}"
    return Content.assemble(("━" * filled, "$accent"), ("─" * (BAR - filled), "$rule"), words)
