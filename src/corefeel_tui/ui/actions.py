"""Every action once: its keys, its owner, its label and the sentence that explains it.

Bindings, footer, palette and help are all made from this table.
"""
# ruff: noqa: E501 (one action a row)

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding, BindingType


class Action(NamedTuple):
    """`key` works everywhere, `letter` while a pane has the focus; either may be "".

    `owner` is who does it: "screen" (the view), "app" (the engine), "dialogs" or "player".
    """

    name: str
    key: str
    letter: str
    label: str
    sentence: str
    group: str
    owner: str = "screen"

    @property
    def call(self) -> str:
        """The action as a binding names it."""
        if self.owner in ("screen", "app"):
            return f"{self.owner}.{self.name}"
        return f"app.{self.owner}('{self.name}')"


ACTIONS = (
    Action("focus_prompt", "", "enter,slash", "prompt", "From the panes: write a prompt", "Ask"),
    Action("suites", "ctrl+t", "p", "prompts", "Pick a prompt from the suites", "Ask", "dialogs"),
    Action("rerun", "f5", "r", "re-run", "Ask the shown prompt again", "Ask", "app"),
    Action("stop", "ctrl+c", "", "stop", "Stop the run, or take back a prompt that waits; twice asks to quit", "Ask", "app"),
    Action("conversation", "ctrl+g", "c", "conversation", "Conversation on or off: go on from each model's own answer", "Ask", "app"),
    Action("new_conversation", "ctrl+l", "C", "new conversation", "Begin a new conversation", "Ask", "app"),
    Action("models", "f12", "m", "models", "Another model: one that is here, or a directory or hub id", "Ask", "app"),
    Action("settings", "f8", "s", "settings", "System prompt, sampling, variants", "Ask", "dialogs"),
    Action("toggle_locked", "f2", "l", "locked/free", "Locked to the reference's answer, or free: each model's own", "Look"),
    Action("toggle_diff", "f3", "d", "diff", "Word diff against the reference, after the fork", "Look"),
    Action("toggle_focus", "f4", "f", "focus", "Give one pane the width", "Look"),
    Action("toggle_table", "f6", "t", "table", "The run's numbers in a table; again: by token role", "Look"),
    Action("toggle_inspector", "f7", "i", "inspect", "Top-k of every model at the cursor", "Look"),
    Action("toggle_thinking", "", "z", "thinking", "Show the thinking part of the answers, or fold it into one line", "Look"),
    Action("toggle_costs", "", "v", "size/speed", "Size and speed of every model against the reference", "Look"),
    Action("next_flip", "", "n", "flip", "Go to the next flip", "Look"),
    Action("previous_flip", "", "N", "previous flip", "Go to the previous flip", "Look"),
    Action("next_fork", "", "g", "fork", "Go to the next fork", "Look"),
    Action("heal", "", "h", "heal", "What this fork was: both sides run on with the other's token", "Forks", "forks"),
    Action("heal_all", "", "H", "all forks", "Every fork of the session: tested, counted, listed", "Forks", "forks"),
    Action("branch", "", "w", "branch", "Go on from the cursor with another token, all models together", "Forks", "branches"),
    Action("edit_prompt", "", "W", "edit prompt", "Branch with an edited prompt, keeping the answer up to the cursor", "Forks", "branches"),
    Action("tree", "", "u", "runs", "The tree of runs and branches; two of them side by side", "Forks", "branches"),
    Action("toggle_edge", "ctrl+e", "E", "edge", "Where a verdict tips: margins while you type, word by word, ladders, search", "Look", "edge"),
    Action("copy", "", "y", "copy", "Copy the selection, else the pane's answer", "Look"),
    Action("older_run", "", "left_square_bracket", "older run", "Show the run before this one", "Look"),
    Action("newer_run", "", "right_square_bracket", "newer run", "Show the run after this one", "Look"),
    Action("toggle_batch", "ctrl+o", "e", "batch", "The Batch pane: evaluate whole suites while the chat goes on", "Keep", "batch"),
    Action("sessions", "f9", "o", "sessions", "Saved sessions: open one as a replay", "Keep", "dialogs"),
    Action("saving", "ctrl+s", "", "save on/off", "Save this session, or stop saving", "Keep", "app"),
    Action("rename", "ctrl+n", "", "rename", "Give this session a speaking name", "Keep", "dialogs"),
    Action("pause", "", "space", "pause", "Pause the replay, or go on", "Replay", "player"),
    Action("speed", "", "x", "speed", "Replay at 1×, 4×, or at once", "Replay", "player"),
    Action("leave_replay", "", "b", "back to live", "Leave the replay", "Replay", "player"),
    Action("restart", "ctrl+r", "R", "restart engine", "Start the engine again and load the same models", "App", "app"),
    Action("theme", "f10", "T", "light/dark", "Switch between the light and the dark theme", "App", "app"),
    Action("help", "f1", "question_mark", "help", "Every key and every sign on one page", "App", "dialogs"),
    Action("quit", "ctrl+q", "", "quit", "Leave corefeel", "App", "app"),
)  # fmt: skip

BY_NAME = {action.name: action for action in ACTIONS}

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "enter": "⏎",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def shown_key(key: str) -> str:
    """A key as people write it."""
    first = key.split(",")[0]
    if first.startswith("ctrl+"):
        return f"^{first.removeprefix('ctrl+').upper()}"
    return _SHOWN.get(first, first.upper() if first[1:].isdigit() else first)


def keys_of(action: Action) -> str:
    """Both keys of an action."""
    keys = [shown_key(key) for key in (action.letter, action.key) if key]
    return "  ".join(keys)


def screen_bindings() -> list[BindingType]:
    """What works while typing too."""
    return [Binding(a.key, a.call, a.label, show=False, priority=True) for a in ACTIONS if a.key]


def pane_bindings() -> list[BindingType]:
    """What works while a pane has the focus."""
    return [
        *(Binding(a.letter, a.call, a.label, show=False) for a in ACTIONS if a.letter),
        *(Binding(str(n), f"screen.pane({n})", show=False) for n in range(1, 7)),
    ]


PANE_HINTS = (
    "stop", "restart", "pause", "speed", "leave_replay", "help", "focus_prompt", "toggle_locked",
    "toggle_batch", "toggle_edge", "next_flip", "next_fork", "heal", "toggle_inspector", "toggle_diff", "toggle_table", "toggle_focus",
    "suites", "settings", "models", "toggle_thinking", "toggle_costs", "copy", "rerun", "sessions",
    "branch", "heal_all", "tree", "edit_prompt",
)  # fmt: skip
"""Footer while a pane has the focus, most useful first."""

PROMPT_HINTS = (
    "stop", "restart", "help", "suites", "toggle_batch", "toggle_edge", "toggle_locked", "toggle_diff", "toggle_inspector",
    "toggle_table", "settings", "models", "sessions", "toggle_focus", "rerun",
)  # fmt: skip
"""Footer while typing."""
