"""Where in an answer it drifts: a run's KL and flips by the role of each token.

Pure, over the fold's record; the roles themselves are `roles`' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from corefeel_tui.events import Healed
from corefeel_tui.folding import Record, Run, Track, Trajectory
from corefeel_tui.roles import LABELS, ROLES, roles_of


@dataclass(frozen=True, slots=True)
class RoleDrift:
    """Drift over the tokens of one role: how many, Σ KL in nats, flips."""

    positions: int = 0
    kl_sum: float = 0.0
    flips: int = 0

    @property
    def kl_mean(self) -> float | None:
        """Nats per token; None where there is none."""
        return self.kl_sum / self.positions if self.positions else None


def drift_by_role(roles: Sequence[str], track: Track) -> dict[str, RoleDrift]:
    """Role → drift over the positions that were scored; roles without any are left out."""
    kl, flip = track.columns["kl"], track.columns["flip"]
    places: dict[str, list[int]] = {}
    for at, (role, value) in enumerate(zip(roles, kl, strict=False)):
        if value is not None:
            places.setdefault(role, []).append(at)
    return {
        role: RoleDrift(
            len(places[role]),
            fsum(kl[at] for at in places[role]),
            sum(bool(flip[at]) for at in places[role]),
        )
        for role in ROLES
        if role in places
    }


def labels_of(run: Run) -> Sequence[str]:
    """The verdict words of a run."""
    return (run.started.verdict or {}).get("labels") or LABELS


def answer_roles(record: Record, run: Run, answer: Trajectory) -> list[str]:
    """The role of every token of an answer."""
    pieces = [record.pieces.get(token, "") for token in answer.ids]
    return roles_of(pieces, labels_of(run))


def fork_role(record: Record, healed: Healed) -> str:
    """The role of the reference's token at a fork; "other" where its run is not in the record."""
    run = record.runs.get(healed.of)
    if run is None:
        return "other"
    roles = answer_roles(record, run, run.reference)
    return roles[healed.position] if healed.position < len(roles) else "other"


def forks_by_role(record: Record) -> dict[str, dict[str, int]]:
    """Role → label of the heal test → forks, roles in the order in which a reader wants them."""
    found: dict[str, dict[str, int]] = {}
    for healed in record.healed.values():
        counts = found.setdefault(fork_role(record, healed), {})
        counts[healed.label] = counts.get(healed.label, 0) + 1
    return {role: found[role] for role in ROLES if role in found}


def run_by_role(record: Record, run: Run, locked: bool) -> dict[str, dict[str, RoleDrift]]:
    """Variant → role → drift, on the reference's answer (`locked`) or on each one's own."""
    found = {}
    shared = answer_roles(record, run, run.reference)
    for name, own in run.trajectories.items():
        if name == run.started.reference:
            continue
        answer = run.reference if locked else own
        roles = shared if locked else answer_roles(record, run, own)
        found[name] = drift_by_role(roles, answer.tracks.get(name, Track()))
    return found
