"""Which models of a set fit side by side on this machine, told before a weight is read.

Knows what a set holds besides its models (caches, logits); what a variant weighs is `weighing`'s,
what is free `capacity`'s, and what is said of it `fitting`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from corefeel_tui.engine import checkpoints, memory, weighing
from corefeel_tui.engine.capacity import Capacity, capacity
from corefeel_tui.engine.loading import Checkpoint, open_checkpoint
from corefeel_tui.engine.quantize import Treated
from corefeel_tui.engine.scratch import scratch_bytes
from corefeel_tui.errors import CorefeelError, ModelError
from corefeel_tui.variants import VariantSpec

LENGTH = 1024
"""Tokens of prompt and answer that a set must have room for if nobody asks for more."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A variant as it would be, or why it cannot be made; `scratch` bytes calibrate it."""

    spec: VariantSpec
    treated: Treated | None
    failure: CorefeelError | None = None
    scratch: int = 0

    @property
    def adds(self) -> int:
        """Bytes it takes beside the reference."""
        if self.treated is None or self.spec.is_reference:
            return 0
        return self.treated.resident_bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Planned models, the reference first, and what answering with them takes.

    `base` are the bytes of the reference's arrays, `making` those that the making of a variant
    takes for a while, `row` those of one trajectory's cache and logits under one model.  Bytes of
    what is loaded already are 0, since they are no longer free either.
    """

    models: list[Planned]
    base: int
    making: int
    row: tuple[int, int]
    length: int
    free: Capacity

    @property
    def rows(self) -> int:
        """Rows of one question."""
        return rows_of(sum(model.failure is None for model in self.models))

    @property
    def resident(self) -> int:
        """Bytes of all models."""
        return self.base + sum(model.adds for model in self.models)

    @property
    def needed(self) -> int:
        """Bytes at the worst moment, of making the models or of answering with them."""
        return self.resident + max(self.making_bytes, self.rows * sum(self.row))

    @property
    def making_bytes(self) -> int:
        """Bytes taken for a while by the variant whose making takes most."""
        return max((self.making + model.scratch for model in self.models if model.adds), default=0)

    @property
    def fits(self) -> bool:
        """Whether there is room for that."""
        return self.needed <= self.free.usable

    @property
    def names(self) -> list[str]:
        """Of the models, in order."""
        return [model.spec.name for model in self.models]

    def of(self, models: Sequence[Planned]) -> Plan:
        """The same plan for other models of this reference."""
        return replace(self, models=list(models))

    def largest_that_fits(self) -> Plan:
        """The reference and as many of the variants, in their order, as there is room for."""
        chosen = self.of(self.models[:1])
        for model in self.models[1:]:
            if (wider := self.of([*chosen.models, model])).fits:
                chosen = wider
        return chosen


def rows_of(models: int) -> int:
    """Rows when every answer to a question has forked: the reference scores all, a variant two."""
    return 3 * models - 2


def make_plan(
    reference: Checkpoint,
    specs: Sequence[VariantSpec],
    length: int | None = None,
    loaded: Collection[str] | None = None,
) -> Plan:
    """What the models of `specs` weigh and take; `reference` may or may not be read yet.

    `loaded` names the specs that stand already, or is None where not even the reference does.
    """
    expand = memory.execution() == "expanded"
    length = min(length or LENGTH, checkpoints.context_length(reference.config))
    row = weighing.cache_and_logits(reference.module, length, expand)
    models = [planned(reference, spec, expand, row[1], loaded or ()) for spec in specs]
    return Plan(
        models=models,
        base=0 if loaded is not None else weighing.reference_bytes(reference, expand),
        making=weighing.making_bytes(reference, expand),
        row=row,
        length=length,
        free=capacity(),
    )


def refuse_hopeless(plan: Plan) -> None:
    """Raises the first reason where not one variant, or not even the reference, can be made."""
    failures = [model.failure for model in plan.models if model.failure]
    if failures and len(failures) >= len(plan.models) - 1:
        raise failures[0]


def planned(
    reference: Checkpoint,
    spec: VariantSpec,
    expand: bool,
    logits: int,
    loaded: Collection[str] = (),
) -> Planned:
    """One variant as it would be; what stands already, among `loaded`, takes nothing more.

    `logits` are the bytes of one position's.
    """
    try:
        own = open_path(spec)
        treated = weighing.weigh(reference, spec, own, expand)
    except CorefeelError as error:
        return Planned(spec, None, error)
    except Exception as error:  # an architecture's own trouble with a treatment
        return Planned(spec, None, ModelError(f"{spec.name} could not be planned: {error}"))
    scratch = scratch_bytes(reference, spec, treated, logits)
    treated.module = reference.module  # what was made for its shapes would hold what is read later
    if str(spec) in loaded:
        treated.resident_bytes = 0
    return Planned(spec, treated, scratch=scratch)


def open_path(spec: VariantSpec) -> Checkpoint | None:
    """The unread checkpoint of a variant that comes from a path; None of any other."""
    return open_checkpoint(checkpoints.resolve(spec.source)) if spec.kind == "path" else None
