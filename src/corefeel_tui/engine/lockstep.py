"""All models one position at a time over the distinct trajectories (rows) that are alive.

Knows rows, caches and lazy logits; neither text nor events.  Within a run the reference scores
every live row, a variant its own row and the reference's (DESIGN 5).  Several runs go side by
side as more rows.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import make_prompt_cache

from corefeel_tui.engine.prefill import Prefixes, fill
from corefeel_tui.engine.rows import RowCaches, check_mergeable
from corefeel_tui.engine.sampling import NoiseKey, Picker

Owner = tuple[str, str]
"""(run, model): whose trajectory it is."""


@dataclass(slots=True, eq=False)
class Row:
    """A distinct trajectory of a run: every token read so far, prompt included, and its owners."""

    run: str
    tokens: list[int]
    owners: list[str]
    start: Start


@dataclass(frozen=True, slots=True)
class Start:
    """How a run begins: a prompt per model, the reference's first, and what keys its noise.

    `boundaries` are the lengths at which a snapshot may help a later turn (`prefill.fill`).
    `forced` are tokens that a model takes first, whatever it would choose.  A run that goes on from
    `answered` tokens of an answer draws the noise of those positions on.  What was read of a run
    that is `last` in its conversation is not kept.
    """

    run: str
    prompts: Mapping[str, list[int]]
    key: NoiseKey = (0, 0)
    boundaries: Mapping[str, int] = field(default_factory=dict)
    forced: Mapping[str, Sequence[int]] = field(default_factory=dict)
    answered: int = 0
    last: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What is known at one position: who stood where, everybody's logits, everybody's choice.

    `scored[m]` are the rows of model m in the order of `logits[m]` (rows, V), float32, evaluated;
    `owners` maps each live row to the models whose own trajectory it was.
    """

    position: int
    scored: dict[str, list[Row]]
    logits: dict[str, mx.array]
    owners: dict[Row, list[str]]
    choice: dict[Owner, int]


@dataclass(slots=True)
class _Pass:
    """One model's forward pass in flight."""

    rows: list[Row]
    logits: mx.array
    picks: mx.array


