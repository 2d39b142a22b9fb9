"""What can be done in the Batch pane: keys, labels and sentences, for bindings, footer and help."""
# ruff: noqa: E501 (one action a row)

from __future__ import annotations

from textual.binding import Binding, BindingType

from corefeel_tui.ui.actions import Action

GROUP = "Batch (in its pane)"

BATCH_ACTIONS = (
    Action("new_batch", "", "n", "new", "Queue a batch: pick suites and mixes", GROUP, "batch"),
    Action("resume_batch", "", "r", "resume", "Go on with a batch of an earlier session that was cut off", GROUP, "batch"),
    Action("open_item", "", "enter", "open", "Open the item in Compare, at its fork; b leads back to the live chat", GROUP, "batch"),
    Action("flipped", "", "f", "flipped/all", "List only what flipped, or every item", GROUP, "batch"),
    Action("pause_batch", "", "space", "pause", "Let the batch rest while the next one has its turn, or go on before all others", GROUP, "batch"),
    Action("cancel_batch", "", "x", "cancel", "End the batch; what it finished stays in its session", GROUP, "batch"),
    Action("raise_batch", "", "u", "move up", "Give the batch its turn before the one above it", GROUP, "batch"),
    Action("answer", "", "g", "answer", "The gate's answer with its reasons, once the batch is over", GROUP, "batch"),
    Action("against", "", "m", "matrix", "Matrix: the expected or the reference's label against the given one", GROUP, "batch"),
    Action("next_variant", "", "v", "variants", "Matrix: turn to the next variants", GROUP, "batch"),
    Action("next_suite", "", "s", "suite", "Matrix: of the next suite", GROUP, "batch"),
    Action("previous_batch", "", "left_square_bracket", "previous", "Look at the batch before this one", GROUP, "batch"),
    Action("next_batch", "", "right_square_bracket", "next", "Look at the batch after this one", GROUP, "batch"),
    Action("leave_pane", "", "escape", "prompt", "Go to the prompt; the pane stays", GROUP, "batch"),
)  # fmt: skip

BATCH_BY_NAME = {action.name: action for action in BATCH_ACTIONS}

HINTS = (
    "new_batch", "open_item", "flipped", "pause_batch", "answer", "cancel_batch", "leave_pane",
    "resume_batch", "raise_batch", "against", "next_suite", "next_variant", "next_batch", "previous_batch",
)  # fmt: skip
"""Footer while the pane has the focus, most useful first."""


def batch_bindings() -> list[BindingType]:
    """What works while the pane has the focus."""
    return [Binding(a.letter, a.call, a.label, show=False) for a in BATCH_ACTIONS]
