"""How many answers a batch writes side by side in the memory that is left.

Knows suites, a loaded set and what a row of it takes; runs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.engine import chat, memory, weighing
from corefeel_tui.engine.batch.asking import Asking
from corefeel_tui.engine.batch.plan import MOST_ANSWERS, Work, make_batches
from corefeel_tui.engine.capacity import capacity
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.planning import rows_of
from corefeel_tui.engine.turns import PAIRS, SINGLE
from corefeel_tui.errors import ModelError
from corefeel_tui.suites import Suite
from corefeel_tui.text.numbers import plural, size

NOISY = 1
"""Models besides those of the set: the reference under a roundoff of noise, on the same arrays."""
IN_FLIGHT = 2
"""Logits of a position are measured while those of the next are computed."""


@dataclass(frozen=True, slots=True)
class Need:
    """`bytes` that the largest batch takes beside the models, whose longest item reads and writes
    `tokens`; `together` models answer it."""

    bytes: int
    tokens: int
    together: int


def seat(
    command: commands.Evaluate, models: ModelSet, suites: Sequence[Suite]
) -> tuple[commands.Evaluate, list[ev.Notice]]:
    """The command with as many answers side by side as there is room for, and a sentence where
    these are fewer than it asks for.  Raises ModelError where there is no room for one."""
    room = _Room(command, models, suites)
    usable = capacity().usable - _still_to_come(models)
    wanted = count = command.answers or MOST_ANSWERS
    whole = least = room.need(wanted)
    while least.bytes > usable:
        if count == 1:
            raise ModelError(_refusal(least, usable, models))
        count = (count + 1) // 2
        least = room.need(count)
    if count == wanted:
        return replace(command, answers=count), []
    told = (
        f"{plural(count, 'item')} at a time instead of {wanted}, which could take "
        f"{size(whole.bytes)} beside the models, and {_free(usable)}"
    )
    return replace(command, answers=count), [ev.Notice(told)]


class _Room:
    """What the batches of one command take."""

    def __init__(
        self, command: commands.Evaluate, models: ModelSet, suites: Sequence[Suite]
    ) -> None:
        self._command = command
        self._models = models
        self._suites = suites
        self._asking = Asking(command.run, models)
        self._lengths: dict[str, int] = {}
        self._row_bytes: dict[int, int] = {}
        control = command.control and any(suite.verdict is not None for suite in suites)
        ways = {None: len(models.models), PAIRS: 2, SINGLE: 1}
        way = models.turns.way if models.turns else None
        self._together = ways[way] + NOISY + (control and way is None)
        self.expand = memory.execution() == "expanded"

    def need(self, count: int) -> Need:
        """Of the largest batch with at most `count` answers of each model."""
        batches = make_batches(self._suites, self._command.limit, count)
        needs = [self._need(works) for works in batches]
        return max(needs, key=lambda need: need.bytes, default=Need(0, 0, self._together))

    def _need(self, works: Sequence[Work]) -> Need:
        longest = max(self._length(work) for work in works)
        answers = len(works) * works[0].suite.suite.samples
        forking = self._together  # the reference's rows stand twice while some of them fork
        rows = answers * (rows_of(self._together) + forking)
        return Need(rows * self._row(longest), longest, self._together)

    def _length(self, work: Work) -> int:
        """Tokens of an item's words and of its answers at their longest, as far as they fit."""
        if work.key not in self._lengths:
            messages = chat.conversation(work.system, [], "\n".join(work.turns))
            answers = len(work.turns) * work.suite.suite.max_tokens
            tokens = len(self._asking.render(messages)) + answers
            self._lengths[work.key] = min(tokens, self._models.context)
        return self._lengths[work.key]

    def _row(self, tokens: int) -> int:
        """Bytes of one row of so many tokens."""
        steps = -(-tokens // weighing.CACHE_STEP) * weighing.CACHE_STEP
        if steps not in self._row_bytes:
            module = self._models.checkpoint.module
            cache, logits = weighing.cache_and_logits(module, steps, self.expand)
            self._row_bytes[steps] = cache + IN_FLIGHT * logits
        return self._row_bytes[steps]


def _still_to_come(models: ModelSet) -> int:
    """Bytes of the variant that comes in turn beside the reference and takes most."""
    if models.turns is None or models.turns.way != PAIRS:
        return 0
    return max(int(told.get("resident_bytes") or 0) for told in models.turns.about.values())


def _refusal(need: Need, usable: int, models: ModelSet) -> str:
    way = "" if models.turns else ", `eval --in-turn pairs`"
    return (
        f"even one item at a time could take {size(need.bytes)} beside the models, with "
        f"{plural(need.tokens, 'token')} in {plural(rows_of(need.together), 'row')}, and "
        f"{_free(usable)}; close other programs, or take fewer variants{way} or a smaller model"
    )


def _free(usable: int) -> str:
    return f"{size(max(usable, 0))} of {capacity().source} is free"
