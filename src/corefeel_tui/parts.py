"""An answer's thinking and what it says, measured apart.

Pure: a run of the fold in, summaries out.
"""

from __future__ import annotations

from dataclasses import dataclass

from corefeel_tui.folding import Run
from corefeel_tui.summaries import Summary, summarise


@dataclass(frozen=True, slots=True)
class Parts:
    """A variant's drift over the two parts of one trajectory; lengths are those parts' own."""

    thinking: Summary
    answer: Summary


def parts(run: Run, variant: str, locked: bool) -> Parts | None:
    """Thinking and answer of the reference's text (`locked`) or of the variant's own.

    None where that text has no thinking.
    """
    shown = run.reference if locked else run.trajectories[variant]
    if shown.thought is None:
        return None
    thinking = shown.thought
    answer = {i for i in range(len(shown.ids)) if i not in thinking}
    return Parts(
        thinking=summarise(run, variant, locked, thinking),
        answer=summarise(run, variant, locked, answer),
    )
