"""What is said of a set that does not fit side by side, and what is done about it.

Knows plans and sentences; what a set takes is `planning`'s.
"""

from __future__ import annotations

from dataclasses import replace

from corefeel_tui import events as ev
from corefeel_tui.engine import memory, weighing
from corefeel_tui.engine.loading import Checkpoint
from corefeel_tui.engine.planning import Plan, Planned, planned
from corefeel_tui.engine.treatments import described
from corefeel_tui.engine.turn_planning import command_line, hint
from corefeel_tui.errors import ModelError
from corefeel_tui.text.numbers import plural, size
from corefeel_tui.variants import parse

SMALLER = ("4bit", "3bit", "2bit")
"""What is proposed where nothing that was named fits, the best first."""


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
        variants=[_described(model, model in chosen.models) for model in plan.models],
        length=plan.length,
        rows=chosen.rows,
        models_bytes=chosen.resident,
        making_bytes=chosen.making_bytes,
        cache_bytes=chosen.rows * chosen.row[0],
        logits_bytes=chosen.rows * chosen.row[1],
        needed_bytes=chosen.needed,
        usable_bytes=chosen.free.usable,
        reserve_bytes=chosen.free.reserve,
        source=chosen.free.source,
        fits=chosen.fits,
        advice=advice,
    )


def _described(model: Planned, included: bool) -> ev.JSON:
    if model.treated is None:
        name, text = model.spec.name, str(model.spec)
        return {"name": name, "treatment": text, "included": False, "failure": str(model.failure)}
    return described(model.treated, model.spec) | {"included": included, "failure": None}


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
    named = _listed(plan.names)
    verb = "need" if plan.names[1:] else "needs"
    needs = f"{verb} {size(plan.needed)} for {plural(plan.length, 'token')}"
    if len(chosen.models) == 1 and chosen.fits:
        chosen = _smaller(chosen, reference)
    if len(chosen.models) > 1:
        paste = command_line(reference, chosen.models)
        way = f"{_listed(chosen.names)} would fit ({size(chosen.needed)}): {paste}"
    elif shorter := _shorter(plan, reference):
        way = f"with {plural(shorter, 'token')} there would be room"
    elif chosen.fits:
        way = "no variant would fit beside it, so close other programs or take a smaller model"
    else:
        way = "not even its reference would fit, so close other programs or take a smaller model"
    return f"{named} {needs}, and {free}; {way}{hint(plan, reference)}"


def _listed(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _smaller(chosen: Plan, reference: Checkpoint) -> Plan:
    """The reference beside the best usual variant there is room for, if there is."""
    expand = memory.execution() == "expanded"
    for name in SMALLER:
        model = planned(reference, parse(name), expand, chosen.row[1])
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
