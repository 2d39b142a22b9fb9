"""A prompt sent before the models were there: shown, taken back on request, sent once they are.

Knows the app; nothing of engines and runs beyond whether a prompt can be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui import events as ev

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp

TAKEN = "one prompt waits already for the models to load: ^C takes it back"


class Waiting:
    """At most one prompt; `text` is "" when none waits."""

    def __init__(self, app: CorefeelApp) -> None:
        self._app = app
        self.text = ""

    def take(self, text: str) -> bool:
        """Keep a prompt for the models that are loading; False if it need or cannot wait."""
        if self.text or not self._app.desk.loading:
            return False
        self.text = text
        return True

    def unready(self) -> str:
        """Why nothing can be asked now; "" if it can."""
        return TAKEN if self.text else self._app.desk.unready()

    def give_back(self) -> None:
        """The prompt goes back to the bar; if that is in use, the history has it."""
        text, self.text = self.text, ""
        if text and not self._app.compare.prompt.text:
            self._app.compare.prompt.write(text)

    async def meet(self, event: ev.Event) -> None:
        """Send the prompt once it can be asked; give it back when the models will not come."""
        if not self.text:
            return
        match event:
            case ev.Failed(run=None, variant=None) | ev.EngineDied():
                self.give_back()
            case ev.Loaded() | ev.ItemFinished() if not self._app.desk.unready():
                text, self.text = self.text, ""
                await self._app.put(text, self._app.desk.last_run)
