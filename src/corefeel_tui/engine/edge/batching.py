"""Which changed prompts are read side by side, and from where.  Knows token lists, no model.

Prompts of one batch are equally long and go on from one place of the base prompt, so nothing is
padded and recurrent states stay true; a prompt whose change stands later reads a little again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corefeel_tui.engine.chat import common_prefix

MOST_ROWS = 16
LEAST_SLACK = 16
"""Tokens that may always be read again for the sake of a fuller batch."""
SLACK_SHARE = 8
"""Otherwise one part in so many of what has to be read anyway."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Prompts (by index) that all begin with the first `cut` tokens of the base."""

    cut: int
    members: tuple[int, ...]


def batches(base: Sequence[int], prompts: Sequence[Sequence[int]]) -> list[Batch]:
    """Every prompt in one batch, those that go on from early places first."""
    shared = [min(common_prefix(list(base), list(p)), len(p) - 1) for p in prompts]
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), shared[i]))
    found: list[list[int]] = []
    for i in order:
        if found and _fits(found[-1], i, shared, prompts):
            found[-1].append(i)
        else:
            found.append([i])
    made = [Batch(shared[members[0]], tuple(members)) for members in found]
    return sorted(made, key=lambda batch: batch.cut)


def _fits(
    members: list[int], i: int, shared: Sequence[int], prompts: Sequence[Sequence[int]]
) -> bool:
    first = members[0]
    if len(members) >= MOST_ROWS or len(prompts[i]) != len(prompts[first]):
        return False
    slack = max(LEAST_SLACK, (len(prompts[i]) - shared[i]) // SLACK_SHARE)
    return shared[i] - shared[first] <= slack
