"""What can be done in the Edge screen: keys, labels and sentences, for bindings, footer and help."""
# ruff: noqa: E501 (one action a row)

from __future__ import annotations

from textual.binding import Binding, BindingType

from corefeel_tui.ui.actions import Action

GROUP = "Edge (in its screen)"

EDGE_ACTIONS = (
    Action("words", "f2", "", "words", "Which words hold the verdict up: the margin without each word, clause and line", GROUP, "edge"),
    Action("ladder", "f3", "", "ladder", "Climb a ladder: every filler of {mild|strong|strongest}, or a ladder of a suite", GROUP, "edge"),
    Action("search", "f4", "", "search", "Search the smallest change at which a variant leaves the reference", GROUP, "edge"),
    Action("narrowest", "f5", "", "narrowest", "Search a suite where the reference itself is least sure", GROUP, "edge"),
    Action("labels", "f6", "", "labels", "Weigh two other labels: VETO v APPROVE, refuse v comply, yes v no", GROUP, "edge"),
    Action("prompts", "ctrl+t", "p", "prompts", "Take a prompt of the suites into the editor, with its labels", GROUP, "edge"),
    Action("take", "", "enter", "take over", "Put what the cursor is on into the editor: without that word, that rung, that example", GROUP, "edge"),
    Action("unit", "", "u", "unit", "Words: look at single words, clauses or lines", GROUP, "edge"),
    Action("variant", "", "v", "variant", "Words: tint the prompt by the next variant", GROUP, "edge"),
    Action("save", "", "s", "save item", "Search: save the example as an item of your own suite", GROUP, "edge"),
    Action("older", "", "left_square_bracket", "older", "Look at the one before of the same kind", GROUP, "edge"),
    Action("newer", "", "right_square_bracket", "newer", "Look at the one after of the same kind", GROUP, "edge"),
    Action("ask", "f9", "a", "ask", "Take the prompt to Compare, to let every model answer it", GROUP, "edge"),
    Action("halt", "ctrl+c", "", "stop", "Stop what is being computed; twice asks to quit", GROUP, "edge"),
    Action("back", "escape", "", "back", "Stop what is being computed, else close the panel, else back to Compare", GROUP, "edge"),
)  # fmt: skip

EDGE_BY_NAME = {action.name: action for action in EDGE_ACTIONS}

EVERYWHERE = ("help", "theme", "saving", "rename", "restart", "quit")
"""Actions of the app that the Edge screen offers too."""

TYPING_HINTS = (
    "help", "words", "ladder", "search", "back", "labels", "prompts", "narrowest", "ask",
)  # fmt: skip
"""Footer while typing, most useful first."""

PANEL_HINTS = (
    "take", "save", "back", "unit", "variant", "words", "ladder", "search", "older", "newer",
    "narrowest", "help",
)  # fmt: skip
"""Footer while the panel has the focus."""


def edge_bindings() -> list[BindingType]:
    """What works everywhere in the screen."""
    from corefeel_tui.ui.actions import BY_NAME

    own = [
        Binding(a.key, a.call, a.label, show=False, priority=True) for a in EDGE_ACTIONS if a.key
    ]
    shared = [BY_NAME[name] for name in (*EVERYWHERE, "toggle_edge")]
    return [*own, *(Binding(a.key, a.call, a.label, show=False, priority=True) for a in shared)]


def panel_bindings() -> list[BindingType]:
    """What works while the panel has the focus."""
    return [Binding(a.letter, a.call, a.label, show=False) for a in EDGE_ACTIONS if a.letter]
