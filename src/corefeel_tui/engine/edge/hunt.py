"""One prompt's search: which changed prompts to try next, what they gave, what was found.

Knows changes and label weights; no suite, no queue.  All single changes are tried before any pair;
within a number of changes the most promising come first, and the smallest that left is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, inf

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.edge import telling
from corefeel_tui.edge.changes import Change, Changes, apart, applied, single_changes, size
from corefeel_tui.edge.slots import Template
from corefeel_tui.engine.edge.feeling import Cancelled, Steps
from corefeel_tui.engine.edge.probing import Probing, Weighed
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.edge.weighing import Weights, margins
from corefeel_tui.errors import UsageError

ROUND = 32
"""Sets of several changes tried at once."""
COMBINED = 40
"""Single changes, the most promising, that larger sets are made of."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One changed prompt and what came of it; `leads[MODEL]` is how far (nats) the label that the
    reference gives the unchanged prompt is ahead of the best other."""

    number: int
    changes: Changes
    prompt: str
    left: list[str]
    leads: dict[str, float]


class Hunt:
    """The search of one prompt."""

    def __init__(
        self, command: commands.Search, prompt: str, template: Template | None, probe: Probing
    ) -> None:
        """Raises UsageError where the prompt itself cannot be read."""
        self._command = command
        self._prompt = prompt
        self._probe = probe
        self._reference, *self.variants = list(probe.models)
        probe.tokens(prompt)
        self._singles = [c for c in single_changes(prompt, template) if self._fits((c,))]
        self._attempts: list[Attempt] = []
        self._seen = {prompt}
        self._label: str | None = None
        self._found: dict[str, int | None] = dict.fromkeys(self.variants)
        self._unstable: list[str] = []
        count = len(self._singles)
        within = sum(comb(count, k) for k in range(1, command.depth + 1))
        self.bound = min(command.budget, within)

    @property
    def tried(self) -> int:
        """Changed prompts so far."""
        return max(len(self._attempts) - 1, 0)

    def next_round(self) -> list[Changes]:
        """What to try next; nothing where all have left, or all within the bounds was tried."""
        if not self._attempts:
            return [()]
        if not self._staying:
            return []
        free = self._command.budget - self.tried
        if self.tried < len(self._singles) and len(self._attempts) == 1:
            return [(change,) for change in self._singles[:free]]
        for count in range(2, self._command.depth + 1):
            if found := self._larger(count)[: min(free, ROUND)]:
                return found
        return []

    def carry_out(
        self,
        sets: Sequence[Changes],
        readings: dict[str, Reading],
        item: str | None,
        cancelled: Cancelled,
    ) -> Steps:
        """Weigh one round and tell it."""
        prompts = [applied(self._prompt, changes) for changes in sets]
        self._seen |= set(prompts)
        tokens = [self._probe.tokens(prompt) for prompt in prompts]
        if not self._attempts:
            found = yield from self._probe.one(tokens[0], readings, cancelled)
            if found is not None:
                yield self._take(sets[0], prompts[0], found[0], item)
            return
        for result in self._probe.many(tokens, readings, cancelled):
            if result is None:
                yield None
                continue
            i, weighed = result
            yield self._take(sets[i], prompts[i], weighed, item)
            yield ev.Progress(self._command.run, self.tried, self.bound, "changes")

    def verified(self) -> Iterator[ev.EdgeFound | None]:
        """The smallest example of every variant that left, computed once more from nothing."""
        again: dict[int, Weighed] = {}
        for variant in self.variants:
            left = sorted(
                (a for a in self._attempts if variant in a.left),
                key=lambda a: (size(a.changes), a.number),
            )
            for attempt in left:
                if attempt.number not in again:
                    again[attempt.number] = self._probe.afresh(self._probe.tokens(attempt.prompt))
                    yield None
                found = self._confirmed(variant, attempt, again[attempt.number])
                if found is not None:
                    self._found[variant] = attempt.number
                    yield found
                    break
            else:
                self._unstable += [variant] if left else []

    def summary(self) -> ev.EdgeSearched:
        """The last word on this prompt."""
        return ev.EdgeSearched(
            self._command.run, self.tried, self.bound, dict(self._found), self._unstable
        )

    @property
    def _staying(self) -> list[str]:
        gone = {name for attempt in self._attempts for name in attempt.left}
        return [name for name in self.variants if name not in gone]

    def _fits(self, changes: Changes) -> bool:
        try:
            self._probe.tokens(applied(self._prompt, changes))
        except UsageError:
            return False
        return True

    def _take(self, changes: Changes, prompt: str, weighed: Weighed, item: str | None) -> ev.Tried:
        own, shares = margins(weighed, self._probe.readout.margin)
        if self._label is None:
            self._label = telling.leading(shares[self._reference])
        left = telling.left(shares, self._reference)
        leads = {name: _lead(weights, self._label) for name, weights in weighed.items()}
        number = len(self._attempts)
        self._attempts.append(Attempt(number, changes, prompt, left, leads))
        told = [change.told(self._prompt) for change in changes]
        return ev.Tried(self._command.run, number, prompt, told, own, shares, left, item)

    def _confirmed(self, variant: str, attempt: Attempt, weighed: Weighed) -> ev.EdgeFound | None:
        own, shares = margins(weighed, self._probe.readout.margin)
        if variant not in telling.left(shares, self._reference):
            return None
        said = telling.labels(shares)
        return ev.EdgeFound(
            run=self._command.run,
            variant=variant,
            number=attempt.number,
            prompt=attempt.prompt,
            changes=[change.told(self._prompt) for change in attempt.changes],
            labels={name: str(said[name]) for name in (self._reference, variant)},
            margins=own,
            probabilities=shares,
            readout=self._probe.readout.as_dict(),
            system=self._probe.around.system,
        )

    def _larger(self, count: int) -> list[Changes]:
        """Untried sets of so many changes, the most promising first."""
        alone = {a.changes[0]: a for a in self._attempts if len(a.changes) == 1}
        best = sorted(alone, key=lambda change: self._promise((change,), alone))[:COMBINED]
        sets = [
            chosen
            for chosen in combinations(best, count)
            if apart(chosen) and applied(self._prompt, chosen) not in self._seen
        ]
        sets = [chosen for chosen in sets if self._fits(chosen)]
        return sorted(sets, key=lambda chosen: (self._promise(chosen, alone), size(chosen)))

    def _promise(self, chosen: Changes, alone: dict[Change, Attempt]) -> float:
        """How near the nearest variant comes to the other side of the reference's label, if every
        change moved it as far as it did alone; the lower, the sooner tried."""
        base = self._attempts[0].leads

        def moved(name: str) -> float:
            return base[name] + sum(alone[c].leads[name] - base[name] for c in chosen)

        side = 1.0 if moved(self._reference) >= 0 else -1.0
        return min((side * moved(name) for name in self._staying), default=inf)


def _lead(weights: Weights, label: str | None) -> float:
    own = weights.get(label or "")
    others = [value for name, value in weights.items() if name != label and value is not None]
    if own is None or not others:
        return 0.0
    return own - max(others)
