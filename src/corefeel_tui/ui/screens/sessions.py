"""The Sessions screen: what was saved, newest first; Enter opens one as a replay."""

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
from corefeel_tui.text.numbers import plural

if TYPE_CHECKING:
    from corefeel_tui.sessions import SessionInfo


class SessionsScreen(ModalScreen[Path | None]):
    """Dismissed with the session to open, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "close")]

    def __init__(self, directory: Path, extra: Path | None = None) -> None:
        super().__init__()
        self._directory = directory
        self._extra = extra
        self._paths: list[Path] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = f"sessions in {one_line(str(self._directory), 60)}"
            yield OptionList(markup=False, compact=True)
            yield Static("⏎ open as replay · esc close", classes="dialog-keys", markup=False)

    async def on_mount(self) -> None:
        from corefeel_tui.sessions import list_sessions

        found: list[SessionInfo] = []
        if self._directory.is_dir():
            found = await asyncio.to_thread(list_sessions, self._directory)
        options = self.query_one(OptionList)
        for info in found:
            self._add(options, info.path, _line(info))
        if self._extra is not None:
            self._add(options, self._extra, Content("the bundled sample"))
        if not self._paths:
            options.add_option(Option(Content("nothing was saved here yet"), disabled=True))
        else:
            options.highlighted = 0
        options.focus()

    def _add(self, options: OptionList, path: Path, line: Content) -> None:
        self._paths.append(path)
        options.add_option(Option(line))

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        if self._paths:
            self.dismiss(self._paths[event.option_index])


def _line(info: SessionInfo) -> Content:
    when = info.created[:16].replace("T", " ")
    models = f"{one_line(info.model, 24)} · {plural(len(info.variants), 'model')}"
    status = "" if info.status == "finished" else f" · {info.status}"
    head = f"{when}  {models} · {plural(info.runs, 'run')}{status}"
    return Content.assemble((head, "$accent"), f"  {one_line(info.first_prompt, 120)}")
