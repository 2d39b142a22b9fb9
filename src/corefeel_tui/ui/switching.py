"""Another model in the running app: chosen, fetched if need be, paired if it is quantized, loaded.

Knows the app and the modal screens; the engine keeps the old models until the new ones can load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui import hub, lineage
from corefeel_tui.commands import Load
from corefeel_tui.variants import REFERENCE

if TYPE_CHECKING:
    from corefeel_tui.recents import Recents
    from corefeel_tui.ui.app import CorefeelApp
    from corefeel_tui.ui.screens.models import ModelChoice

PAIRED = "mine"


class Switching:
    """Asks for a model and loads it."""

    def __init__(self, app: CorefeelApp, recents: Recents) -> None:
        self._app = app
        self.recents = recents

    def unready(self) -> str:
        """Why no other model can be loaded now; "" if it can."""
        desk = self._app.desk
        if not desk.live.live:
            return "this is a recording; open a model with: corefeel MODEL"
        if desk.died:
            return "the engine ended: ^R starts it again"
        if desk.running:
            return "a run is going on: ^C stops it"
        if self._app.batch.queue.unfinished:
            return "a batch is going on: let it end, or cancel it in its pane"
        return "the models are still loading" if desk.wanted is not None else ""

    def pick(self) -> None:
        """Show the models there are."""
        from corefeel_tui.ui.screens.models import ModelsScreen

        if reason := self.unready():
            self._app.tell(reason, "warning")
            return
        desk = self._app.desk
        answers = desk.live.record.loaded is not None and desk.load is not None
        present = desk.load.model if answers and desk.load else ""
        self._app.push_screen(ModelsScreen(self.recents.models, present), self._take)

    def _take(self, choice: ModelChoice | None) -> None:
        if choice is not None:
            self._app.run_worker(self.open(choice.model), exclusive=True, group="switch")

    async def open(self, model: str | None) -> None:
        """Load a model, or the pair of it and its original; the reader may stop at each step."""
        variants = self.usual_variants()
        if model is not None:
            if not await self._is_here(model):
                return
            if (base := await self._original_of(model)) is not None:
                if not base or not await self._is_here(base):
                    return
                model, variants = base, [REFERENCE, f"{PAIRED}={model}"]
        explicit = any("=" in name for name in variants)
        if reason := self.unready():
            self._app.tell(reason, "warning")
            return
        await self._app.player.leave_replay()
        await self._app.desk.open(Load(model, variants, REFERENCE, explicit))
        self._app.refresh_status()

    def usual_variants(self) -> list[str]:
        """The treatments that can be given to any model, the reference first."""
        present = [v for v in self._app.desk.variants if "=" not in v and v != REFERENCE]
        return [REFERENCE, *(present or ["8bit", "4bit", "3bit", "2bit"])]

    async def _is_here(self, model: str) -> bool:
        """Whether a model can be read now; one of the hub is fetched if the reader agrees."""
        from corefeel_tui.ui.screens.download import DownloadScreen

        if not hub.is_hub_id(model) or hub.cached_copy(model) is not None:
            return True  # what is wrong with a directory the engine says best
        return await self._app.push_screen_wait(DownloadScreen(model))

    async def _original_of(self, model: str) -> str | None:
        """The original that a quantized model is compared with, "" for none; None for any other."""
        from corefeel_tui.ui.screens.pair import PairScreen

        found = lineage.quantized_model(model)
        if found is None:
            return None
        return await self._app.push_screen_wait(PairScreen(model, found[1]))

    def remember(self) -> None:
        """Note the model that answers now among those opened before."""
        load = self._app.desk.load
        if load is not None and load.model is not None:
            self.recents.add(load.model)
