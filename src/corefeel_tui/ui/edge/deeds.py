"""What the keys of the Edge screen do: asks the reader, tells the engine, shows the result.

Each public method is an action.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from corefeel_tui.commands import Ladder, Scan, Search
from corefeel_tui.edge.readouts import Readout
from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.edge.searching import SearchPanel
from corefeel_tui.ui.edge.subject import Subject, of_choice, of_item, search_suite

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp
    from corefeel_tui.ui.edge.panel import Taken
    from corefeel_tui.ui.edge.picker import LadderChoice
    from corefeel_tui.ui.edge.screen import EdgeScreen
    from corefeel_tui.ui.suite_picker import PromptChoice

Make = Callable[[Subject], Scan | Ladder | Search]

RECORDED = "this is a recording: with a model open it goes into the editor"


class Deeds:
    """Made for one key."""

    def __init__(self, app: CorefeelApp, screen: EdgeScreen) -> None:
        self._app = app
        self._screen = screen

    # --- the three panels -------------------------------------------------------------------------

    async def words(self) -> None:
        """Show the parts of the prompt, measured if they are not."""
        if self._shown("words"):
            return
        await self._begin("words", lambda subject: subject.scan())

    async def ladder(self) -> None:
        """Climb the prompt's slots, else let a ladder of a suite be chosen."""
        screen = self._screen
        if self._shown("ladder"):
            return
        if not screen.live:
            screen.open_panel("ladder")
            return
        try:
            slots = screen.subject.has_slots
        except CorefeelError as error:
            screen.open_panel("ladder")
            screen.refuse("ladder", str(error))
            return
        if slots:
            await self._begin("ladder", lambda subject: subject.ladder())
        else:
            self._pick_ladder()

    async def search(self) -> None:
        """Search around the prompt."""
        if self._shown("search"):
            return
        await self._begin("search", lambda subject: subject.search())

    def _shown(self, panel: str) -> bool:
        """Close a panel that is on show and up to date."""
        screen = self._screen
        if screen.view.panel != panel or (screen.live and not self._fresh(panel)):
            return False
        screen.open_panel("")
        return True

    def _fresh(self, panel: str) -> bool:
        screen = self._screen
        return screen.engine.fresh(screen.record, panel, screen.subject)

    async def _begin(self, panel: str, make: Make) -> None:
        """Open a panel; what it shows is computed unless it is there, or nobody can."""
        screen = self._screen
        screen.open_panel(panel)
        if not screen.live or self._fresh(panel):
            return
        if not screen.subject.prompt.strip():
            screen.refuse(panel, "the prompt is empty: write one, or ^T takes one of the suites")
            return
        try:
            command = make(screen.subject)
        except CorefeelError as error:
            screen.refuse(panel, str(error))
            return
        await self._send(panel, command, screen.subject)

    async def _send(
        self, panel: str, command: Scan | Ladder | Search, subject: Subject | None
    ) -> None:
        screen = self._screen
        if reason := screen.engine.refusal():
            screen.refuse(panel, reason)
            return
        screen.view.chosen.pop(panel, None)
        await screen.engine.start(panel, command, subject)
        screen.look()

    # --- suites -----------------------------------------------------------------------------------

    def _pick_ladder(self) -> None:
        from corefeel_tui.ui.edge.picker import ladder_picker

        self._app.push_screen(ladder_picker(self._app.desk.pocket), self._climb)

    async def _climb(self, choice: LadderChoice | None) -> None:
        screen = self._screen
        screen.open_panel("ladder")
        if choice is None:
            return
        subject = Subject(choice.rungs[0], choice.readout, choice.system, suite=choice.suite)
        screen.put(subject)
        command = subject.rungs(choice.suite, choice.name, choice.rungs)
        await self._send("ladder", command, None)

    def narrowest(self) -> None:
        """A suite's items, those first on which the reference is least sure."""
        from corefeel_tui.ui.edge.picker import suite_chooser

        self._app.push_screen(suite_chooser(self._app.desk.pocket), self._search_suite)

    async def _search_suite(self, suite: str | None) -> None:
        if suite is None:
            return
        self._screen.open_panel("search")
        await self._send("search", search_suite(suite), None)

    def prompts(self) -> None:
        """A prompt of the suites."""
        from corefeel_tui.ui.suite_picker import prompt_picker

        self._app.push_screen(prompt_picker(self._app.desk.pocket), self._take_prompt)

    def _take_prompt(self, choice: PromptChoice | None) -> None:
        if choice is not None:
            self._screen.put(of_choice(choice, self._app.desk.pocket))
            self._screen.open_panel("")

    # --- what the cursor is on --------------------------------------------------------------------

    async def take(self) -> None:
        """Into the editor."""
        screen = self._screen
        taken = screen.panel.taken() if screen.panel else None
        if taken is not None and not screen.live:
            self._app.tell(RECORDED, "warning")
        elif taken is not None:
            self._put(taken)
        elif isinstance(screen.panel, SearchPanel) and screen.panel.unsearched:
            await self._fetch(*screen.panel.unsearched)

    async def _fetch(self, suite: str, item: str) -> None:
        try:
            self._screen.put(await asyncio.to_thread(of_item, suite, item))
        except CorefeelError as error:
            self._app.tell(str(error), "warning")
        else:
            self._screen.open_panel("")

    def _put(self, taken: Taken) -> None:
        screen = self._screen
        readout = Readout.from_dict(taken.readout)
        screen.put(
            replace(
                screen.subject,
                prompt=taken.prompt,
                readout=readout,
                system=taken.system,
                suite=taken.suite,
                item=taken.item,
            )
        )
        screen.open_panel("")

    def save(self) -> None:
        """The example as an item of a suite."""
        from corefeel_tui.edge.saving import append_item, default_path

        panel = self._screen.panel
        found = panel.found if isinstance(panel, SearchPanel) else None
        if found is None:
            return
        path = default_path(found)
        try:
            name = append_item(path, found)
        except CorefeelError as error:
            self._app.tell(str(error), "warning")
        else:
            self._app.tell(f"saved as {name} in {path}")

    def unit(self) -> None:
        """Words, clauses, lines."""
        self._screen.view.next_unit()
        self._screen.look()

    def variant(self) -> None:
        """The next variant tints the prompt."""
        screen = self._screen
        scan = screen.view.scan(screen.record)
        if scan is None or scan.started is None:
            return
        names = scan.started.variants
        at = names.index(screen.view.variant) if screen.view.variant in names else 0
        screen.view.variant = names[(at + 1) % len(names)]
        screen.look()

    def older(self) -> None:
        """The one before."""
        self._step(-1)

    def newer(self) -> None:
        """The one after."""
        self._step(1)

    def _step(self, step: int) -> None:
        screen = self._screen
        if run := screen.view.neighbour(screen.record, step):
            screen.view.chosen[screen.view.panel] = run
            screen.look()

    # --- the rest ---------------------------------------------------------------------------------

    def labels(self) -> None:
        """To the line of labels."""
        self._screen.labels.enter()

    def ask(self) -> None:
        """The prompt to Compare."""
        self._app.compare.prompt.write(self._screen.subject.prompt)
        self._screen.leave()

    async def halt(self) -> None:
        """Copy what is selected, else stop what is computed, else ask to quit."""
        editor = self._screen.editor
        if editor.has_focus and editor.selected_text:
            self._app.copy_to_clipboard(editor.selected_text)
        elif not await self._screen.engine.cancel():
            await self._app.action_stop()

    async def back(self) -> None:
        """Undo one thing at a time."""
        screen = self._screen
        if await screen.engine.cancel():
            screen.look()
        elif screen.panel is not None:
            screen.open_panel("")
        elif screen.labels.has_focus_within:
            screen.labels.write(screen.subject.readout)
            screen.editor.focus()
        else:
            screen.leave()
