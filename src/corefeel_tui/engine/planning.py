"""Which models of a set fit side by side on this machine, told before a weight is read.

Knows what a set holds besides its models (caches, logits) and the sentences about what is too
large; what a variant weighs is `weighing`'s, what is free `capacity`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from corefeel_tui import events as ev
from corefeel_tui.engine import checkpoints, memory, weighing
from corefeel_tui.engine.capacity import Capacity, capacity
from corefeel_tui.engine.loading import Checkpoint, open_checkpoint
from corefeel_tui.engine.quantize import Treated
from corefeel_tui.engine.treatments import described
from corefeel_tui.errors import CorefeelError, ModelError
from corefeel_tui.text.numbers import plural, size
from corefeel_tui.variants import VariantSpec, parse

LENGTH = 1024
"""Tokens of prompt and answer that a set must have room for if nobody asks for more."""
SMALLER = ("4bit", "3bit", "2bit")
"""What is proposed where nothing that was named fits, the best first."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A variant as it would be, or why it cannot be made."""

    spec: VariantSpec
    treated: Treated | None
    failure: CorefeelError | None = None

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
        """Rows when every answer has forked: the reference scores all, a variant two."""
        return 3 * sum(model.failure is None for model in self.models) - 2

    @property
    def resident(self) -> int:
        """Bytes of all models."""
        return self.base + sum(model.adds for model in self.models)

    @property
    def needed(self) -> int:
        """Bytes at the worst moment, of making the models or of answering with them."""
        making = self.making if any(model.adds for model in self.models) else 0
        return self.resident + max(making, self.rows * sum(self.row))

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
    models = [_planned(reference, spec, expand, loaded or ()) for spec in specs]
    return Plan(
        models=models,
        base=0 if loaded is not None else weighing.reference_bytes(reference, expand),
        making=weighing.making_bytes(reference, expand),
        row=weighing.cache_and_logits(reference.module, length, expand),
        length=length,
        free=capacity(),
    )


def _planned(
    reference: Checkpoint, spec: VariantSpec, expand: bool, loaded: Collection[str]
) -> Planned:
    try:
        own = open_path(spec)
        treated = weighing.weigh(reference, spec, own, expand)
    except CorefeelError as error:
        return Planned(spec, None, error)
    except Exception as error:  # an architecture's own trouble with a treatment
        return Planned(spec, None, ModelError(f"{spec.name} could not be planned: {error}"))
    treated.module = reference.module  # what was made for its shapes would hold what is read later
    if str(spec) in loaded:
        treated.resident_bytes = 0
    return Planned(spec, treated)


def open_path(spec: VariantSpec) -> Checkpoint | None:
    """The unread checkpoint of a variant that comes from a path; None of any other."""
    return open_checkpoint(checkpoints.resolve(spec.source)) if spec.kind == "path" else None


def choose(plan: Plan, explicit: bool, reference: Checkpoint) -> tuple[Plan, list[ev.Notice]]:
    """The plan to carry out, and a sentence on each variant that was left out of it.

    Raises ModelError where named variants, or the reference, do not fit.
    """
    if plan.fits:
        return plan, []
    chosen = plan.largest_that_fits()
    left = [model for model in plan.models if model not in chosen.models]
    if explicit or not chosen.fits or len(chosen.models) == 1:
        raise ModelError(refusal(plan, chosen, reference))
    return chosen, [ev.Notice(left_out(chosen, model)) for model in left]


def announce(plan: Plan, model: str, explicit: bool, reference: Checkpoint) -> ev.PlannedSet:
    """The plan as an event, what `choose` would leave out or refuse included."""
    chosen, advice = plan, []
    try:
        chosen, notices = choose(plan, explicit, reference)
        advice = [notice.text for notice in notices]
    except ModelError as error:
        advice = [str(error)]
    return ev.PlannedSet(
        model=model,
        reference=plan.models[0].spec.name,
        variants=[_described(planned, planned in chosen.models) for planned in plan.models],
        length=plan.length,
        rows=chosen.rows,
        models_bytes=chosen.resident,
        making_bytes=chosen.making,
        cache_bytes=chosen.rows * chosen.row[0],
        logits_bytes=chosen.rows * chosen.row[1],
        needed_bytes=chosen.needed,
        usable_bytes=chosen.free.usable,
        reserve_bytes=chosen.free.reserve,
        source=chosen.free.source,
        fits=chosen.fits,
        advice=advice,
    )


def _described(planned: Planned, included: bool) -> ev.JSON:
    if planned.treated is None:
        name, text = planned.spec.name, str(planned.spec)
        return {"name": name, "treatment": text, "included": False, "failure": str(planned.failure)}
    return described(planned.treated, planned.spec) | {"included": included, "failure": None}


def left_out(chosen: Plan, model: Planned) -> str:
    """Why one variant is not among the chosen."""
    more = chosen.of([*chosen.models, model]).needed - chosen.needed
    left = max(chosen.free.usable - chosen.needed, 0)
    return (
        f"{model.spec.name} was left out: it needs {size(more)} more, of which {size(left)} is free"
    )


def refusal(plan: Plan, chosen: Plan, reference: Checkpoint) -> str:
    """A set that does not fit, and what would."""
    free = f"{size(plan.free.usable)} of {plan.free.source} is free"
    *most, last = plan.names
    named = f"{', '.join(most)} and {last}" if most else last
    needs = f"need{'' if most else 's'} {size(plan.needed)} for {plural(plan.length, 'token')}"
    if len(chosen.models) == 1 and chosen.fits:
        chosen = _smaller(chosen, reference)
    if len(chosen.models) > 1:
        way = f"{' and '.join(chosen.names)} would fit ({size(chosen.needed)})"
    elif shorter := _shorter(plan, reference):
        way = f"with {plural(shorter, 'token')} there would be room"
    elif chosen.fits:
        way = "no variant would fit beside it, so close other programs or take a smaller model"
    else:
        way = "not even its reference would fit, so close other programs or take a smaller model"
    return f"{named} {needs}, and {free}; {way}"


def _smaller(chosen: Plan, reference: Checkpoint) -> Plan:
    """The reference beside the best usual variant there is room for, if there is."""
    expand = memory.execution() == "expanded"
    for name in SMALLER:
        model = _planned(reference, parse(name), expand, ())
        if model.treated and (pair := chosen.of([*chosen.models, model])).fits:
            return pair
    return chosen


def _shorter(plan: Plan, reference: Checkpoint) -> int | None:
    """The asked length, halved until everything fits; None if not even the models do."""
    expand = memory.execution() == "expanded"
    length = plan.length // 2
    while length >= weighing.CACHE_STEP:
        row = weighing.cache_and_logits(reference.module, length, expand)
        if replace(plan, row=row).fits:
            return length
        length //= 2
    return None
