"""What widgets tell the screens above them."""

from __future__ import annotations

from textual.message import Message


class CursorMoved(Message):
    """The reader put the cursor on a position of one pane's text."""

    def __init__(self, pane: str, position: int, extend: bool = False) -> None:
        super().__init__()
        self.pane = pane
        self.position = position
        self.extend = extend


class PaneFocused(Message):
    """The reader went to a pane."""

    def __init__(self, pane: str) -> None:
        super().__init__()
        self.pane = pane


class Asked(Message):
    """A prompt was sent."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class ExampleWanted(Message):
    """The empty prompt bar asks for something to try; `step` is 1 or −1."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


class HintChosen(Message):
    """A key hint was clicked."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
