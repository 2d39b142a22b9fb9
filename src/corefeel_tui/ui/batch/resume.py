"""Picks a batch session that was cut off, to go on with it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui.text.inert import one_line

if TYPE_CHECKING:
    from corefeel_tui.batch_resume import Unfinished


class ResumeScreen(ModalScreen["Unfinished | None"]):
    """Dismissed with the batch to go on with, or None; `busy` are files that have a run already."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "close")]

    def __init__(self, directory: Path, busy: set[Path]) -> None:
        super().__init__()
        self._directory = directory
        self._busy = busy
        self._found: list[Unfinished] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "go on with a batch"
            yield OptionList(markup=False, compact=True)
            yield Static("⏎ go on · esc close", classes="dialog-keys", markup=False)

    async def on_mount(self) -> None:
        from corefeel_tui.batch_resume import unfinished

        if self._directory.is_dir():
            found = await asyncio.to_thread(unfinished, self._directory)
            self._found = [one for one in found if one.path not in self._busy]
        options = self.query_one(OptionList)
        options.add_options(Option(_line(one)) for one in self._found)
        if not self._found:
            options.add_option(Option(Content("no batch here has items left"), disabled=True))
        options.highlighted = 0 if self._found else None
        options.focus()

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        if self._found:
            self.dismiss(self._found[event.option_index])


def _line(one: Unfinished) -> Content:
    when = one.created[:16].replace("T", " ")
    models = f"{one_line(one.model, 24)} · {one_line(', '.join(one.variants), 40)}"
    done = f"{one.tally.done} of {one.tally.planned} items"
    return Content.assemble(
        (f"{when}  {one_line(one.title, 30)}", "$accent"), f"  {done}  {models}"
    )
