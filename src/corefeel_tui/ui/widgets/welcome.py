"""The empty state: what to do first, with three prompts to try."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from corefeel_tui.text.inert import preview

EXAMPLES = (
    "Answer with one JSON object with the keys decision (APPROVE, REVISE or VETO) and rationale. "
    "Evidence: the valve's seal failed its last inspection. Action: open the valve.",
    "A train leaves at 9:40 and arrives at 13:05. How long is the journey? Think step by step.",
    "In two sentences: why is the sky blue at noon and red in the evening?",
)
"""For a model nothing is known of."""


class Welcome(Static):
    """Says how to begin."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._examples: Sequence[str] = ()

    def show(self, examples: Sequence[str]) -> None:
        """Show prompts to try."""
        if examples == self._examples:
            return
        self._examples = examples
        lines = [
            Content.assemble(
                "Write a prompt: ",
                ("⏎", "$accent"),
                " sends · ",
                ("↓", "$accent"),
                " takes an example · ",
                ("^T", "$accent"),
                " lists the suites",
            )
        ]
        lines += [Content(f"  {preview(example)}") for example in examples]
        self.update(Content("\n").join(lines))
