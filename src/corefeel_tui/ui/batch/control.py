"""What the keys of the Batch pane do: asks the reader, tells the queue, shows the result.

Knows the app, the queue and the pane; measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from textual.timer import Timer

from corefeel_tui import events as ev
from corefeel_tui.ui.actions import shown_key
from corefeel_tui.ui.batch import matrix, progress
from corefeel_tui.ui.batch.actions import BATCH_BY_NAME, HINTS
from corefeel_tui.ui.batch.queue import BatchQueue
from corefeel_tui.ui.batch.run import BatchRun, State
from corefeel_tui.ui.keeping import Keeper
from corefeel_tui.ui.widgets.hint_bar import Hint

if TYPE_CHECKING:
    from corefeel_tui.batch_resume import Unfinished
    from corefeel_tui.ui.app import CorefeelApp
    from corefeel_tui.ui.batch.pane import BatchPane
    from corefeel_tui.ui.batch.start import Wish

REFRESH_SECONDS = 0.25
"""Numbers that change faster than this cannot be read."""


class BatchControl:
    """Each public method without an argument is an action."""

    def __init__(self, app: CorefeelApp, keeper: Keeper | None) -> None:
        self._app = app
        self.queue = BatchQueue(app.desk, keeper, app.tell, self._work)
        self._timer: Timer | None = None
        self._shown_at = 0.0

    # --- what is known ----------------------------------------------------------------------------

    @property
    def pane(self) -> BatchPane:
        """Where it is shown."""
        return self._app.compare.batch_pane

    @property
    def focused(self) -> bool:
        """Whether the pane's keys work now."""
        return self.pane.items.has_focus

    @property
    def run(self) -> BatchRun | None:
        """The run on show."""
        return self.pane.chosen(self.queue.runs)

    def summary(self) -> str:
        """For the line of the prompt."""
        return progress.summary(self.queue.runs)

    def available(self, name: str) -> bool:
        """Whether an action would do something."""
        if name == "toggle_batch":
            return self._app.desk.live.live
        run = self.run
        if not self.pane.display:
            return name in ("new_batch", "resume_batch") and self._app.desk.live.live
        if run is None:
            return name in ("new_batch", "resume_batch", "leave_pane")
        match name:
            case "open_item":
                return self.pane.items.row is not None
            case "pause_batch":
                return run.state is not State.FINISHED
            case "cancel_batch":
                return run.state.pending
            case "raise_batch":
                return run.state.in_line and run is not self.queue.head
            case "answer":
                return run.judgement is not None
            case "against" | "next_variant" | "next_suite":
                return bool(matrix.labelled_suites(run.tally))
            case "previous_batch" | "next_batch":
                return len(self.queue.runs) > 1
        return True

    def hints(self) -> list[Hint]:
        """The footer while the pane has the focus."""
        resting = self.run is not None and self.run.state is not State.RUNNING
        names = {"pause_batch": "go on"} if resting else {}
        return [
            Hint(shown_key(action.letter), names.get(action.name, action.label), action.call)
            for action in (BATCH_BY_NAME[name] for name in HINTS)
            if self.available(action.name)
        ]

    # --- events -----------------------------------------------------------------------------------

    async def take(self, events: Sequence[ev.Event]) -> None:
        """Take in what the engine says of batches."""
        if await self.queue.take(events):
            self._refresh_soon()

    async def meet(self, event: ev.Event) -> None:
        """Take in what happens to the engine."""
        if self.queue.runs and isinstance(event, ev.Loaded | ev.EngineDied):
            await self.queue.meet(event)
            self.refresh()

    def _work(self, coroutine: object) -> None:
        async def then_show() -> None:
            await coroutine  # type: ignore[misc]
            self.refresh()

        self._app.run_worker(then_show())

    def _refresh_soon(self) -> None:
        left = REFRESH_SECONDS - (monotonic() - self._shown_at)
        if left <= 0:
            self.refresh()
        elif self._timer is None:
            self._timer = self._app.set_timer(left, self.refresh)

    def refresh(self) -> None:
        """Show how things stand, where they are looked at."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._shown_at = monotonic()
        if self.pane.is_mounted and self.pane.display:
            self.pane.show(self.queue.runs, self.queue.ready)
        self._app.refresh_status()

    # --- the pane ---------------------------------------------------------------------------------

    def toggle_batch(self) -> None:
        """Open the pane and go there, or close it."""
        if self._app.compare.dock.toggle():
            self._app.call_after_refresh(self._enter)
        else:
            self._app.compare.prompt.focus()
            self.refresh()

    def _enter(self) -> None:
        self.pane.items.focus()
        self.refresh()

    def leave_pane(self) -> None:
        """To the prompt; where there is no room for both, the pane closes."""
        if self._app.compare.dock.covering:
            self._app.compare.dock.toggle()
        self._app.compare.prompt.focus()

    def flipped(self) -> None:
        """Only what flipped, or everything."""
        self.pane.view.flipped_only = not self.pane.view.flipped_only
        self.pane.items.forget()
        self.refresh()

    def against(self) -> None:
        """What the rows of the matrices are."""
        view = self.pane.view
        view.against = "reference" if view.against == "expected" else "expected"
        self.refresh()

    def next_variant(self) -> None:
        """Turn the matrices."""
        self.pane.view.first += 1
        self.refresh()

    def next_suite(self) -> None:
        """The matrices of another suite."""
        if self.run and (names := matrix.labelled_suites(self.run.tally)):
            shown = matrix.suite_shown(self.run.tally, self.pane.view)
            at = names.index(shown.plan.name) if shown else -1
            self.pane.view.suite = names[(at + 1) % len(names)]
            self.refresh()

    def previous_batch(self) -> None:
        """Look at another run."""
        self._step(-1)

    def next_batch(self) -> None:
        """Look at another run."""
        self._step(1)

    def _step(self, step: int) -> None:
        runs, run = self.queue.runs, self.run
        if run is not None:
            self.pane.view.run = runs[(runs.index(run) + step) % len(runs)].name
            self.pane.items.forget()
            self.refresh()

    # --- the queue --------------------------------------------------------------------------------

    def new_batch(self) -> None:
        """Pick suites."""
        from corefeel_tui.ui.batch.start import StartScreen

        if reason := self.queue.refusal():
            self._app.tell(reason, "warning")
            return
        self._app.push_screen(StartScreen(self._app.desk.pocket), self._add)

    async def _add(self, wish: Wish | None) -> None:
        if wish is None:
            return
        await self.queue.add(wish.suites, wish.limit)
        self._show_last()

    def resume_batch(self) -> None:
        """Pick a batch that was cut off."""
        from corefeel_tui.paths import sessions_directory
        from corefeel_tui.ui.batch.resume import ResumeScreen

        if reason := self.queue.refusal():
            self._app.tell(reason, "warning")
            return
        busy = {run.path for run in self.queue.runs if run.path is not None}
        self._app.push_screen(ResumeScreen(sessions_directory(), busy), self._resume)

    async def _resume(self, found: Unfinished | None) -> None:
        if found is None:
            return
        await self.queue.resume(found)
        self._show_last()

    def _show_last(self) -> None:
        self.pane.view.run = ""
        if not self.pane.display:
            self.toggle_batch()
        self.refresh()

    async def pause_batch(self) -> None:
        """Rest or go on; it stays on show while another one has its turn."""
        if self.run is not None:
            self.pane.view.run = self.run.name
            await self.queue.pause(self.run)
            self.refresh()

    async def raise_batch(self) -> None:
        """An earlier turn."""
        if self.run is not None:
            self.pane.view.run = self.run.name
            await self.queue.up(self.run)
            self.refresh()

    def cancel_batch(self) -> None:
        """End it, when that is meant."""
        from corefeel_tui.ui.batch.screens import CancelScreen

        run = self.run
        if run is None or not run.state.pending:
            return

        async def cancel(meant: bool | None) -> None:
            if meant:
                await self.queue.cancel(run)
                self.refresh()

        self._app.push_screen(CancelScreen(run), cancel)

    def answer(self) -> None:
        """The gate's whole answer."""
        from corefeel_tui.ui.batch.screens import AnswerScreen

        if self.run is not None and self.run.judgement is not None:
            self._app.push_screen(AnswerScreen(self.run, self.run.judgement))

    # --- an item ----------------------------------------------------------------------------------

    async def open_item(self) -> None:
        """The item under the cursor in Compare, at its fork."""
        from corefeel_tui.ui.batch.opening import open_in_compare

        run, row = self.run, self.pane.items.row
        if run is not None and run.path is not None and row is not None:
            await open_in_compare(self._app, run.path, row)
