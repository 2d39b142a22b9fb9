"""Which actions of the Edge screen make sense now: the rule behind keys, footer and palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corefeel_tui.ui.actions import BY_NAME, Action, shown_key
from corefeel_tui.ui.edge.actions import EDGE_BY_NAME, PANEL_HINTS, TYPING_HINTS
from corefeel_tui.ui.edge.searching import SearchPanel
from corefeel_tui.ui.widgets.hint_bar import Hint

if TYPE_CHECKING:
    from corefeel_tui.ui.edge.screen import EdgeScreen

PANELS = ("words", "ladder", "search")


def available(screen: EdgeScreen, name: str) -> bool:
    """Whether an action would do something."""
    panel, view = screen.panel, screen.view
    match name:
        case "take":
            if panel is None or not panel.has_focus_within:
                return False
            unsearched = isinstance(panel, SearchPanel) and panel.unsearched is not None
            return panel.taken() is not None or (unsearched and screen.live)
        case "unit" | "variant":
            return view.panel == "words" and view.scan(screen.record) is not None
        case "save":
            return isinstance(panel, SearchPanel) and panel.found is not None
        case "older" | "newer":
            return (
                bool(panel)
                and view.neighbour(screen.record, -1 if name == "older" else 1) is not None
            )
        case "narrowest" | "labels" | "prompts" | "ask":
            return screen.live
    return True


def hints(screen: EdgeScreen) -> list[Hint]:
    """The footer."""
    panel = screen.panel
    within = panel is not None and panel.has_focus_within
    found = []
    for name in PANEL_HINTS if within else TYPING_HINTS:
        action = BY_NAME[name] if name == "help" else EDGE_BY_NAME[name]
        key = action.letter if within and action.letter and name != "help" else action.key
        if key and (name == "help" or available(screen, name)):
            found.append(Hint(shown_key(key), _label(screen, action), action.call))
    return found


def _label(screen: EdgeScreen, action: Action) -> str:
    """What the key would do now."""
    if action.name == "back":
        return "stop" if screen.engine.busy else "close" if screen.panel else "compare"
    return action.label
