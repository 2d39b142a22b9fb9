"""The form for what may change while the app runs: system prompt, sampling, variants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.asking import LIMITS, WHOLE, Question
from corefeel_tui.ui.widgets.toggle import Toggle
from corefeel_tui.ui.widgets.writing import WritingArea, WritingLine

MOST = 6
"""Models that can be read side by side."""

LABELS = {
    "temperature": "temperature",
    "seed": "seed",
    "max_tokens": "max tokens",
    "top_p": "top-p",
    "top_k": "top-k",
    "min_p": "min-p",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the form holds."""

    question: Question
    variants: tuple[str, ...]


def parse_variants(text: str) -> tuple[str, ...]:
    """A comma list, the reference first.  Raises ValueError with a sentence."""
    from corefeel_tui import variants

    names = variants.split(text)
    if not names:
        raise ValueError("name the reference and at least one variant")
    try:
        specs = variants.parse_all(names, variants.parse(names[0]).name)
    except CorefeelError as error:
        raise ValueError(str(error)) from error
    if not 2 <= len(specs) <= MOST:
        raise ValueError(f"name 2 to {MOST} models, not {len(specs)}: they stand side by side")
    return tuple(str(spec) for spec in specs)


class SettingsScreen(ModalScreen[Settings | None]):
    """Dismissed with the new settings, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close"),
        Binding("ctrl+s", "apply", "apply", priority=True),
        Binding("enter", "apply", "apply"),
    ]

    def __init__(self, settings: Settings, live: bool) -> None:
        super().__init__()
        self._settings = settings
        self._live = live

    def compose(self) -> ComposeResult:
        question = self._settings.question
        with VerticalScroll(classes="dialog wide form", can_focus=False) as dialog:
            dialog.border_title = "settings"
            yield Label("system prompt")
            yield WritingArea(question.system, id="system", compact=True, tab_behavior="focus")
            with Horizontal(classes="fields"):
                for name, label in LABELS.items():
                    yield Label(label)
                    number = getattr(question, name)
                    value = str(number) if name in WHOLE else f"{number:g}"
                    yield WritingLine(value, id=name, compact=True)
            with Horizontal(classes="fields switches"):
                yield Toggle("thinking", question.thinking, id="thinking")
                yield Toggle("conversation", question.conversation, id="conversation")
            yield Label("models, the reference first")
            names = ", ".join(self._settings.variants)
            yield WritingLine(names, id="variants", compact=True, disabled=not self._live)
            yield Static("", id="complaint", markup=False)
            yield Static(
                "⏎ or ^S apply · tab next field · space switches · esc close", classes="dialog-keys"
            )

    def on_mount(self) -> None:
        self.query_one("#temperature").focus()

    def on_input_submitted(self) -> None:
        self.action_apply()

    def action_apply(self) -> None:
        """Take the form, or say what is wrong in it and go there."""
        try:
            self.dismiss(self._read())
        except ValueError as error:
            self.query_one("#complaint", Static).update(str(error))

    def _read(self) -> Settings:
        question = self._settings.question
        for name in LIMITS:
            field = self.query_one(f"#{name}", Input)
            try:
                question = question.with_number(name, field.value.strip())
            except ValueError:
                field.focus()
                raise
        question = replace(
            question,
            system=self.query_one("#system", WritingArea).text.strip(),
            thinking=self.query_one("#thinking", Toggle).value,
            conversation=self.query_one("#conversation", Toggle).value,
        )
        variants = self._settings.variants
        if self._live:
            variants = parse_variants(self.query_one("#variants", Input).value)
        return Settings(question, variants)
