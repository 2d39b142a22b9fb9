"""A model that is quantized already: asks for the one it was made from, to compare it with."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from corefeel_tui.lineage import pairing_command
from corefeel_tui.text.inert import one_line
from corefeel_tui.ui.widgets.writing import WritingLine


class PairScreen(ModalScreen[str]):
    """Dismissed with the directory or hub id of the original, or "" to leave it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss('')", "close")]

    def __init__(self, model: str, base: str | None) -> None:
        super().__init__()
        self._model = model
        self._base = base

    def compose(self) -> ComposeResult:
        name = one_line(self._model, 90)
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "already quantized"
            yield Static(
                f"{name} was quantized before it came here, so it cannot be the reference.\n"
                "Compare it with the model it was made from:",
                markup=False,
            )
            yield WritingLine(self._base or "", placeholder="directory or hub id", compact=True)
            yield Static("", id="command", markup=False)
            yield Static("⏎ load both · esc close", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self.show_command()

    @on(Input.Changed)
    def show_command(self) -> None:
        """The same by hand."""
        base = self.query_one(Input).value.strip() or None
        self.query_one("#command", Static).update(pairing_command(base, self._model))

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
