"""The Compare screen: one feed's run, the prompt bar, and the keys to look around.

Knows what the reader does; asks nothing of an engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from corefeel_tui import events as ev
from corefeel_tui.ui.actions import BY_NAME, screen_bindings
from corefeel_tui.ui.availability import available
from corefeel_tui.ui.batch.dock import Dock
from corefeel_tui.ui.batch.pane import BatchPane
from corefeel_tui.ui.feed import Feed
from corefeel_tui.ui.history import History
from corefeel_tui.ui.messages import CursorMoved, ExampleWanted, PaneFocused
from corefeel_tui.ui.reading import Reading
from corefeel_tui.ui.status import short_name
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.text.navigation import following
from corefeel_tui.ui.widgets.board import Board
from corefeel_tui.ui.widgets.hint_bar import HintBar
from corefeel_tui.ui.widgets.loading_bar import LoadingBar
from corefeel_tui.ui.widgets.prompt_bar import PromptBar
from corefeel_tui.ui.widgets.prompt_row import PromptRow
from corefeel_tui.ui.widgets.status_bar import StatusBar
from corefeel_tui.ui.widgets.welcome import EXAMPLES, Welcome

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp


class CompareScreen(Screen[None]):
    """One comparison on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *screen_bindings(),
        Binding("escape", "back", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, feed: Feed, names: Sequence[str], history: History) -> None:
        super().__init__()
        self.reading = Reading(feed, names[0] if names else "")
        self.status = StatusBar()
        self.board = Board(self.reading, names)
        self.welcome = Welcome()
        self.loading_bar = LoadingBar()
        self.batch_pane = BatchPane()
        self.dock = Dock(self.board, self.batch_pane)
        self.prompt = PromptBar(history)
        self.prompt_row = PromptRow(self.prompt)
        self.hints = HintBar()
        self._examples: Sequence[str] = EXAMPLES
        self._searched = False
        self._example = -1

    def compose(self) -> ComposeResult:
        self.welcome.display = self.loading_bar.display = False
        yield self.status
        yield self.dock
        yield self.welcome
        yield self.loading_bar
        yield self.prompt_row
        yield self.hints

    def on_mount(self) -> None:
        self.prompt.focus()

    async def attach(self, feed: Feed) -> None:
        """Look at another feed, at its latest run."""
        self.reading.feed = feed
        await self.board.open_run(next(reversed(feed.record.runs), None))

    async def look_at(self, run: str, pane: str, position: int | None) -> None:
        """Show a run of the feed, the cursor on a position of one pane."""
        await self.board.open_run(run)
        if position is None:
            self.reading.pane = pane
        else:
            self.reading.move(pane, position, extend=False)
        self.board.show_cursor()
        self._focus_pane(pane)

    async def absorb(self, batch: Sequence[ev.Event]) -> None:
        """Show what a batch of the feed's events changed."""
        await self.board.absorb(batch)

    def show_surroundings(self, app: CorefeelApp) -> None:
        """Prompt bar, loading progress and welcome, as the app stands."""
        desk = app.desk
        record = desk.live.record
        self.loading_bar.display = desk.loading
        if desk.loading:
            asked = desk.wanted.model if desk.wanted else None
            self.loading_bar.show(short_name(asked), record.loading, app.waiting.text)
        self.prompt_row.display = desk.live.live
        self.prompt_row.show(
            " · ".join(filter(None, (desk.question.summary(), app.batch.summary())))
        )
        lost = self.focused is None and not app.shown.live
        if lost or (self.prompt.has_focus and not desk.live.live):
            self.enter_panes()
        empty = self.reading.run is None and app.shown.live and record.loaded is not None
        self.welcome.display = empty
        if empty:
            self.welcome.show(self.examples)
            if desk.pocket and not self._searched:
                self._searched = True
                self.run_worker(self._find_examples())

    async def _find_examples(self) -> None:
        """What Pocket was made for, from its own suite."""
        from corefeel_tui.ui.suite_picker import examples, prompt_choices

        choices, _ = await asyncio.to_thread(prompt_choices, True)
        self._examples = examples(choices) or list(EXAMPLES)
        self.welcome.show(self.examples)

    @property
    def examples(self) -> Sequence[str]:
        """Prompts to try on the model that answers."""
        return self._examples if cast("CorefeelApp", self.app).desk.pocket else EXAMPLES

    def on_descendant_focus(self) -> None:
        self.app.call_later(self.app.refresh_status)  # type: ignore[attr-defined]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        app = cast("CorefeelApp", self.app)
        return available(app, action) if action in BY_NAME else True

    # --- messages ---------------------------------------------------------------------------------

    @on(CursorMoved)
    def move_cursor(self, message: CursorMoved) -> None:
        self.reading.move(message.pane, message.position, message.extend)
        self.board.show_cursor()

    @on(PaneFocused)
    def enter_pane(self, message: PaneFocused) -> None:
        if message.pane == self.reading.pane:
            return
        self.reading.enter(message.pane)
        if self.reading.focus_view:
            self.board.lay_out()
            self._focus_pane(message.pane)
        else:
            self.board.show_cursor()

    @on(ExampleWanted)
    def write_example(self, message: ExampleWanted) -> None:
        """Put the next example into a bar that holds nothing of the writer's own."""
        if not self.prompt.text or self.prompt.text in self.examples:
            self._example = (self._example + message.step) % len(self.examples)
            self.prompt.write(self.examples[self._example])

    # --- actions ----------------------------------------------------------------------------------

    def action_toggle_locked(self) -> None:
        self._set_view(View.LOCKED)

    def action_toggle_diff(self) -> None:
        self._set_view(View.DIFF)

    def _set_view(self, view: View) -> None:
        """Switch a view on, or back to free."""
        self.reading.view = View.FREE if self.reading.view is view else view
        self.board.show_all()
        self.app.refresh_status()  # type: ignore[attr-defined]

    def action_toggle_focus(self) -> None:
        self.reading.focus_view = not self.reading.focus_view
        self.board.lay_out()
        if not self.prompt.has_focus:
            self._focus_pane(self.reading.pane)

    def action_toggle_table(self) -> None:
        self.board.next_table()

    def action_toggle_inspector(self) -> None:
        self.board.toggle_drawer(self.board.inspector)

    def action_toggle_thinking(self) -> None:
        self.reading.unfolded = not self.reading.unfolded
        self.board.show_all()

    def action_toggle_costs(self) -> None:
        self.board.toggle_drawer(self.board.costs)

    def action_next_flip(self) -> None:
        self._jump("flip", 1)

    def action_previous_flip(self) -> None:
        self._jump("flip", -1)

    def action_next_fork(self) -> None:
        self._jump("fork", 1)

    def _jump(self, kind: str, step: int) -> None:
        target = following(self.reading.positions(kind), self.reading.cursor, step)
        if target is None:
            self.notify(f"no {kind} in {self.reading.pane}", timeout=2, markup=False)
        else:
            self.post_message(CursorMoved(self.reading.pane, target))

    def action_focus_prompt(self) -> None:
        self.prompt.focus()

    def action_pane(self, number: int) -> None:
        """Go to a pane by its number."""
        names = self.board.panes.names
        if number <= len(names):
            self._focus_pane(names[number - 1])

    def enter_panes(self) -> None:
        """Put the focus on the text, where its keys work."""
        self._focus_pane(self.reading.pane)

    def _focus_pane(self, name: str) -> None:
        """Put the focus on a pane; in focus view the one on show gives way."""
        pane = self.board.panes.pane(name)
        if pane is None:
            return
        if not pane.display:
            self.post_message(PaneFocused(name))
        self.call_after_refresh(pane.text.focus)

    def action_back(self) -> None:
        """From the prompt to the panes; there undo one thing at a time."""
        if self.prompt.has_focus:
            self._focus_pane(self.reading.pane)
        elif self.reading.undo():
            self.board.show_cursor()
        elif any(drawer.display for drawer in self.board.drawers):
            self.board.open_drawer(None)
        elif self.reading.focus_view:
            self.action_toggle_focus()

    async def action_older_run(self) -> None:
        await self._step_run(-1)

    async def action_newer_run(self) -> None:
        await self._step_run(1)

    async def _step_run(self, step: int) -> None:
        if run := self.reading.neighbour(step):
            await self.board.open_run(run)

    def action_copy(self) -> None:
        """Copy the selected tokens, else the answer of the pane."""
        text, what = self.reading.copied()
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(f"copied {what}: {len(text)} characters", timeout=2, markup=False)
