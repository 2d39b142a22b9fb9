"""What a batch runs, in which order and in which shapes; a pure function of suites and limits.

Knows suites and items; no model.  A resumed run makes the same plan, hence the same batches, and
records only what is missing (DESIGN 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corefeel_tui.evidence import SuitePlan
from corefeel_tui.items import Item
from corefeel_tui.suites import Suite

MOST_ANSWERS = 8
"""Answers generated side by side per model, items times samples, where there is room for them."""

MOST_CHARACTERS = 16_000
"""Prompt text read side by side, so that long items go in smaller batches."""


@dataclass(frozen=True, slots=True)
class Work:
    """One item under one history; `key` names it in the session."""

    suite: Suite
    item: Item
    history: str
    number: int

    @property
    def id(self) -> str:
        """The item's id, with its history where the suite has both."""
        both = len(self.suite.suite.history) > 1
        return f"{self.item.id}-{self.history}" if both else self.item.id

    @property
    def key(self) -> str:
        """What it is called in the session: suite and id."""
        return f"{self.suite.name}/{self.id}"

    @property
    def turns(self) -> tuple[str, ...]:
        """The user's side."""
        return self.item.turns or (self.item.first_prompt,)

    @property
    def system(self) -> str | None:
        """The system message."""
        return self.item.system or self.suite.suite.system


def make_batches(
    suites: Sequence[Suite], limit: int | None, answers: int | None = None
) -> list[list[Work]]:
    """Every item of every suite (its first `limit`), in batches of one suite each, with at most
    `answers` side by side."""
    most = answers or MOST_ANSWERS
    return [batch for suite in suites for batch in _cut(list(_works(suite, limit)), most)]


def _works(suite: Suite, limit: int | None) -> Iterator[Work]:
    for history in suite.suite.history if _has_turns(suite) else ("own",):
        for number, item in enumerate(suite.item[:limit]):
            yield Work(suite, item, history, number)


def _has_turns(suite: Suite) -> bool:
    return any(len(item.turns) > 1 for item in suite.item)


def _cut(works: Sequence[Work], most: int) -> Iterator[list[Work]]:
    batch: list[Work] = []
    for work in works:
        samples = work.suite.suite.samples
        grown = [*batch, work]
        too_wide = len(grown) * samples > most
        too_long = sum(_characters(w) for w in grown) > MOST_CHARACTERS
        unlike = batch and len(batch[0].turns) != len(work.turns)
        if batch and (too_wide or too_long or unlike):
            yield batch
            batch = []
        batch.append(work)
    if batch:
        yield batch


def _characters(work: Work) -> int:
    return len(work.system or "") + sum(map(len, work.turns))


def describe(suite: Suite, planned: int, quick: bool) -> SuitePlan:
    """The suite's part of the `planned` event; `quick` makes every suite a sequential one."""
    head = suite.suite
    verdict = head.verdict.model_dump() if head.verdict else None
    return SuitePlan(
        name=suite.name,
        kind=head.kind,
        items=planned,
        labels=head.labels,
        severity=head.severity,
        forbidden=head.forbidden,
        verdict=verdict,
        samples=head.samples,
        max_tokens=head.max_tokens,
        calibrated=head.calibrated,
        sequential=quick or head.sequential,
    )
