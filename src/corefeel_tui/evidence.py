"""The stored evidence of a batch: the contract between what runs models and what judges them.

Knows what is stored of an item, a suite and a whole batch; nothing of how it was made, how a file
is read, or what it means.  A pseudo variant "floor:F1", "floor:F2" or "floor:F3" holds
what the reference itself gave under another shape, one roundoff of noise, or another seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import regex

from corefeel_tui import events as ev

FLOOR = "floor:"
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """One suite of a batch as it was run; `name` includes the dialect, `items` counts planned ones.

    `verdict` has the keys of a suite file's rule (json_key, pattern or openers).  `samples` is k.
    `calibrated` names domains that a calibrated treatment has seen.  `sequential` suites ask a
    variant no more once the sequential test has answered.
    """

    name: str
    kind: str
    items: int
    labels: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    verdict: dict[str, str | None] | None = None
    samples: int = 1
    max_tokens: int = 256
    calibrated: tuple[str, ...] = ()
    sequential: bool = False

    @property
    def base(self) -> str:
        """The name without its dialect."""
        return self.name.partition("@")[0]


Rule = Literal[
    "contains", "absent", "pattern", "no_pattern", "starts", "ends",
    "max_words", "min_words", "lowercase", "uppercase",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """What code can verify of an answer; `diagnostics.checks` says when each rule holds.

    `kind`: constraint, entity, marker, needle or step.  Without `turn` it holds of every answer.
    Raises ValueError for a pattern that does not compile or a number that is none.
    """

    kind: str
    rule: Rule
    value: str = ""
    turn: int | None = None

    def __post_init__(self) -> None:
        if self.rule.endswith("_words") and not self.value.isdecimal():
            raise ValueError(f"{self.rule} needs a number, not “{self.value}”")
        if self.rule.endswith("pattern"):
            try:
                regex.compile(self.value)
            except regex.error as error:
                raise ValueError(f"the pattern does not compile: {error}") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """One generated text; `label` is what was shown while it ran and is never judged by.

    `reason`: stop, length or cancelled; `tokens` counts all, `thinking_tokens` those of thinking.
    """

    text: str
    reason: str = "stop"
    tokens: int = 0
    thinking_tokens: int = 0
    label: str | None = None
    turn: int = 0
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Drift:
    """One variant scored on the reference's own response (or, of `own_drift`, on its own).

    Sums over positions, KL in nats.  `buckets` are five (positions, Σ KL) by reference confidence;
    `roles` holds (positions, Σ KL, flips) by token role, as `roles.ROLES` names them.
    `kl_missing_sum` is the most by which Σ KL can be larger, where the reference was not stored
    whole; None where it stood beside the variant.
    """

    positions: int
    kl_sum: float
    flips: int = 0
    hard_flips: int = 0
    buckets: tuple[tuple[int, float], ...] = ()
    entropy_shift_sum: float | None = None
    delta_p_square_sum: float | None = None
    nll_sum: float | None = None
    roles: dict[str, tuple[int, float, int]] = field(default_factory=dict)
    turn: int = 0
    kl_missing_sum: float | None = None


@dataclass(frozen=True, slots=True)
class ArrayPart:
    """Where an item's per-position values stand: `count` rows from `start` in one batch's file.

    `file` is a name in SESSION.arrays/; its tensor "kl/VARIANT" is float32 over the batch.
    """

    file: str
    sha256: str
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """Everything one item left behind; every mapping is by variant, the reference included.

    `status`: finished, skipped or failed, with `reason`.  `group` holds what results are grouped
    by: ladder, rung; depth, length, needles; history (reference or own); register, persona.
    `answers` has one answer per sample or turn, or the name of a variant that gave the same.
    `readout` has the log-probability of each label after the prompt and the forced prefix.
    `rubric` holds second-tier labels (refuse, partial or comply) where the reference rated them.
    `failures` names variants that gave nothing here, with the reason.
    """

    id: str
    suite: str
    status: str = "finished"
    reason: str | None = None
    prompt: str = ""
    expected: str | None = None
    domain: str | None = None
    tags: tuple[str, ...] = ()
    group: dict[str, str | int | float] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    answers: dict[str, tuple[Answer, ...] | str] = field(default_factory=dict)
    readout: dict[str, dict[str, float | None]] = field(default_factory=dict)
    drift: dict[str, tuple[Drift, ...]] = field(default_factory=dict)
    own_drift: dict[str, tuple[Drift, ...]] = field(default_factory=dict)
    rubric: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    arrays: ArrayPart | None = None

    def given(self, variant: str) -> tuple[Answer, ...]:
        """The variant's answers, () where it gave none."""
        found = self.answers.get(variant, ())
        if isinstance(found, str):
            found = self.answers.get(found, ())
        return () if isinstance(found, str) else found


@dataclass(frozen=True, slots=True)
class Stop:
    """A variant that was not asked on, after so many `items`, and why.

    `rule` is “collapse”, or what the sequential test answered; `suite` None means everywhere.
    """

    variant: str
    rule: Literal["collapse", "drifted", "ok"]
    reason: str
    items: int
    suite: str | None = None


@dataclass(frozen=True)
class Evidence:
    """A session's evidence; `items` are those that ended, each once, in the file's order; `asked`
    is what the batch was asked for last, as in `events.Planned`."""

    path: Path
    header: ev.SessionHeader
    suites: tuple[SuitePlan, ...]
    items: tuple[ItemEvidence, ...]
    planned: int
    control: str | None
    floors: dict[str, ev.JSON]
    failed: dict[str, str]
    status: str
    stopped: tuple[Stop, ...] = ()
    asked: ev.JSON = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The model all others are compared with."""
        return self.header.reference

    @property
    def variants(self) -> tuple[str, ...]:
        """Every model that was loaded, the reference first, the control last."""
        names = [str(variant.get("name")) for variant in self.header.variants]
        names += [self.control] if self.control and self.control not in names else []
        middle = [name for name in names if name not in (self.reference, self.control)]
        return (self.reference, *middle, *(name for name in names if name == self.control))

    @property
    def judged(self) -> tuple[str, ...]:
        """Those a gate answers for: neither the reference nor the control."""
        return tuple(x for x in self.variants if x not in (self.reference, self.control))

    @cached_property
    def floor_variants(self) -> tuple[str, ...]:
        """Pseudo variants that any item has, strongest noise first."""
        return tuple(
            sorted(
                {x for i in self.items for x in i.answers | i.drift if x.startswith(FLOOR)},
                reverse=True,
            )
        )

    def of(self, suite: SuitePlan) -> tuple[ItemEvidence, ...]:
        """The finished items of one suite."""
        return tuple(i for i in self.items if i.suite == suite.name and i.status == "finished")

    def label(self, suite: SuitePlan) -> str:
        """What metrics of a suite are called by: its base name unless two dialects were run."""
        twice = sum(other.base == suite.base for other in self.suites) > 1
        return suite.name if twice else suite.base


def with_suites(evidence: Evidence, suites: dict[str, dict[str, Any]]) -> Evidence:
    """The same evidence under other labels or verdict rules, by suite (base or full name)."""
    changed = (
        replace(suite, **(suites.get(suite.name) or suites.get(suite.base) or {}))
        for suite in evidence.suites
    )
    return replace(evidence, suites=tuple(changed))
