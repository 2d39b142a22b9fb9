"""Where a cursor goes: flips, forks, and which panes stand on the same context.

Pure: a run in, positions out.
"""

from __future__ import annotations

from corefeel_tui.folding import Run, Track, Trajectory
from corefeel_tui.ui.text.cells import View


def shown(run: Run, pane: str, view: View) -> Trajectory:
    """The trajectory that a pane's cursor moves on."""
    return run.reference if view is View.LOCKED else run.trajectories[pane]


def flips(run: Run, pane: str, view: View) -> list[int]:
    """Positions where the pane's model would have said something else.

    On the reference's pane: where any model would have.
    """
    trajectory = shown(run, pane, view)
    models = list(trajectory.tracks) if pane == run.started.reference else [pane]
    found: set[int] = set()
    for model in models:
        column = trajectory.tracks.get(model, Track()).columns["flip"]
        found.update(i for i, flip in enumerate(column) if flip)
    return sorted(found)


def forks(run: Run) -> list[int]:
    """Positions where answers part."""
    return sorted({t.fork for t in run.trajectories.values() if t.fork is not None})


def following(positions: list[int], cursor: int | None, step: int) -> int | None:
    """The next (step 1) or previous (−1) of sorted positions, going round; None without any."""
    if not positions:
        return None
    if step > 0:
        later = [p for p in positions if cursor is None or p > cursor]
        return later[0] if later else positions[0]
    earlier = [p for p in positions if cursor is not None and p < cursor]
    return earlier[-1] if earlier else positions[-1]


def same_context(run: Run, first: str, second: str, position: int, view: View) -> bool:
    """Whether two panes' texts agree on everything before a position."""
    one, other = shown(run, first, view), shown(run, second, view)
    if one is other:
        return True
    return len(other.ids) > position and one.ids[:position] == other.ids[:position]


def context_tracks(run: Run, pane: str, position: int, view: View) -> dict[str, Track]:
    """Every model that scored the context at a position of a pane's text, the reference first.

    Up to and at the fork that context is the reference's own, which all models scored; past it
    only the reference and the pane's model did.
    """
    trajectory = shown(run, pane, view)
    if same_context(run, pane, run.started.reference, position, view):
        trajectory = run.reference
    tracks = {n: t for n, t in trajectory.tracks.items() if position < len(t)}
    order = [run.started.reference, *run.trajectories]
    return {name: tracks[name] for name in dict.fromkeys(order) if name in tracks}


def telling_position(run: Run) -> int | None:
    """Where to look first: the first fork, else the largest KL on the reference's answer."""
    parted = forks(run)
    if parted:
        return parted[0]
    best, at = 0.0, None
    for track in run.reference.tracks.values():
        for position, kl in enumerate(track.columns["kl"]):
            if kl is not None and kl > best:
                best, at = kl, position
    return at
