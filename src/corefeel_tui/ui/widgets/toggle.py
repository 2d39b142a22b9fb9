"""A yes or no in a form, told by a sign and not by a colour."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Toggle(Widget, can_focus=True):
    """[x] or [ ], and what it is about."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "switch", show=False)]

    value = reactive(False)

    def __init__(self, label: str, value: bool, id: str) -> None:
        super().__init__(id=id)
        self._label = label
        self.set_reactive(Toggle.value, value)

    def render(self) -> Content:
        return Content(f"[{'x' if self.value else ' '}] {self._label}")

    def action_switch(self) -> None:
        self.value = not self.value

    def on_click(self) -> None:
        self.action_switch()
