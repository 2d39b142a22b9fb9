"""Branches in the app: where one begins, what is asked, and the tree they make.

Knows the app, feeds and the screens of this room; nothing of what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING

from corefeel_tui.commands import Ask
from corefeel_tui.errors import CorefeelError
from corefeel_tui.ui.forks.addendum import keep_addendum

if TYPE_CHECKING:
    from corefeel_tui.branches import Origin
    from corefeel_tui.ui.app import CorefeelApp

Make = Callable[[str, int], Ask]
"""(name of the run, most tokens) → the branch's command.  Raises UsageError."""


class BranchControl:
    """What the keys of branches do."""

    def __init__(self, app: CorefeelApp) -> None:
        self._app = app

    def _origin(self) -> Origin | None:
        """The position that is meant: the cursor, else the most telling one."""
        from corefeel_tui.branches import Origin
        from corefeel_tui.ui.text.navigation import shown

        reading = self._app.compare.reading
        seen = reading.inspection()
        if reading.run is None or seen is None:
            return None
        answer = shown(reading.run, seen.pane, reading.view)
        return Origin(reading.run.started.run, answer.name, seen.position)

    def branch(self) -> None:
        """Choose another token at the cursor, and let all models go on from it."""
        from corefeel_tui.ui.forks.branch_screens import TokenPicker
        from corefeel_tui.ui.forks.choosing import choices

        reading, origin = self._app.compare.reading, self._origin()
        if reading.run is None or origin is None:
            self._app.tell("there is no answer to branch from yet")
            return
        record = reading.feed.record
        found = choices(record, reading.run, origin.trajectory, origin.position, reading.view)
        where = f"token {origin.position} of {origin.trajectory}"

        async def go_on(token: int | None) -> None:
            from corefeel_tui.branches import with_token

            if token is not None:
                await self._ask(lambda *how: with_token(record, origin, token, *how))

        self._app.push_screen(TokenPicker(where, found), go_on)

    def edit_prompt(self) -> None:
        """Ask another prompt, keeping the answer up to the cursor."""
        from corefeel_tui.branches import Origin
        from corefeel_tui.ui.forks.branch_screens import PromptEditor

        reading, origin = self._app.compare.reading, self._origin()
        if reading.run is None:
            return
        if origin is None or reading.cursor is None:
            origin = Origin(reading.run.started.run, reading.reference, 0)
        record, at = reading.feed.record, origin.position
        text = record.text(reading.run.trajectories[origin.trajectory].ids[:at])
        kept = f"the first {at} tokens of {origin.trajectory}: {text}" if at else ""

        async def go_on(prompt: str | None) -> None:
            from corefeel_tui.branches import with_prompt

            if prompt is not None:
                await self._ask(lambda *how: with_prompt(record, origin, prompt, *how))

        self._app.push_screen(PromptEditor(reading.run.started.prompt, kept), go_on)

    async def _ask(self, make: Make) -> None:
        """Send a branch; what it answers belongs to the session on show."""
        desk, feed = self._app.desk, self._app.shown
        if reason := desk.unready():
            self._app.tell(reason, "warning")
            return
        name = f"ui-{token_hex(4)}"
        try:
            command = make(name, desk.question.max_tokens)
        except CorefeelError as error:
            self._app.tell(str(error), "warning")
            return
        keep_addendum(self._app, name, feed)
        if feed is not desk.live:
            desk.live.guests[name] = feed
            feed.record.pieces.update(desk.live.record.pieces)
        await desk.put(command)
        self._app.refresh_status()

    # --- the tree ---------------------------------------------------------------------------------

    def tree(self) -> None:
        """Runs and branches; one to show, or two to put side by side."""
        from corefeel_tui.ui.forks.tree_screen import TreeScreen

        feed = self._app.shown
        self._app.push_screen(TreeScreen(feed.record, feed.run), self._after_tree)

    async def _after_tree(self, chosen: tuple[str, ...] | None) -> None:
        if not chosen:
            return
        if len(chosen) == 1:
            await self._app.compare.board.open_run(chosen[0])
            return
        from corefeel_tui.ui.forks.side_by_side import SideBySide

        first, second = chosen
        pane = self._app.compare.reading.pane
        self._app.push_screen(SideBySide(self._app.shown.record, first, second, pane))
