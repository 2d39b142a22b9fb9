"""The Batch pane: how far the batches are, what they show so far, and their items.

Shows a queue of runs under a view; asks nothing of an engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from corefeel_tui.ui.batch import answer, matrix, progress
from corefeel_tui.ui.batch.actions import batch_bindings
from corefeel_tui.ui.batch.item_list import ItemList
from corefeel_tui.ui.batch.lines import Lines
from corefeel_tui.ui.batch.run import BatchRun, head_of
from corefeel_tui.ui.batch.view import BatchView, Line, beside

if TYPE_CHECKING:
    from corefeel_tui.batch_rows import Row

LEAST_ITEM_ROWS = 4
"""Rows of the list, its head included, that everything above has to leave."""

ROOMY = 10
"""Rows above the matrices at which there is room for more of them, and for a gap."""

BOUNDS = 3
"""Lines of a matrix, the first ones, that tell the bounds alone."""

TWO_COLUMNS = 116
"""Width from which progress and matrices stand side by side."""

EMPTY: list[Line] = [
    [("strong", " No batch yet.")],
    [("accent", " n"), ("quiet", " picks suites and starts one; go on chatting while it runs.")],
]


class BatchPane(Vertical):
    """Hidden, it is shown nothing and does nothing."""

    DEFAULT_CSS = """
    BatchPane {
        height: 1fr; display: none; border: round $rule;
        border-title-color: $quiet; border-subtitle-color: $faint; border-subtitle-align: right;
    }
    BatchPane:focus-within { border: round $accent; border-title-color: $foreground; border-title-style: bold; }
    """  # noqa: E501
    BINDINGS: ClassVar[list[BindingType]] = batch_bindings()

    def __init__(self) -> None:
        super().__init__()
        self.border_title = "batch"
        self.view = BatchView()
        self.head = Lines()
        self.items = ItemList()

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.items

    def chosen(self, runs: Sequence[BatchRun]) -> BatchRun | None:
        """The run on show: the reader's choice, else the one at work, else the last."""
        mine = next((run for run in runs if run.name == self.view.run), None)
        return mine or head_of(runs) or next(reversed(runs), None)

    def show(self, runs: Sequence[BatchRun], ready: bool) -> None:
        """Bring everything up to date."""
        run = self.chosen(runs)
        if run is None:
            self.border_subtitle = ""
            self.head.show(EMPTY)
            self.items.show((), "")
            return
        self.border_subtitle = f"{run.path.stem}" if run.path else ""
        width, height = self.content_size.width, self.content_size.height
        self.head.show(self._head(runs, run, width, height - LEAST_ITEM_ROWS, ready))
        self._show_items(run)

    def _show_items(self, run: BatchRun) -> None:
        tally = run.tally
        rows: Sequence[Row] = tally.rows
        if self.view.flipped_only:
            rows = rows[: tally.flipped]
        others = len(tally.rows) - tally.flipped
        caption = f"{tally.flipped} flipped"
        if not self.view.flipped_only:
            caption += f", then {others} others"
        self.items.show(rows, caption if tally.done else "")

    def _head(
        self, runs: Sequence[BatchRun], run: BatchRun, width: int, rows: int, ready: bool
    ) -> list[Line]:
        """Queue, then progress or the answer, then matrices; as much as `rows` hold."""
        queue = progress.queue_lines(runs, run.name, min(len(runs), 4), width, ready)
        if width >= TWO_COLUMNS:
            return [*queue, [], *self._two_columns(run, width, rows - len(queue) - 1)]
        left = rows - len(queue) - 1
        matrices = matrix.matrix_lines(run.tally, self.view, width, left - ROOMY)
        if left < len(matrices):
            matrices = matrices[: min(left, BOUNDS)]
        left -= len(matrices) + bool(matrices)
        gap: list[Line] = [[]] if left > ROOMY else []
        return [*queue, *gap, *self._progress(run, width, left - len(gap)), *_spaced(matrices), []]

    def _two_columns(self, run: BatchRun, width: int, rows: int) -> list[Line]:
        share = 40 if run.judgement is None else min(64, width // 2)
        matrices = matrix.matrix_lines(run.tally, self.view, width - share)
        left = self._progress(run, share - 2, rows)
        return beside(left, matrices, share)[: max(rows, 0)]

    def _progress(self, run: BatchRun, width: int, rows: int) -> list[Line]:
        if run.judgement is not None:
            return answer.answer_lines(run, width, min(rows, 10))
        return progress.suite_lines(run, width, rows)


def _spaced(lines: list[Line]) -> list[Line]:
    return [[], *lines] if lines else []
