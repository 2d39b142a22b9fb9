"""Quick mode's sequential test, item by item in the order of the session.

Knows labels; the test itself is `statistics.Sequential`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.statistics import Sequential

SEQUENTIAL = Sequential()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The test's answer after `changed` of `n` decisions; “undecided” after all there were."""

    answer: Literal["drifted", "ok", "undecided"]
    changed: int
    n: int


def outcome(sheet: Sheet, variant: str, test: Sequential) -> Outcome | None:
    """Where the test first answered; None where no decision was made."""
    changed = n = 0
    for _, base, given in sheet.decided(variant):
        n += 1
        changed += base != given
        answer = test.answer(changed, n)
        if answer != "undecided":
            return Outcome(answer, changed, n)
    return Outcome("undecided", changed, n) if n else None
