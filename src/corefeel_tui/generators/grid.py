"""The order in which a needle grid is walked: every few items hold all lengths and depths.

Knows numbers only.
"""

from __future__ import annotations

from typing import NamedTuple

DEPTHS = (0, 25, 50, 75, 100)


class Cell(NamedTuple):
    """The index of a length, a depth in per cent, and how often the grid was walked before."""

    length: int
    depth: int
    round: int


def cell(index: int, lengths: int) -> Cell:
    """Where item `index` stands; each `lengths` × 5 items fill the grid once."""
    walk, place = divmod(index, lengths * len(DEPTHS))
    row, length = divmod(place, lengths)
    return Cell(length, DEPTHS[(row + length) % len(DEPTHS)], walk)
