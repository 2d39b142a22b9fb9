"""How a set that does not fit side by side can still be measured: in pairs, or one at a time.

Knows plans and the sentences about them; loads nothing.
"""

from __future__ import annotations

import shlex
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui import hub, pocket
from corefeel_tui.engine import memory, weighing
from corefeel_tui.engine.loading import Checkpoint
from corefeel_tui.engine.planning import Plan, Planned
from corefeel_tui.engine.treatments import described
from corefeel_tui.engine.turns import PAIRS, SINGLE
from corefeel_tui.errors import ModelError
from corefeel_tui.text.numbers import size

TOLD = {
    PAIRS: "the reference and one variant at a time",
    SINGLE: "one model at a time, the reference first",
}


def choose_way(
    plan: Plan, asked: str | None, reference: Checkpoint
) -> tuple[str | None, list[ev.Notice]]:
    """How the set runs in turn, and the sentence on it; None where all models stay.

    Raises ModelError where the way that was asked for takes too much as well.
    """
    if asked is None or len(plan.models) == 1 or (asked == "auto" and plan.fits):
        return None, []
    ways = [PAIRS, SINGLE] if asked == "auto" else [asked]
    needs = {way: needed(plan, way, reference) for way in ways}
    way = next((way for way in ways if needs[way] <= plan.free.usable), None)
    free = f"{size(plan.free.usable)} of {plan.free.source} is free"
    if way is None:
        least = min(needs, key=lambda way: needs[way])
        raise ModelError(
            f"even in turn, {TOLD[least]}, this set needs {size(needs[least])}, and {free}; close "
            "other programs or take a smaller model"
        )
    why = "" if plan.fits else f", since all at once need {size(plan.needed)}"
    told = f"in turn: {TOLD[way]}, at most {size(needs[way])}{why}, and {free}"
    return way, [ev.Notice(told)]


def needed(plan: Plan, way: str, reference: Checkpoint) -> int:
    """Bytes at the worst moment of running in turn."""
    first, *rest = plan.models
    if way == PAIRS:
        return max(plan.of([first, model]).needed for model in rest)
    expand = memory.execution() == "expanded"
    making = plan.making + sum(plan.row)
    alone = [
        weighing.alone_bytes(reference, model.spec, model.treated, expand) + making
        for model in rest
        if model.treated is not None
    ]
    return max([plan.of([first]).needed + making, *alone])


def hint(plan: Plan, reference: Checkpoint) -> str:
    """The command lines that measure the whole set in turn, or nothing where none would fit."""
    for way in (PAIRS, SINGLE):
        if len(plan.models) > 1 and needed(plan, way, reference) <= plan.free.usable:
            return (
                f"; `score` and `eval` can run in turn, {TOLD[way]}: "
                f"{command_line(reference, plan.models, 'score')} --text FILE"
            )
    return ""


def command_line(reference: Checkpoint, models: list[Planned], verb: str = "") -> str:
    """What to paste for these models."""
    own = reference.directory == pocket.weights_path()
    name = "" if own else hub.id_of(reference.directory) or str(reference.directory)
    first, *rest = models
    words = ["corefeel", verb, name, "--variants", ",".join(str(model.spec) for model in rest)]
    if not first.spec.is_reference:
        words += ["--reference", first.spec.name]
    return shlex.join(word for word in words if word)


def foreseen(plan: Plan) -> dict[str, dict[str, Any]]:
    """Variant → as in `events.Loaded.variants`, as planned; those that cannot be made by name."""
    found = {}
    for model in plan.models[1:]:
        if model.treated is not None:
            found[model.spec.name] = described(model.treated, model.spec)
        else:
            found[model.spec.name] = {"name": model.spec.name, "treatment": str(model.spec)}
    return found
