"""The prompt bar: several lines, Enter sends, history at its edges."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from corefeel_tui.ui.history import History
from corefeel_tui.ui.messages import Asked, ExampleWanted
from corefeel_tui.ui.widgets.writing import WritingArea


class PromptBar(WritingArea):
    """Where prompts are written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "send", show=False),
        Binding("ctrl+j", "newline", "line break", show=False),
        Binding("up", "up", show=False),
        Binding("down", "down", show=False),
    ]

    def __init__(self, history: History) -> None:
        super().__init__(
            soft_wrap=True, show_line_numbers=False, compact=True, highlight_cursor_line=False
        )
        self._history = history

    def action_send(self) -> None:
        """Send what is written."""
        text = self.text.strip("\n")
        if text.strip():
            self.post_message(Asked(text))

    def sent(self) -> None:
        """The prompt went out: remember it and start afresh."""
        self._history.add(self.text.strip("\n"))
        self.write("")

    def action_newline(self) -> None:
        self.insert("\n")

    def action_up(self) -> None:
        """A line up; in the first line an earlier prompt."""
        if self.cursor_location[0] > 0:
            self.action_cursor_up()
        elif (earlier := self._history.earlier(self.text)) is not None:
            self.write(earlier)
        elif not self.text:
            self.post_message(ExampleWanted(-1))

    def action_down(self) -> None:
        """A line down; in the last line a later prompt, or in an empty bar an example."""
        if self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        elif (later := self._history.later()) is not None:
            self.write(later)
        else:
            self.post_message(ExampleWanted(1))
