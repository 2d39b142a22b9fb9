"""Small dialogs: a question to be answered with yes or no, and a line to be written."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from corefeel_tui.ui.widgets.writing import WritingLine


class QuitScreen(ModalScreen[bool]):
    """Asks before leaving."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y,enter,ctrl+c,ctrl+q", "dismiss(True)", "quit"),
        ("n,escape", "dismiss(False)", "stay"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(self._question, markup=False)
            keys = ("y", " quit   "), ("n", " stay")
            parts = [part for key, text in keys for part in ((key, "bold $accent"), text)]
            yield Static(Content.assemble(*parts), classes="dialog-keys")


class RenameScreen(ModalScreen[str]):
    """Asks for a session's name; dismissed with "" when nothing is to change."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss('')", "close")]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = "name of this session"
            yield WritingLine(placeholder="a few words", max_length=80, compact=True)
            yield Static("⏎ rename · esc close", classes="dialog-keys", markup=False)

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class TooSmallScreen(ModalScreen[None]):
    """Covers everything while the terminal is too small for it."""

    def compose(self) -> ComposeResult:
        yield Static("corefeel needs 60×15 characters; make the window larger", markup=False)
