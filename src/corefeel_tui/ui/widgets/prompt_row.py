"""The prompt bar with its sign before it and the settings it will be asked under behind it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from corefeel_tui.ui.widgets.prompt_bar import PromptBar


class PromptRow(Horizontal):
    """Sign, prompt, settings."""

    def __init__(self, prompt: PromptBar) -> None:
        super().__init__()
        self._prompt = prompt
        self._settings = Static(markup=False, classes="settings")
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield Static("❯", markup=False, classes="sign")
        yield self._prompt
        yield self._settings

    def show(self, settings: str) -> None:
        """Show the settings of the next prompt."""
        if settings != self._shown:
            self._shown = settings
            self._settings.update(Content(settings))
