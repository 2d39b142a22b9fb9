"""The smallest change at which a variant leaves the reference, on one prompt and over a suite.

Knows changes, margins and the search's events; no queue, no pipe.  Nothing is told as found that
was not computed once more from nothing.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, replace

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.edge import slots
from corefeel_tui.edge.readouts import Readout, of_suite
from corefeel_tui.edge.telling import leading
from corefeel_tui.engine.edge.feeling import (
    Cancelled,
    Steps,
    Told,
    around,
    finished,
    ladder,
    probing,
    scan,
    started,
)
from corefeel_tui.engine.edge.hunt import Hunt
from corefeel_tui.engine.edge.probing import Chat, Probing
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.edge.weighing import margin, probabilities
from corefeel_tui.engine.modelset import POCKET, ModelSet
from corefeel_tui.engine.scoring import check_floor
from corefeel_tui.errors import UsageError
from corefeel_tui.items import Item
from corefeel_tui.suites import Suite, resolve
from corefeel_tui.tomlfile import mend


@dataclass(frozen=True, slots=True)
class Case:
    """One prompt to search, and where it comes from."""

    prompt: str
    around: Chat
    template: slots.Template | None = None
    suite: str | None = None
    item: str | None = None


Probe = commands.Scan | commands.Ladder | commands.Search


def probe(command: Probe, models: ModelSet, cancelled: Cancelled) -> Steps:
    """The margins of many prompts that differ a little, as the command would have them."""
    match command:
        case commands.Scan():
            return scan(command, models, cancelled)
        case commands.Ladder():
            return ladder(command, models, cancelled)
    return search(command, models, cancelled)


def search(command: commands.Search, models: ModelSet, cancelled: Cancelled) -> Steps:
    """Search one prompt, one item, or the narrowest items of a suite."""
    began = time.monotonic()
    check_floor(models)
    check_bounds(command)
    if command.suite is None:
        cases = [_typed(command)]
        readout = _readout(command, None)
        whole = True
    else:
        suite = _suite(command.suite, models)
        readout = _readout(command, suite)
        if command.item is not None:
            cases, whole = [_of_item(command, suite, _item(suite, command.item))], True
        else:
            cases, whole = yield from _ranked(command, models, suite, readout, cancelled)
    for case in cases:
        if not whole:
            break
        probe = probing(models, command, readout, case.around)
        whole = yield from one_case(command, case, probe, cancelled)
    yield finished(command.run, whole, began)


def check_bounds(command: commands.Search) -> None:
    """Raises UsageError where the search is of nothing, or bounded to nothing."""
    if command.prompt is None and command.suite is None:
        raise UsageError("there is nothing to search; name a prompt, an item or a suite")
    for name in ("budget", "depth", "limit", "pool"):
        if getattr(command, name) < 1:
            raise UsageError(f"the search's {name} is {getattr(command, name)}; it needs 1 or more")


def one_case(command: commands.Search, case: Case, probe: Probing, cancelled: Cancelled) -> Told:
    """Try changes of one prompt, the smallest first, and tell what left."""
    hunt = Hunt(command, case.prompt, case.template, probe)
    yield replace(
        started(command.run, "search", case.prompt, probe, hunt.bound),
        suite=case.suite,
        item=case.item,
    )
    readings: dict[str, Reading] = {}
    while (round_ := hunt.next_round()) and not cancelled():
        yield from hunt.carry_out(round_, readings, case.item, cancelled)
    if cancelled():
        return False
    for found in hunt.verified():
        if found is not None:
            yield replace(found, suite=case.suite, item=case.item)
        else:
            yield None
    yield replace(hunt.summary(), suite=case.suite, item=case.item)
    return True


def _typed(command: commands.Search) -> Case:
    assert command.prompt is not None
    template = slots.parse(command.prompt, command.slots)
    if not template.slots:
        return Case(command.prompt, around(command))
    return Case(template.fill([0] * len(template.slots)), around(command), template)


def _readout(command: commands.Search, suite: Suite | None) -> Readout:
    if command.readout is not None:
        return Readout.from_dict(command.readout)
    if suite is None:
        raise UsageError("a typed prompt needs two labels, such as --labels “VETO v APPROVE”")
    return of_suite(suite)


def _suite(name: str, models: ModelSet) -> Suite:
    members = resolve(name, models.model == POCKET)
    if len(members) > 1:
        raise UsageError(f"“{name}” is a mix; name one of its suites")
    return members[0]


def _item(suite: Suite, name: str) -> Item:
    for item in suite.item:
        if item.id == name:
            return item
    known = mend(name, [item.id for item in suite.item])
    raise UsageError(f"suite {suite.name} has no item “{name}”; {known}")


def _of_item(command: commands.Search, suite: Suite, item: Item) -> Case:
    if item.turns:
        raise UsageError(f"“{item.id}” is a conversation of several turns; choose a single prompt")
    system = item.system or suite.suite.system
    return Case(item.first_prompt, Chat(system), None, suite.name, item.id)


def _ranked(
    command: commands.Search,
    models: ModelSet,
    suite: Suite,
    readout: Readout,
    cancelled: Cancelled,
) -> Generator[ev.Event | None, None, tuple[list[Case], bool]]:
    """Tell the items by the reference's own margin; returns the narrowest cases."""
    alone = replace(command, variants=[models.reference])
    items = [item for item in suite.item if not item.turns][: command.pool]
    readings: dict[str, Reading] = {}
    rows: list[ev.JSON] = []
    for item in items:
        case = _of_item(command, suite, item)
        probe = probing(models, alone, readout, case.around)
        row = yield from _rank(item.id, case.prompt, probe, readings, cancelled)
        if row is None:
            return [], False
        rows.append(row)
        yield ev.Progress(command.run, len(rows), len(items), "items")
    rows.sort(key=lambda row: (row["margin"] is None, abs(row["margin"] or 0.0)))
    chosen = [row["item"] for row in rows if row["margin"] is not None][: command.limit]
    yield ev.Ranked(command.run, suite.name, rows, len(chosen))
    named = {item.id: item for item in items}
    return [_of_item(command, suite, named[name]) for name in chosen], True


def _rank(
    name: str,
    prompt: str,
    probe: Probing,
    readings: dict[str, Reading],
    cancelled: Cancelled,
) -> Generator[None, None, ev.JSON | None]:
    """One item's row, None if cancelled; an item too long for the model has no margin."""
    try:
        tokens = probe.tokens(prompt)
    except UsageError:
        return {"item": name, "margin": None, "label": None}
    found = yield from probe.one(tokens, readings, cancelled)
    if found is None:
        return None
    weights = next(iter(found[0].values()))
    label = leading(probabilities(weights))
    return {"item": name, "margin": margin(weights, probe.readout.margin), "label": label}
