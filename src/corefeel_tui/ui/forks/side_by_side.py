"""Two runs next to each other: one model's two answers, the second with its word diff."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from corefeel_tui.branches import models_of, taken_up
from corefeel_tui.folding import Record, Run
from corefeel_tui.text.inert import inert, inert_lines, preview
from corefeel_tui.text.numbers import signed
from corefeel_tui.ui.forks.differing import differing


class SideBySide(ModalScreen[None]):
    """Looks at one model at a time; left and right go to the next one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "close"),
        Binding("right,tab", "turn(1)", "next model", priority=True),
        Binding("left,shift+tab", "turn(-1)", "previous model", priority=True),
    ]

    def __init__(self, record: Record, first: str, second: str, model: str) -> None:
        super().__init__()
        self._record = record
        self._runs = record.runs[first], record.runs[second]
        shared = [n for n in models_of(self._runs[0]) if n in models_of(self._runs[1])]
        self._models = shared
        self._at = shared.index(model) if model in shared else 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide pair") as dialog:
            dialog.border_title = "two runs side by side"
            yield Static(id="says")
            with Horizontal():
                yield VerticalScroll(Static(id="first"))
                yield VerticalScroll(Static(id="second"))
            yield Static("← → model · esc close", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self._show()

    def action_turn(self, step: int) -> None:
        """Look at the next model."""
        if self._models:
            self._at = (self._at + step) % len(self._models)
            self._show()

    def _show(self) -> None:
        says = self.query_one("#says", Static)
        if not self._models:
            says.update("these two runs have no model in common")
            return
        model = self._models[self._at]
        tabs = [
            (f" {inert(name)} ", "bold reverse" if name == model else "$quiet")
            for name in self._models
        ]
        says.update(Content.assemble(*tabs))
        first, second = (_text(self._record, run, model) for run in self._runs)
        left, right = self._runs
        self.query_one("#first", Static).update(
            Content("\n").join([*self._head(left, model), Content(inert_lines(first) or "∎")])
        )
        self.query_one("#second", Static).update(
            Content("\n").join([*self._head(right, model), differing(first, second)])
        )

    def _head(self, run: Run, model: str) -> list[Content]:
        """The prompt, what it branched from, and the verdict."""
        verdict = run.trajectories[model].verdict
        margin = f" {signed(verdict.margin)}" if verdict else ""
        told = f"{inert(verdict.label)}{margin}" if verdict else "no verdict"
        origin = taken_up(self._record, run)
        lines = [Content.styled(preview(run.started.prompt, 60), "bold")]
        lines += [Content.styled(f"↳ {inert(origin)}", "$quiet")] if origin else [Content("")]
        return [*lines, Content.styled(told, "$accent"), Content("")]


def _text(record: Record, run: Run, model: str) -> str:
    answer = run.trajectories[model]
    return answer.text if answer.text is not None else record.text(answer.ids)
