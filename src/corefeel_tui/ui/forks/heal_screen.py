"""The fork inspector: one fork, healed both ways."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from corefeel_tui.folding import Record, Run
from corefeel_tui.text.inert import one_line
from corefeel_tui.ui.forks.page import page


class HealScreen(ModalScreen[str | None]):
    """Dismissed with "next" or "all", or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,h,q", "dismiss(None)", "close"),
        ("n", "dismiss('next')", "next fork"),
        ("H", "dismiss('all')", "all forks"),
    ]

    def __init__(self, record: Record, run: Run, variant: str) -> None:
        super().__init__()
        self._record = record
        self._run = run
        self.variant = variant
        self._page = Static(Content("both sides run on with the other's token …"))
        self._width = 0

    @property
    def key(self) -> tuple[str, str]:
        """The fork on show: run and variant."""
        return self._run.started.run, self.variant

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide tall") as dialog:
            name = self._run.started.item or one_line(self._run.started.prompt, 40)
            at = self._run.trajectories[self.variant].fork
            dialog.border_title = Content(f"fork at token {at} · {self.variant} · {name}")
            dialog.border_subtitle = Content("n next fork · H every fork · esc close")
            yield self._page

    def on_resize(self) -> None:
        self._width = min(110, int(self.size.width * 0.96)) - 7
        self.show()

    def show(self) -> None:
        """Show the outcome, once there is one."""
        healed = self._record.healed.get(self.key)
        if healed is not None and self._width:
            self._page.update(page(self._record, self._run, healed, self._width))

    def fail(self, reason: str) -> None:
        """Say why there is no outcome."""
        self._page.update(Content.styled(one_line(reason, 400), "$error"))