@dataclass(slots=True)
class Lockstep:
    """The rows of some runs and every model's caches over those it scores.

    Unless `crossed`, a model scores its own rows only.
    """

    models: Mapping[str, nn.Module]
    reference: str
    picker: Picker
    prefixes: Prefixes | None = None
    crossed: bool = True
    position: int = 0
    rows: list[Row] = field(default_factory=list)
    _caches: dict[str, RowCaches] = field(default_factory=dict)
    _passes: dict[str, _Pass] = field(default_factory=dict)

    def read(self, starts: Sequence[Start]) -> Generator[None, None, None]:
        """Prefill; yields between chunks.  Models of a run with equal prompts share a row.

        Raises ModelError before anything is read where a model's caches cannot hold several rows.
        """
        for model in self.models.values() if len(self.models) > 1 or len(starts) > 1 else ():
            check_mergeable(make_prompt_cache(model))
        boundaries: dict[Row, int] = {}
        for start in starts:
            for row in _first_rows(start, self.reference):
                self.rows.append(row)
                boundaries[row] = start.boundaries.get(row.owners[0], 0)
        for name, model in self.models.items():
            filled = []
            for row in self._rows_of(name):
                caches = yield from fill(name, model, row.tokens, self.prefixes, boundaries[row])
                filled.append(caches)
            self._caches[name] = RowCaches(filled)
        self._launch({name: self._rows_of(name) for name in self.models})

    def take(self) -> Step:
        """Wait for the passes in flight; what everybody sees and wants to take next."""
        choice = {}
        for name, flight in self._passes.items():
            mx.eval(flight.logits, flight.picks)
            for row, token in zip(flight.rows, flight.picks.tolist(), strict=True):
                if name in row.owners:
                    choice[row.run, name] = self._forced(row, name, token)
        return Step(
            position=self.position,
            scored={name: flight.rows for name, flight in self._passes.items()},
            logits={name: flight.logits for name, flight in self._passes.items()},
            owners={row: list(row.owners) for row in self.rows},
            choice=choice,
        )

    def advance(self, choice: Mapping[Owner, int], ended: set[Owner]) -> None:
        """Everybody takes its token; rows whose owners disagree fork, rows nobody owns end.

        The next passes are started and not waited for.
        """
        parents: dict[Row, Row] = {}
        dying: list[Row] = []
        for row in self.rows:
            going = [owner for owner in row.owners if (row.run, owner) not in ended]
            groups = group_by_choice(row.run, going, choice, first=self.reference)
            if not groups:
                dying.append(row)
                continue
            read = list(row.tokens) if len(groups) > 1 else row.tokens
            for i, (token, owners) in enumerate(groups.items()):
                child = row if i == 0 else Row(row.run, [*read, token], owners, row.start)
                parents[child] = row
            row.owners = next(iter(groups.values()))
            row.tokens.append(next(iter(groups)))
        self._keep_ended(dying)
        self.rows = list(parents)
        self.position += 1
        self._reseat(parents)

    def drop(self, name: str) -> None:
        """Take a failed variant out; the rows it owned alone end with it."""
        for row in self.rows:
            row.owners = [owner for owner in row.owners if owner != name]
        self.rows = [row for row in self.rows if row.owners]
        self.models = {m: model for m, model in self.models.items() if m != name}
        self._caches.pop(name, None)
        self._passes.pop(name, None)

    def _rows_of(self, name: str) -> list[Row]:
        """The rows a model must score now, in the order of `rows`."""
        if not self.crossed:
            return [row for row in self.rows if name in row.owners]
        if name == self.reference:
            return list(self.rows)
        return [row for row in self.rows if name in row.owners or self.reference in row.owners]

    def _reseat(self, parents: Mapping[Row, Row]) -> None:
        """Rearrange every model's caches from the rows it scored to those it must score next."""
        plan = {}
        for name, flight in list(self._passes.items()):
            rows = self._rows_of(name)
            if rows:
                self._caches[name].select([flight.rows.index(parents[row]) for row in rows])
                plan[name] = rows
            else:
                del self._caches[name]
        self._launch(plan)

    def _launch(self, plan: Mapping[str, list[Row]]) -> None:
        self._passes = {}
        for name, rows in plan.items():
            last = [row.tokens[-1] for row in rows]
            logits = self._caches[name].forward(self.models[name], last)
            places = [(row.start.key, self.position + row.start.answered) for row in rows]
            picks = self.picker(logits, places)
            mx.async_eval(logits, picks)
            self._passes[name] = _Pass(rows, logits, picks)

    def _forced(self, row: Row, name: str, token: int) -> int:
        """What a model takes: what it chose, unless another token is prescribed here."""
        forced = row.start.forced.get(name, ())
        return forced[self.position] if self.position < len(forced) else token

    def _keep_ended(self, dying: Sequence[Row]) -> None:
        """Remember what was read of rows that end, for the conversation's next turn."""
        if self.prefixes is None:
            return
        for name, flight in self._passes.items():
            for row in dying:
                if row in flight.rows and not row.start.last:
                    caches = self._caches[name].extract(flight.rows.index(row))
                    self.prefixes.keep(name, row.tokens, caches)


def group_by_choice(
    run: str, owners: Sequence[str], choice: Mapping[Owner, int], first: str
) -> dict[int, list[str]]:
    """Token → the owners that take it; the group of `first` leads where it is in one."""
    groups: dict[int, list[str]] = {}
    for owner in sorted(owners, key=lambda name: name != first):
        groups.setdefault(choice[run, owner], []).append(owner)
    return groups


def _first_rows(start: Start, reference: str) -> list[Row]:
    """One row per distinct prompt, the reference's first."""
    rows: list[Row] = []
    for name in sorted(start.prompts, key=lambda name: name != reference):
        row = next((row for row in rows if row.tokens == start.prompts[name]), None)
        if row is None:
            rows.append(Row(start.run, list(start.prompts[name]), [name], start))
        else:
            row.owners.append(name)
    return rows
