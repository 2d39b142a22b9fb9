"""Two small dialogs: the token that a branch puts in, and the prompt that it edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui.text.inert import inert, one_line
from corefeel_tui.text.numbers import probability
from corefeel_tui.ui.forks.choosing import Choice
from corefeel_tui.ui.widgets.writing import WritingArea

MODELS = 6
"""So many models' probabilities stand beside a token."""


class TokenPicker(ModalScreen[int | None]):
    """Dismissed with the id of the token to go on with, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "close")]

    def __init__(self, where: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._where = where
        self._choices = choices

    def compose(self) -> ComposeResult:
        names = list(self._choices[0].probabilities)[:MODELS] if self._choices else []
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = Content(f"branch from {one_line(self._where, 60)}")
            head = f"  {'token':<18}" + "".join(f"{one_line(name, 7):>8}" for name in names)
            yield Static(Content.styled(head, "$quiet"), markup=False)
            options = (Option(_line(choice, names)) for choice in self._choices)
            yield OptionList(*options, markup=False, compact=True)
            keys = "⏎ all models go on from here with this token · esc close"
            yield Static(keys, classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index].id)


def _line(choice: Choice, names: Sequence[str]) -> Content:
    mark = "▸ " if choice.taken else "  "
    known = (choice.probabilities.get(name) for name in names)
    numbers = "".join(f"{probability(p) if p is not None else '·':>8}" for p in known)
    style = "bold $accent" if choice.taken else "$foreground"
    return Content.assemble((f"{mark}{one_line(choice.label, 18):<18}", style), numbers)


class PromptEditor(ModalScreen[str | None]):
    """Dismissed with the edited prompt, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        ("f5,ctrl+enter,ctrl+j", "send", "ask"),
    ]

    def __init__(self, prompt: str, kept: str) -> None:
        super().__init__()
        self._prompt = prompt
        self._kept = kept

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide form") as dialog:
            dialog.border_title = "branch with an edited prompt"
            yield WritingArea(self._prompt, show_line_numbers=False)
            said = f"every answer begins with {self._kept}" if self._kept else "answers begin anew"
            yield Static(Content(inert(said)), id="state")
            yield Static("^J or F5 ask · esc close", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        area = self.query_one(WritingArea)
        area.focus()
        area.move_cursor(area.document.end)

    def action_send(self) -> None:
        text = self.query_one(WritingArea).text
        if text.strip():
            self.dismiss(text)
        else:
            self.notify("the prompt is empty; type a question", severity="warning")
