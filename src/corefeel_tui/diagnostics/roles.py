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
    sums = _summed(drifts)
    for role in (role for role in ROLES if role in sums):
        positions, kl, flips = map(np.array, sums[role])
        yield Draft(f"kl_at_role/{role}", kl, positions)
        yield Draft(f"flips_at_role/{role}", flips, positions)


def _summed(drifts: Sequence[tuple[Drift, ...]]) -> dict[str, tuple[list[float], ...]]:
    """Role → positions, Σ KL and flips, each with one value per item."""
    sums: dict[str, tuple[list[float], ...]] = {}
    for at, parts in enumerate(drifts):
        for part in parts:
            for role, (positions, kl, flips) in part.roles.items():
                if role not in sums:
                    sums[role] = ([0.0] * len(drifts), [0.0] * len(drifts), [0.0] * len(drifts))
                columns = sums[role]
                columns[0][at] += positions
                columns[1][at] += kl
                columns[2][at] += flips
    return sums
