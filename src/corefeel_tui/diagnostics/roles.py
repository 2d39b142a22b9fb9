"""Drift by token role: KL and flips at verdict words, negations, numbers, names, keys, …

Knows the stored sums of each role; how a token got its role is not its business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from corefeel_tui.diagnostics.measurement import Draft
from corefeel_tui.evidence import Drift
from corefeel_tui.roles import ROLES


def by_role(drifts: Sequence[tuple[Drift, ...]]) -> Iterator[Draft]:
    """Mean KL and share of flips per role; `drifts` has one tuple per item."""
    present = {role for parts in drifts for part in parts for role in part.roles}
    for role in (role for role in ROLES if role in present):
        sums = np.array([_summed(parts, role) for parts in drifts])
        yield Draft(f"kl_at_role/{role}", sums[:, 1], sums[:, 0])
        yield Draft(f"flips_at_role/{role}", sums[:, 2], sums[:, 0])


def _summed(parts: tuple[Drift, ...], role: str) -> tuple[float, float, float]:
    """(positions, Σ KL, flips) of one item."""
    own = [part.roles[role] for part in parts if role in part.roles]
    return (
        float(sum(n for n, _, _ in own)),
        sum(kl for _, kl, _ in own),
        float(sum(flips for _, _, flips in own)),
    )
