"""Progress of a load, one entry per variant, and the prompt that waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.cells import set_cell_size
from textual.strip import Strip
from textual.widget import Widget

from corefeel_tui.events import Loading
from corefeel_tui.text.inert import one_line, preview
from corefeel_tui.ui.widgets.painting import Part, painted

BAR = 8


class LoadingBar(Widget):
    """Draws what `loading` events told."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "load--name",
        "load--stage",
        "load--done",
        "load--left",
    }

    def __init__(self) -> None:
        super().__init__()
        self._model = ""
        self._steps: dict[str, Loading] = {}
        self._prompt = ""

    def show(self, model: str, steps: Mapping[str, Loading], prompt: str = "") -> None:
        """Show how far a load is, and the prompt that will be asked after it."""
        if (model, steps, prompt) == (self._model, self._steps, self._prompt):
            return
        self._model, self._steps, self._prompt = model, dict(steps), prompt
        self.set_class(bool(prompt), "-holds")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        parts = (self._shared(), self._variants(width), self._waiting(width))[y]
        return painted(self, "load", parts)

    def _waiting(self, width: int) -> list[Part]:
        head, tail = " waits: ", "  ^C takes it back"
        room = max(8, width - len(head) - len(tail) - 1)
        return [("name", head), ("stage", preview(self._prompt, room)), ("name", tail)]

    def _shared(self) -> list[Part]:
        step = self._steps.get("")
        stage = f" · {one_line(step.stage, 60)} " if step else ""
        parts = [("name", f" loading {self._model}"), ("stage", stage)]
        return parts + (_bar(step) if step and step.total else [])

    def _variants(self, width: int) -> list[Part]:
        steps = [step for name, step in self._steps.items() if name]
        room = width // max(1, len(steps))
        parts: list[Part] = []
        for step in steps:
            name = one_line(step.variant, 20)
            parts += [("name", f" {name} "), *_bar(step)]
            left = max(0, room - len(name) - 2 - BAR)
            stage = f" {one_line(step.stage, 30)}"
            parts.append(("stage", set_cell_size(stage if len(stage) <= left else "", left)))
        return parts


def _bar(step: Loading) -> list[Part]:
    done = round(BAR * min(1.0, step.done / step.total)) if step.total else 0
    return [("done", "━" * done), ("left", "─" * (BAR - done))]
