"""Events of long work: a batch, its progress, a teacher-forced score."""

from __future__ import annotations

from dataclasses import dataclass, field

from .wire import JSON, Event


@dataclass(frozen=True, slots=True)
class Planned(Event):
    """A batch begins: what it will run, in suites (`evidence.SuitePlan` as objects).

    `control` names the positive control among the variants; `run` the `evaluate` command, of which
    `asked` holds what it takes to ask again: suites, limit, quick, stop_collapsed, answers.
    """

    name = "planned"
    items: int
    suites: list[JSON]
    control: str | None = None
    seed: int = 0
    run: str = ""
    asked: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariantStopped(Event):
    """A batch asks a variant no more (`evidence.Stop`): everywhere, or in one suite.

    `rule`: collapse, drifted or ok; `items` were answered until then.
    """

    name = "variant_stopped"
    run: str
    variant: str
    rule: str
    reason: str
    items: int
    suite: str | None = None


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Countable work of a run: `done` of `total` `unit`s."""

    name = "progress"
    run: str
    done: int
    total: int
    unit: str = "positions"


@dataclass(frozen=True, slots=True)
class Scored(Event):
    """Result of a `score` run: the object that `score --format json` prints."""

    name = "scored"
    run: str
    result: JSON
