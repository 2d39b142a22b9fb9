"""Meter, scan and ladder as plain generators of events.

Knows the edge's commands and events, and the loaded models; no queue, no pipe, no file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.edge import slots, spans
from corefeel_tui.edge.readouts import Readout
from corefeel_tui.engine.edge.probing import Chat, Probing, Weighed
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.edge.weighing import margins
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.errors import UsageError

Steps = Iterator[ev.Event | None]
Told = Generator[ev.Event | None, None, bool]
"""Events of a part of a run; returns whether it went to its end."""
Cancelled = Callable[[], bool]
Prober = commands.Meter | commands.Scan | commands.Ladder | commands.Search


def names_of(models: ModelSet, chosen: list[str] | None) -> list[str]:
    """The models that take part, the reference first.  Raises UsageError on an unknown one."""
    for name in chosen or []:
        if name not in models.models:
            raise UsageError(
                f"no loaded model is called “{name}”; loaded are {', '.join(models.models)}"
            )
    rest = models.models if chosen is None else chosen
    return [models.reference, *(name for name in rest if name != models.reference)]


def probing(models: ModelSet, command: Prober, readout: Readout, around: Chat) -> Probing:
    """The command's models under its readout."""
    modules = {name: models.models[name].model for name in names_of(models, command.variants)}
    return Probing(modules, models.tokenizer, models.context, readout, around)


def around(command: Prober) -> Chat:
    """The chat that a command names."""
    return Chat(command.system, command.history, command.thinking)


def meter(
    command: commands.Meter,
    models: ModelSet,
    readings: dict[str, Reading],
    cancelled: Cancelled,
) -> Steps:
    """One `Margins`, or nothing if a newer revision came; `readings` hold the prompt after."""
    if cancelled():
        return
    readout = Readout.from_dict(command.readout)
    probe = probing(models, command, readout, around(command))
    yield from base_margins(
        command.run, command.prompt, probe, readings, cancelled, command.revision
    )


def base_margins(
    run: str,
    prompt: str,
    probe: Probing,
    readings: dict[str, Reading],
    cancelled: Cancelled,
    revision: int = 0,
) -> Told:
    """The margins of one prompt."""
    began = time.monotonic()
    tokens = probe.tokens(prompt)
    found = yield from probe.one(tokens, readings, cancelled)
    if found is None:
        return False
    weighed, reused = found
    own, shares = margins(weighed, probe.readout.margin)
    yield ev.Margins(
        run=run,
        revision=revision,
        prompt=prompt,
        reference=next(iter(probe.models)),
        readout=probe.readout.as_dict(),
        margins=own,
        probabilities=shares,
        system=probe.around.system,
        reused_tokens=reused,
        computed_tokens=len(tokens) - len(probe.endings.shared) - reused,
        seconds=round(time.monotonic() - began, 6),
    )
    return True


def scan(command: commands.Scan, models: ModelSet, cancelled: Cancelled) -> Steps:
    """The prompt's margins, then those without each of its parts."""
    began = time.monotonic()
    run = command.run
    probe = probing(models, command, Readout.from_dict(command.readout), around(command))
    parts = spans.removable(command.prompt, command.units)
    probe.tokens(command.prompt)
    yield started(run, "scan", command.prompt, probe, len(parts))
    readings: dict[str, Reading] = {}
    whole = yield from base_margins(run, command.prompt, probe, readings, cancelled)

    def tell(i: int, weighed: Weighed) -> ev.WordMargin:
        span, (own, shares) = parts[i], margins(weighed, probe.readout.margin)
        text = span.of(command.prompt)
        return ev.WordMargin(run, span.start, span.end, text, span.unit, own, shares)

    prompts = [span.without(command.prompt) for span in parts]
    whole = whole and (yield from each(run, prompts, probe, readings, cancelled, tell, "parts"))
    yield finished(run, whole, began)


def ladder(command: commands.Ladder, models: ModelSet, cancelled: Cancelled) -> Steps:
    """The margins of every rung, or of every cell of two slots."""
    began = time.monotonic()
    run = command.run
    probe = probing(models, command, Readout.from_dict(command.readout), around(command))
    rungs, axes = rungs_of(command)
    first, *_ = [probe.tokens(rung.prompt) for rung in rungs]
    shown = command.prompt or rungs[0].prompt
    yield replace(
        started(run, "ladder", shown, probe, len(rungs)),
        slots=[{"name": slot.name, "fillers": list(slot.fillers)} for slot in axes],
        suite=command.suite,
        item=command.item,
    )

    def tell(i: int, weighed: Weighed) -> ev.RungMargin:
        rung, (own, shares) = rungs[i], margins(weighed, probe.readout.margin)
        return ev.RungMargin(run, list(rung.rungs), list(rung.fillers), rung.prompt, own, shares)

    readings: dict[str, Reading] = {}
    found = yield from probe.one(first, readings, cancelled)
    whole = found is not None
    if found is not None:
        yield tell(0, found[0])
        rest = [rung.prompt for rung in rungs[1:]]
        whole = yield from each(
            run, rest, probe, readings, cancelled, lambda i, w: tell(i + 1, w), "rungs"
        )
    yield finished(run, whole, began)


def rungs_of(command: commands.Ladder) -> tuple[list[slots.Rung], tuple[slots.Slot, ...]]:
    """The prompts of a ladder or map, and its one or two axes."""
    if command.rungs:
        axis = slots.Slot("rung", tuple(command.rungs))
        return slots.ladder(command.rungs, command.budget), (axis,)
    template = slots.parse(command.prompt, command.slots)
    return slots.expand(template, command.budget), template.slots


def each(
    run: str,
    prompts: Sequence[str],
    probe: Probing,
    readings: dict[str, Reading],
    cancelled: Cancelled,
    tell: Callable[[int, Weighed], ev.Event],
    unit: str,
) -> Told:
    """What `tell` makes of every prompt's weights, in the order they are computed."""
    tokens = [probe.tokens(prompt) for prompt in prompts]
    done = 0
    for found in probe.many(tokens, readings, cancelled):
        if found is None:
            yield None
            continue
        done += 1
        yield tell(*found)
        yield ev.Progress(run, done, len(prompts), unit)
    return done == len(prompts)


def started(run: str, kind: str, prompt: str, probe: Probing, total: int) -> ev.EdgeStarted:
    """The announcement of a run."""
    names = list(probe.models)
    return ev.EdgeStarted(
        run=run,
        kind=kind,
        prompt=prompt,
        variants=names,
        reference=names[0],
        readout=probe.readout.as_dict(),
        system=probe.around.system,
        total=total,
    )


def finished(run: str, whole: bool, began: float) -> ev.ItemFinished:
    """The last event of a run."""
    seconds = round(time.monotonic() - began, 3)
    return ev.ItemFinished(run, "finished" if whole else "cancelled", seconds)
