"""When a batch will be over, in words; nothing is said that was not measured.

Pure: a tally in, words out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corefeel_tui.batch_fold import Tally

FEW = 10.0
"""Seconds that are not worth counting."""


def foretold(tally: Tally) -> str:
    """When all is over, else when the suite is that runs; "" while nothing is known of it."""
    if tally.left is not None:
        about = "about " if tally.left >= FEW else ""
        return f"{about}{duration(tally.left)} left" if tally.left else ""
    current = tally.current
    if current is None or current.left is None:
        return "measuring the pace" if tally.done else ""
    later = sum(suite.left is None for suite in tally.suites.values())
    told = f"{duration(current.left)} for {current.plan.base}"
    return f"{told}, then {later} more" if later else told


def duration(seconds: float) -> str:
    """A time as exactly as a forecast can be: 40 s, 12 min, 1 h 20 min."""
    if seconds < FEW:
        return "a few seconds"
    if seconds < 90:
        return f"{round(seconds / 10) * 10} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {round(minutes % 60 / 10) * 10 % 60:02} min"
