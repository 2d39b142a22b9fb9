"""The token inspector's content: every model's view of one position, side by side.

Pure: tracks in, rows of text out; nothing of widths or colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from corefeel_tui.folding import Record, Run, Track
from corefeel_tui.text.inert import label_of
from corefeel_tui.ui.text.cells import View
from corefeel_tui.ui.text.navigation import context_tracks, shown


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry of a top-k: probability, and its change against the reference's where known."""

    label: str
    probability: float
    change: float | None
    taken: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model thinks at a position."""

    model: str
    candidates: tuple[Candidate, ...]
    kl: float | None
    entropy: float | None
    rank: int | None
    token_rank: int | None
    probability: float | None
    change: float | None
    flip: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """A position of one pane's text as every model on the same context sees it."""

    pane: str
    position: int
    token: str
    fork: bool
    opinions: tuple[Opinion, ...]
    absent: tuple[str, ...]


def inspect(record: Record, run: Run, pane: str, position: int, view: View) -> Inspection | None:
    """None where nothing stands at the position yet."""
    trajectory = shown(run, pane, view)
    if not 0 <= position < len(trajectory.ids):
        return None
    tracks = context_tracks(run, pane, position, view)
    taken = trajectory.ids[position]
    base = tracks.get(run.started.reference)
    opinions = tuple(
        _opinion(record, name, track, base, position, taken) for name, track in tracks.items()
    )
    return Inspection(
        pane,
        position,
        label_of(record.pieces.get(taken, f"⟨{taken}⟩")),
        any(t.fork == position for t in run.trajectories.values()),
        opinions,
        tuple(name for name in run.trajectories if name not in tracks),
    )


def _top(track: Track | None, position: int) -> dict[int, float]:
    """Token id → probability of the stored top-k."""
    if track is None or position >= len(track) or track.top_ids[position] is None:
        return {}
    logprobs = track.top_logprob[position] or []
    return {i: exp(x) for i, x in zip(track.top_ids[position] or [], logprobs, strict=False)}


def _opinion(
    record: Record, name: str, track: Track, base: Track | None, position: int, taken: int
) -> Opinion:
    column = {key: values[position] for key, values in track.columns.items()}
    theirs, ours = _top(base, position), _top(track, position)
    candidates = tuple(
        Candidate(
            label_of(record.pieces.get(i, f"⟨{i}⟩")),
            p,
            p - theirs[i] if track is not base and i in theirs else None,
            i == taken,
        )
        for i, p in ours.items()
    )
    # The stored log-probability is of the track's own token, which at a fork is another one.
    probability = ours.get(taken)
    change = None
    if track is not base and probability is not None and taken in theirs:
        change = probability - theirs[taken]
    return Opinion(
        name,
        candidates,
        column["kl"],
        column["entropy"],
        column["rank"],
        list(ours).index(taken) + 1 if taken in ours else None,
        probability,
        change,
        bool(column["flip"]),
    )
