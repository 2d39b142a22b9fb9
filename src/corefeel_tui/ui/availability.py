"""Which actions make sense now: the one rule behind keys, footer and palette."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from corefeel_tui.ui.actions import ACTIONS, BY_NAME, PANE_HINTS, PROMPT_HINTS, shown_key
from corefeel_tui.ui.batch.actions import BATCH_ACTIONS, BATCH_BY_NAME
from corefeel_tui.ui.edge.actions import EDGE_ACTIONS, EDGE_BY_NAME, EVERYWHERE
from corefeel_tui.ui.widgets.hint_bar import Hint

if TYPE_CHECKING:
    from corefeel_tui.ui.app import CorefeelApp

_NEED_RUN = {
    "next_flip",
    "previous_flip",
    "next_fork",
    "copy",
    "toggle_locked",
    "toggle_diff",
    "toggle_table",
    "toggle_inspector",
    "toggle_focus",
    "heal_all",
    "branch",
    "edit_prompt",
    "tree",
}
_NEED_LIVE = {"focus_prompt", "suites", "settings", "conversation", "models"}


def available(app: CorefeelApp, name: str) -> bool:
    """Whether an action would do something."""
    if name in BATCH_BY_NAME or name == "toggle_batch":
        return app.batch.available(name)
    if name in EDGE_BY_NAME or name == "toggle_edge":
        return app.edge.available(name)
    reading = app.compare.reading
    if name in _NEED_RUN:
        return reading.run is not None
    if name in _NEED_LIVE:
        return app.desk.live.live
    match name:
        case "toggle_thinking":
            run = reading.run
            return run is not None and any(t.thinking for t in run.trajectories.values())
        case "rerun":
            return app.desk.live.live and reading.run is not None and not app.desk.running
        case "new_conversation":
            return app.desk.question.conversation and app.desk.last_run is not None
        case "heal":
            return app.forks.available()
        case "older_run" | "newer_run":
            return reading.neighbour(-1 if name == "older_run" else 1) is not None
        case "saving":
            return app.keeper is not None
        case "rename":
            return app.keeper is not None and app.keeper.saving
        case "pause" | "speed":
            return app.player.playing(app.shown)
        case "leave_replay":
            return app.shown is not app.desk.live
        case "restart":
            return app.desk.died
    return True


def hints(app: CorefeelApp, typing: bool) -> list[Hint]:
    """The footer."""
    if app.batch.focused:
        return app.batch.hints()
    found = [Hint("⏎", "send", "screen.prompt.send")] if typing else []
    for name in PROMPT_HINTS if typing else PANE_HINTS:
        action = BY_NAME[name]
        key = action.key if typing or not action.letter else action.letter
        useful = stoppable(app) if name == "stop" else available(app, name)
        if key and useful:
            found.append(Hint(shown_key(key), action.label, action.call))
    return found


def stoppable(app: CorefeelApp) -> bool:
    """Whether there is a run to stop or a prompt to take back."""
    return app.desk.running is not None or bool(app.waiting.text)


def commands(app: CorefeelApp) -> Iterator[SystemCommand]:
    """The palette."""
    here = (*EDGE_ACTIONS, *(BY_NAME[name] for name in EVERYWHERE))
    for action in here if app.edge.open else (*ACTIONS, *BATCH_ACTIONS):
        if available(app, action.name):
            run = partial(app.call_later, app.run_action, action.call)
            yield SystemCommand(action.label.capitalize(), action.sentence, run)
