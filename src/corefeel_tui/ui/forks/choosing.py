"""What a branch can begin with: the tokens that models thought of at a position.

Pure: a run in, choices out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from corefeel_tui.folding import Record, Run, Track
from corefeel_tui.text.inert import label_of
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.text.navigation import context_tracks, shown


@dataclass(frozen=True, slots=True)
class Choice:
    """A token and what each model gives it; a model's p is None where its top-k lacks it."""

    id: int
    label: str
    probabilities: dict[str, float | None]
    taken: bool


def choices(record: Record, run: Run, pane: str, position: int, view: View) -> list[Choice]:
    """The union of all models' top-k on a position's context, likeliest first.

    Where none was stored (most positions of a batch), the models' first choices.
    """
    tracks = context_tracks(run, pane, position, view)
    known = {name: _top(track, position) for name, track in tracks.items()}
    taken = shown(run, pane, view).ids[position]
    ids = {id for own in known.values() for id in own} | {taken}
    best = {id: max((own.get(id) or 0.0) for own in known.values()) if known else 0.0 for id in ids}
    return [
        Choice(
            id,
            label_of(record.pieces.get(id, f"⟨{id}⟩")),
            {name: own.get(id) for name, own in known.items()},
            id == taken,
        )
        for id in sorted(ids, key=lambda id: (-best[id], id))
    ]


def _top(track: Track, position: int) -> dict[int, float | None]:
    ids, logprobs = track.top_ids[position], track.top_logprob[position]
    if ids is None or logprobs is None:
        first, p1 = track.columns["argmax"][position], track.columns["confidence"][position]
        return {first: p1} if first is not None else {}
    return {id: exp(logprob) for id, logprob in zip(ids, logprobs, strict=False)}
