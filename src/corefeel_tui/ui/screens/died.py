"""What is shown when the engine died: why, its last words, and the key that starts it again."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from corefeel_tui.events import EngineDied
from corefeel_tui.text.inert import inert_lines, one_line

TAIL = 40
"""Lines of the engine's last words worth reading."""


class DiedScreen(ModalScreen[str]):
    """Dismissed with "restart", "quit" or "" (look at what is there)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("r", "dismiss('restart')", "restart"),
        ("q", "dismiss('quit')", "quit"),
        ("escape", "dismiss('')", "look"),
    ]

    def __init__(self, death: EngineDied) -> None:
        super().__init__()
        self._death = death

    def compose(self) -> ComposeResult:
        tail = "\n".join(inert_lines(self._death.stderr).splitlines()[-TAIL:])
        with Vertical(classes="dialog alarm") as dialog:
            dialog.border_title = "the engine ended"
            yield Static(one_line(self._death.reason, 400), markup=False)
            if tail:
                with VerticalScroll(classes="tail"):
                    yield Static(tail, markup=False)
            yield Static("Everything shown stays, and is saved as before.", markup=False)
            keys = ("r", " restart   "), ("esc", " look around   "), ("q", " quit")
            parts = [part for key, text in keys for part in ((key, "bold $accent"), text)]
            yield Static(Content.assemble(*parts), classes="dialog-keys")
