"""One scale for KL wherever it is drawn: eight levels, each half a decade wide.

Level 0 is below 0.001 nats, level 7 is 1 nat and above; token tint and strip share it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

THRESHOLDS = (1e-3, 10**-2.5, 1e-2, 10**-1.5, 1e-1, 10**-0.5, 1.0)
"""Lower bounds of levels 1…7, in nats."""

LEVELS = len(THRESHOLDS) + 1
BLOCKS = "▁▂▃▄▅▆▇█"
UNSCORED = "·"


def level(kl: float | None) -> int:
    """0…7; unscored counts as 0."""
    return 0 if kl is None else bisect_right(THRESHOLDS, kl)


def strip_levels(kls: Sequence[float | None], width: int) -> list[int | None]:
    """At most `width` levels; several positions in one column show their largest KL.

    None marks a column where nothing was scored.
    """
    count = len(kls)
    if width <= 0:
        return []
    if count <= width:
        return [None if kl is None else level(kl) for kl in kls]
    columns: list[int | None] = []
    for column in range(width):
        part = kls[column * count // width : (column + 1) * count // width]
        scored = [kl for kl in part if kl is not None]
        columns.append(level(max(scored)) if scored else None)
    return columns


def column_of(position: int, count: int, width: int) -> int:
    """The column of `strip_levels` that shows a position."""
    if count <= width:
        return position
    return min(width - 1, ((position + 1) * width - 1) // count)
