"""Dialogs and what follows from their answers.

Knows the app and the modal screens; each method asks one thing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from corefeel_tui.errors import CorefeelError
from corefeel_tui.events import EngineDied

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp
    from corefeel_tui.ui.screens.settings import Settings
    from corefeel_tui.ui.suite_picker import PromptChoice


class Dialogs:
    """Asks the reader, tells the app."""

    def __init__(self, app: CorefeelApp) -> None:
        self._app = app
        self.quitting = False

    def help(self) -> None:
        """The page of keys and signs."""
        from corefeel_tui.ui.screens.help import HelpScreen

        self._app.push_screen(HelpScreen())

    def ask_to_quit(self) -> None:
        """Leave only when that is meant."""
        from corefeel_tui.ui.screens.confirm import QuitScreen

        if self.quitting:
            return
        self.quitting = True
        running = "A run is going on. " if self._app.desk.running else ""
        if batches := self._app.batch.queue.unfinished:
            many = "A batch is" if batches == 1 else f"{batches} batches are"
            running += f"{many} not finished; what is done stays in its session. "
        self._app.push_screen(QuitScreen(f"{running}Quit corefeel?"), self._quit)

    async def _quit(self, leave: bool | None) -> None:
        self.quitting = False
        if leave:
            await self._app.stopping.close()

    def tell_death(self, death: EngineDied) -> None:
        """Why the engine ended, and what can be done."""
        from corefeel_tui.ui.screens.died import DiedScreen

        self._app.push_screen(DiedScreen(death), self._after_death)

    async def _after_death(self, answer: str | None) -> None:
        if answer == "restart":
            await self._app.action_restart()
        elif answer == "quit":
            await self._app.stopping.close()
        else:
            self._app.refresh_status()

    def settings(self) -> None:
        """System prompt, sampling, models."""
        from corefeel_tui.ui.screens.settings import Settings, SettingsScreen

        present = Settings(self._app.desk.question, self._app.desk.variants)
        live = self._app.desk.live.live and not self._app.desk.running
        self._app.push_screen(SettingsScreen(present, live), self._take_settings)

    async def _take_settings(self, settings: Settings | None) -> None:
        if settings is None:
            return
        loaded = self._app.desk.live.record.loaded
        if settings.question.thinking and loaded is not None and not loaded.thinking:
            self._app.tell("this model knows no thinking: the switch changes nothing for it")
        self._app.desk.question = settings.question
        if self._app.desk.live.live and settings.variants != self._app.desk.variants:
            await self._app.desk.reload(settings.variants)
        self._app.refresh_status()

    def suites(self) -> None:
        """A prompt of the suites, into the prompt bar."""
        from corefeel_tui.ui.suite_picker import prompt_picker

        self._app.push_screen(prompt_picker(self._app.desk.pocket), self._take_prompt)

    def _take_prompt(self, choice: PromptChoice | None) -> None:
        if choice is None:
            return
        question = self._app.desk.question
        self._app.desk.question = replace(
            question,
            system=choice.system,
            verdict=choice.verdict,
            suite=choice.suite,
            max_tokens=choice.max_tokens,
        )
        self._app.compare.prompt.write(choice.prompt)
        self._app.compare.prompt.focus()
        self._app.refresh_status()

    def sessions(self) -> None:
        """Saved sessions."""
        from corefeel_tui.paths import sample_session, sessions_directory
        from corefeel_tui.ui.screens.sessions import SessionsScreen

        sample = sample_session()
        extra = sample if sample.is_file() else None
        self._app.push_screen(SessionsScreen(sessions_directory(), extra), self._open_session)

    async def _open_session(self, path: Path | None) -> None:
        if path is not None:
            await self._app.player.open(path)

    def rename(self) -> None:
        """A speaking name for the session."""
        from corefeel_tui.ui.screens.confirm import RenameScreen

        self._app.push_screen(RenameScreen(), self._rename)

    def _rename(self, name: str | None) -> None:
        if not name or self._app.keeper is None:
            return
        try:
            path = self._app.keeper.rename(name)
        except CorefeelError as error:
            self._app.tell(str(error), "error")
        else:
            self._app.tell(
                f"saved as {path.name}" if path else "the name is kept for the first run"
            )
        self._app.refresh_status()
