"""The Batch pane's small dialogs: really cancel, and the gate's whole answer."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from corefeel_tui.gate import Judgement
from corefeel_tui.text.inert import inert, one_line
from corefeel_tui.ui.batch.answer import MARKS, SAYS, command
from corefeel_tui.ui.batch.run import BatchRun

COLOURS = {"pass": "$success", "fail": "$error", "inconclusive": "$warning"}


class CancelScreen(ModalScreen[bool]):
    """Asks before a batch ends early."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y,enter", "dismiss(True)", "cancel the batch"),
        ("n,escape", "dismiss(False)", "let it run"),
    ]

    def __init__(self, run: BatchRun) -> None:
        super().__init__()
        self._run = run

    def compose(self) -> ComposeResult:
        tally = self._run.tally
        done = f"{tally.done} of {tally.planned}" if tally.planned else "none"
        with Vertical(classes="dialog small"):
            yield Static(Content(f"Cancel {one_line(self._run.title, 60)}?"))
            yield Static(Content(f"{done} items are finished and stay in its session."))
            keys = ("y", " cancel it   "), ("n", " let it run")
            parts = [part for key, text in keys for part in ((key, "bold $accent"), text)]
            yield Static(Content.assemble(*parts), classes="dialog-keys")


class AnswerScreen(ModalScreen[None]):
    """The paragraph, every criterion, and where the evidence stands."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,g,enter", "dismiss", "close")]

    def __init__(self, run: BatchRun, judgement: Judgement) -> None:
        super().__init__()
        self._run = run
        self._judgement = judgement

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide tall") as dialog:
            dialog.border_title = "the gate's answer"
            dialog.border_subtitle = "esc"
            yield Static(self._page())

    def _page(self) -> Content:
        judgement = self._judgement
        lines = [
            Content.styled(SAYS[judgement.answer], f"bold {COLOURS[judgement.answer]}"),
            Content(one_line(judgement.paragraph, 8000)),
        ]
        for variant in judgement.variants:
            colour = COLOURS[variant.answer]
            said = SAYS[variant.answer].lower()
            lines += [
                Content(""),
                Content.assemble((inert(variant.variant), "bold"), "  ", (said, colour)),
            ]
            for criterion in variant.criteria:
                mark = (MARKS[criterion.answer], COLOURS[criterion.answer])
                lines.append(Content.assemble("  ", mark, f" {one_line(criterion.reason, 400)}"))
            lines += [Content(f"  · {one_line(note, 400)}") for note in variant.notes]
        path = inert(str(self._run.path or ""))
        lines += [
            Content(""),
            Content.assemble(("session  ", "$quiet"), path),
            Content.assemble(("report   ", "$quiet"), command(self._run)),
        ]
        return Content("\n").join(lines)
