"""The app: feeds behind, one Compare screen in front, and what goes to the engine.

Knows clients and commands; nothing of tokens or panes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import replace
from inspect import isawaitable
from pathlib import Path

from textual import events, on
from textual.app import App, SystemCommand
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen

from corefeel_tui.client import Client
from corefeel_tui.commands import Load
from corefeel_tui.recents import Recents
from corefeel_tui.text.inert import one_line
from corefeel_tui.ui.actions import BY_NAME
from corefeel_tui.ui.arriving import Arrivals
from corefeel_tui.ui.asking import Question
from corefeel_tui.ui.availability import available, commands, hints
from corefeel_tui.ui.batch.actions import BATCH_BY_NAME
from corefeel_tui.ui.batch.control import BatchControl
from corefeel_tui.ui.desk import Desk, Severity
from corefeel_tui.ui.dialogs import Dialogs
from corefeel_tui.ui.driver import TerminalDriver
from corefeel_tui.ui.edge.actions import EDGE_BY_NAME
from corefeel_tui.ui.edge.control import EdgeControl
from corefeel_tui.ui.feed import Feed
from corefeel_tui.ui.forks.branching import BranchControl
from corefeel_tui.ui.forks.healing import HealControl
from corefeel_tui.ui.history import History
from corefeel_tui.ui.keeping import Keeper
from corefeel_tui.ui.messages import Asked, HintChosen
from corefeel_tui.ui.playing import Player
from corefeel_tui.ui.screens.compare import CompareScreen
from corefeel_tui.ui.screens.confirm import TooSmallScreen
from corefeel_tui.ui.status import status_line
from corefeel_tui.ui.stopping import Stopping
from corefeel_tui.ui.switching import Switching
from corefeel_tui.ui.theme import DARK, LIGHT, defaults
from corefeel_tui.ui.waiting import Waiting

OWNERS = ("dialogs", "player", "batch", "forks", "branches", "edge")
"""Whose actions are named by a parameter."""

SMALLEST = (60, 15)
"""Columns and rows below which a sentence stands in for a broken screen."""


class CorefeelApp(App[None]):
    """`shown` is the feed that the Compare screen looks at: the live one or a recording."""

    CSS_PATH = "corefeel.tcss"
    TITLE = "corefeel"
    ENABLE_COMMAND_PALETTE = True
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (24, "-short"), (33, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        client: Client,
        load: Load | None,
        question: Question,
        keeper: Keeper | None,
        sample: Client | Path | None,
        history: History,
        recents: Recents,
    ) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        live = Feed(client, "" if client.live else "replay")
        self.desk = Desk(live, load, question, self.tell)
        self.keeper = keeper
        self.batch = BatchControl(self, keeper)
        self.player = Player(self, sample)
        self.forks = HealControl(self)
        self.branches = BranchControl(self)
        self.edge = EdgeControl(self)
        self.dialogs = Dialogs(self)
        self.switching = Switching(self, recents)
        self.waiting = Waiting(self)
        self.stopping = Stopping(self)
        self.arrivals = Arrivals(self)
        self.shown = live
        self._small: TooSmallScreen | None = None
        self.compare = CompareScreen(live, self.desk.variants, history)

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return defaults(self.current_theme.dark)

    def on_mount(self) -> None:
        self.push_screen(self.compare)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first paint: start the engine, and let the sample play until it is ready."""
        gc.freeze()  # what was imported lives as long as the app: walking it took 100 ms at a time
        self.arrivals.watch(self.desk.live, self.desk.load)
        if self.desk.load is not None:
            self.player.play_sample()
        self.refresh_status()

    def tell(self, text: str, severity: Severity = "information") -> None:
        """One sentence, briefly."""
        self.notify(one_line(text, 300), severity=severity, markup=False)

    async def show_feed(self, feed: Feed) -> None:
        """Look at another feed."""
        self.shown = feed
        await self.compare.attach(feed)
        self.edge.attach()
        self.refresh_status()

    def refresh_status(self) -> None:
        """What stands around the panes."""
        compare = self.compare
        if not compare.is_mounted:
            return
        compare.status.show(status_line(self))
        compare.show_surroundings(self)
        compare.hints.show(hints(self, compare.prompt.has_focus))

    # --- asking -----------------------------------------------------------------------------------

    @on(Asked)
    async def ask(self, message: Asked) -> None:
        """Send the prompt or let it wait for the models; else say why and leave it in the bar."""
        if self.waiting.take(message.text):
            self.compare.prompt.sent()
            self.refresh_status()
        elif reason := self.waiting.unready():
            self.tell(reason, "warning")
        else:
            self.compare.prompt.sent()
            await self.put(message.text, self.desk.last_run)

    async def put(self, prompt: str, continues: str | None) -> None:
        """Ask the live models and look at them."""
        await self.player.leave_replay()
        await self.desk.ask(prompt, continues)
        self.refresh_status()

    async def action_rerun(self) -> None:
        run = self.compare.reading.run
        if reason := self.desk.unready():
            self.tell(reason, "warning")
        elif run is not None:
            await self.put(run.started.prompt, run.started.continues)

    async def action_stop(self) -> None:
        await self.stopping.stop()

    async def action_help_quit(self) -> None:  # type: ignore[override]
        await self.stopping.stop()

    async def action_restart(self) -> None:
        await self.desk.restart()
        self.refresh_status()

    async def action_quit(self) -> None:
        await self.stopping.quit()

    # --- the rest ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        name = str(parameters[0]) if action in OWNERS and parameters else action
        known = name in BY_NAME or name in BATCH_BY_NAME or name in EDGE_BY_NAME
        return available(self, name) if known else True

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        return commands(self)

    @on(HintChosen)
    async def do_hint(self, message: HintChosen) -> None:
        await self.run_action(message.action)

    def action_models(self) -> None:
        self.switching.pick()

    def action_theme(self) -> None:
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_dialogs(self, name: str) -> None:
        """Open a dialog."""
        getattr(self.dialogs, name)()

    async def action_batch(self, name: str) -> None:
        """Do something in the Batch pane."""
        done = getattr(self.batch, name)()
        if isawaitable(done):
            await done

    async def action_forks(self, name: str) -> None:
        """Test a fork, or all of them."""
        await getattr(self.forks, name)()

    def action_branches(self, name: str) -> None:
        """Branch, or look at the branches."""
        getattr(self.branches, name)()

    async def action_edge(self, name: str) -> None:
        """Open the Edge screen, or do something there."""
        await self.edge.do(name)

    async def action_player(self, name: str) -> None:
        """Pause, speed up or leave a recording."""
        await getattr(self.player, name)()
        self.refresh_status()

    def action_saving(self) -> None:
        if self.keeper is not None:
            self.tell("saving" if self.keeper.toggle_saving() else "nothing is being saved")
            self.refresh_status()

    def action_conversation(self) -> None:
        question = self.desk.question
        self.desk.question = replace(question, conversation=not question.conversation)
        self.refresh_status()

    def action_new_conversation(self) -> None:
        self.desk.last_run = None
        self.tell("a new conversation begins")

    def on_resize(self, event: events.Resize) -> None:
        """Cover everything while there is no room for it."""
        small = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        if small and self._small is None:
            self._small = TooSmallScreen()
            self.push_screen(self._small)
        elif not small and self._small is not None:
            self._small.dismiss()
            self._small = None


def make_app(
    client: Client,
    *,
    load: Load | None = None,
    recorder: Keeper | None = None,
    sample: Client | Path | None = None,
    settings: Question | None = None,
    history: Path | None = None,
    recents: Path | None = None,
) -> CorefeelApp:
    """The app as the command and the tests start it.

    `load` is sent once the client listens; without it (a replay) nothing can be asked.  `history`
    is the file of earlier prompts, `recents` that of models opened before; None keeps none.
    """
    question = settings or Question()
    remembered = History(history), Recents(recents)
    return CorefeelApp(client, load, question, recorder, sample, *remembered)
