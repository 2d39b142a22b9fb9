"""Where the prompt and its labels are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from corefeel_tui.edge.readouts import Readout, parse
from corefeel_tui.errors import CorefeelError
from corefeel_tui.text.numbers import plural
from corefeel_tui.ui.edge.painting import EdgeLines, Line
from corefeel_tui.ui.widgets.writing import WritingArea, WritingLine

if TYPE_CHECKING:
    from corefeel_tui.ui.edge.screen import EdgeScreen


class Editor(WritingArea):
    """The prompt; nothing is sent, so Enter breaks the line."""

    DEFAULT_CSS = """
    Editor {
        height: 1fr; width: 1fr; padding: 0 1; background: transparent;
        border: round $rule; border-title-color: $quiet; border-subtitle-color: $faint;
        border-subtitle-align: right; scrollbar-size: 1 1;
    }
    Editor:focus {
        border: round $accent; background: transparent;
        border-title-color: $foreground; border-title-style: bold;
    }
    """

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False)
        self.border_title = "prompt"


class LabelRow(Horizontal):
    """The two labels, editable in one line, and beside them what the needles cost."""

    DEFAULT_CSS = """
    LabelRow { height: 1; }
    LabelRow > .sign { width: auto; padding: 0 1; color: $quiet; }
    LabelRow > Input { width: 34; background: $surface; color: $foreground; padding: 0 1; }
    LabelRow > Input:focus { background: $panel; text-style: bold; }
    LabelRow > EdgeLines { width: 1fr; height: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.input = WritingLine(compact=True, select_on_focus=True)
        self.said = EdgeLines(classes="fixed")
        self._known: Readout | None = None
        self._fault = ""

    def compose(self) -> ComposeResult:
        yield Static("labels", markup=False, classes="sign")
        yield self.input
        yield self.said

    def enter(self) -> None:
        """Write here."""
        self.input.focus()

    def write(self, readout: Readout) -> None:
        """Show labels."""
        if self._known is None or not set(readout.labels) <= set(self._known.labels):
            self._known = readout
        self._fault = ""
        with self.input.prevent(Input.Changed):
            self.input.value = readout.title

    def check(self, line: str) -> None:
        """Say at once what is wrong with what is being written."""
        self.parsed(line)

    def parsed(self, line: str) -> Readout | None:
        """The labels of a line; None, and a sentence, where it names none."""
        try:
            found = parse(line, self._known)
        except CorefeelError as error:
            self._fault = str(error)
            self.said.show([[("error", f" {self._fault}")]])
            return None
        self._fault = ""
        self.said.show([[("good", f" ⏎ weighs {found.title}")]])
        return found

    def tell(self, screen: EdgeScreen) -> None:
        """What the last needles cost, unless something is wrong with the labels."""
        if not self._fault:
            self.said.show([_cost(screen)])


def _cost(screen: EdgeScreen) -> Line:
    meter = screen.view.meter(screen.record)
    latest = meter.latest if meter else None
    if latest is None:
        return []
    read = latest.computed_tokens
    line: Line = [
        ("faint", f"  {latest.reused_tokens} reused · "),
        ("quiet", f"{plural(read, 'token')} read · {1000 * latest.seconds:.0f} ms"),
    ]
    if screen.live and latest.prompt != screen.subject.filled:
        line.append(("accent", "  …"))
    return line
