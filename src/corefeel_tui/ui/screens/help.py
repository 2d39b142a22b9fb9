"""Help: every key and every sign on one page, made from the table of actions."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from corefeel_tui.ui.actions import ACTIONS, keys_of
from corefeel_tui.ui.batch.actions import BATCH_ACTIONS
from corefeel_tui.ui.edge.actions import EDGE_ACTIONS
from corefeel_tui.ui.text.ramp import BLOCKS, THRESHOLDS

MOVES = (
    ("⏎", "send the prompt"),
    ("^J", "line break in the prompt"),
    ("↑ ↓", "earlier and later prompts, at the prompt's edges; ↓ in an empty one takes an example"),
    ("esc", "prompt → panes; there: drop selection, cursor, drawer, focus view"),
    ("tab", "next pane; 1–6 go to a pane"),
    ("← → ↑ ↓", "move the cursor through the tokens; with shift select"),
    ("^P", "command palette"),
)

SIGNS = (
    ("tint", "KL of this token against the reference, on the same context"),
    ("underline", "rank flip: the variant's first choice is another token"),
    ("bold", "hard flip: the reference was more than 0.1 surer of its first choice"),
    ("⑂", "fork: from here the answers differ, and so do their contexts"),
    ("▸ thinking", "the thinking part in one line, with its own mean KL; z unfolds it"),
    ("⟨x⟩", "locked: what the variant would have said instead"),
    ("−x +y", "diff: the reference's words, this answer's words"),
    ("VETO +6.1", "verdict and margin: log-odds of the two labels that matter"),
    ("VETO?", "provisional: the answer is still being written"),
    ("▼64 %", "share of the reference's margin that is lost"),
    ("‼", "another verdict than the reference's, or its margin leans the other way"),
    ("≈ 0", "below the floor: not distinguishable from zero"),
    ("∎", "end of the answer"),
    ("38 tok/s*", "a speed that an earlier start measured; taken anew as soon as nothing runs"),
    ("38 tok/s?", "a speed timed on a busy machine: too low"),
    ("──┼━━●╎", "edge: the margin from 0, and where the reference's stands; ◆ says something else"),
    ("⇄", "edge: without this part the model says something else"),
)


KEYS = 14
"""Columns of the keys and signs; what a sentence needs beyond its line stands under it."""


def help_text(width: int = 1000) -> Content:
    """The page, in so many columns."""
    lines: list[Content] = []
    every = (*ACTIONS, *BATCH_ACTIONS, *EDGE_ACTIONS)
    for group in dict.fromkeys(action.group for action in every):
        lines.append(Content.styled(group, "bold $accent"))
        if group == "Ask":
            lines += [_line(key, text, width) for key, text in MOVES]
        lines += [_line(keys_of(a), a.sentence, width) for a in every if a.group == group]
        lines.append(Content(""))
    lines.append(Content.styled("Signs", "bold $accent"))
    lines += [_line(sign, text, width) for sign, text in SIGNS]
    lines += [Content(""), Content.styled("KL scale, nats", "bold $accent")]
    scale = [f"{BLOCKS[0]} < {THRESHOLDS[0]:g}"]
    scale += [f"{BLOCKS[i]} ≥ {low:.2g}" for i, low in enumerate(THRESHOLDS, 1)]
    lines += [Content("  " + "   ".join(scale[:4])), Content("  " + "   ".join(scale[4:]))]
    return Content("\n").join(lines)


def _line(key: str, text: str, width: int) -> Content:
    sentence = ("\n" + " " * KEYS).join(wrap(text, max(20, width - KEYS)))
    return Content.assemble((f"  {key:<{KEYS - 2}}", "bold"), (sentence, "$foreground"))


class HelpPage(Static):
    """The page, as wide as there is room."""

    def on_resize(self, event: Resize) -> None:
        self.update(help_text(event.size.width))


class HelpScreen(ModalScreen[None]):
    """The page, to scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,f1,question_mark,q", "dismiss", "close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog wide tall") as dialog:
            dialog.border_title = "help"
            dialog.border_subtitle = "esc"
            yield HelpPage(help_text())
