"""What an engine would tell of edges, by a rule that a test can reckon: margins by words.

Not recorded and no model: every model adds up weights of the words it finds, so that a changed
prompt changes the margins as it should.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from corefeel_tui import events as ev
from corefeel_tui.commands import Cancel, Command, Ladder, Load, Meter, Scan, Search
from corefeel_tui.edge import slots, spans

MODELS = ["bf16", "8bit", "4bit", "3bit", "2bit"]
KEPT = {"bf16": 1.0, "8bit": 0.98, "4bit": 0.36, "3bit": 0.3, "2bit": -0.05}
"""How much of the reference's weights a variant has."""

WEIGHTS = {
    "forbidden": 4.0, "never": 3.0, "must": 1.5, "hard_rule": 0.6, "allowed": -3.5,
    "open": -0.4, "watch": -1.0, "gently": -0.5, "burn": 1.5, "blow": 3.0,
}  # fmt: skip
BASE = {"bf16": 0.6, "8bit": 0.5, "4bit": 0.2, "3bit": -1.9, "2bit": 0.2}

_LINES = (
    ("TRP1", "mitigation", 0.8, "A second watch is set."),
    ("TRP2", "hard_rule", 0.3, "It is forbidden that hollowcorn be left in the sun."),
    ("TRP3", "harm", 0.7, "Last year brought crush risk."),
    ("TRP4", "other", 0.5, "A ship from Tarfield is late."),
)
EVIDENCE = "\n".join(
    [
        "Evidence:",
        *(
            f'{{"key": "{key}", "label": "{label}", "relevance": {share}, "statement": "{text}"}}'
            for key, label, share, text in _LINES
        ),
        "Action: 2 sacks of hollowcorn are to be left in the sun.",
    ]
)
READOUT = {
    "labels": {"APPROVE": ["APPROVE"], "REVISE": ["REVISE"], "VETO": ["VETO"]},
    "margin": ["VETO", "APPROVE"],
    "opening": '{"decision": "',
    "closing": '"',
}


def weigh(prompt: str) -> dict[str, float | None]:
    """Every model's margin."""
    found = [WEIGHTS.get(word, 0.0) for word in re.findall(r"\w+", prompt.lower())]
    return {name: BASE[name] + KEPT[name] * sum(found) for name in MODELS}


def shares(margins: dict[str, float | None], labels: Iterable[str]) -> dict[str, ev.JSON]:
    """Two labels share all but a little."""
    first, second, *others = labels
    told: dict[str, ev.JSON] = {}
    for name, margin in margins.items():
        one = 0.98 / (1 + math.exp(-(margin or 0.0)))
        told[name] = {first: one, second: 0.98 - one, **dict.fromkeys(others, 0.01)}
    return told


def margins(
    prompt: str, run: str = "edge-meter-1", revision: int = 1, readout: ev.JSON | None = None
) -> ev.Margins:
    """Where the needles stand."""
    readout = readout or READOUT
    own, reused = weigh(prompt), max(0, len(prompt) // 5 - 9)
    names = [*readout["margin"], *(x for x in readout["labels"] if x not in readout["margin"])]
    return ev.Margins(
        run, revision, prompt, "bf16", readout, own, shares(own, names),
        reused_tokens=reused, computed_tokens=9, seconds=0.031,
    )  # fmt: skip


def started(command: Scan | Ladder | Search, prompt: str, **more: object) -> ev.EdgeStarted:
    return ev.EdgeStarted(
        command.run,
        command.name,
        prompt,
        MODELS,
        "bf16",
        command.readout or READOUT,
        **more,  # type: ignore[arg-type]
    )


def scan(command: Scan) -> Iterator[ev.Event]:
    """A scan's events without its end."""
    parts = spans.removable(command.prompt)
    yield started(command, command.prompt, total=len(parts))
    whole = margins(command.prompt, command.run, 0, command.readout)
    yield whole
    for part in parts:
        left = weigh(part.without(command.prompt))
        yield ev.WordMargin(
            command.run, part.start, part.end, part.of(command.prompt), part.unit, left,
            shares(left, command.readout["margin"]),
        )  # fmt: skip


def ladder(command: Ladder) -> Iterator[ev.Event]:
    """A ladder's events without its end."""
    if command.rungs:
        rungs, told = slots.ladder(command.rungs, 99), [("rung", command.rungs)]
    else:
        template = slots.parse(command.prompt, command.slots)
        rungs = slots.expand(template, 99)
        told = [(slot.name, list(slot.fillers)) for slot in template.slots]
    listed = [{"name": name, "fillers": fillers} for name, fillers in told]
    yield started(
        command, command.prompt, total=len(rungs), slots=listed,
        suite=command.suite, item=command.item,
    )  # fmt: skip
    for rung in rungs:
        own = weigh(rung.prompt)
        yield ev.RungMargin(
            command.run, list(rung.rungs), list(rung.fillers), rung.prompt, own,
            shares(own, command.readout["margin"]),
        )  # fmt: skip


def search(command: Search) -> Iterator[ev.Event]:
    """A search's events without its end; of a suite two items, the first with an edge."""
    if command.suite and command.item is None:
        items = [
            {"item": f"town-veto-00{n}", "margin": 0.1 * n, "label": "VETO"} for n in (3, 1, 7)
        ]
        yield ev.Ranked(command.run, command.suite, items, 2)
        yield from hunt(command, EVIDENCE, "town-veto-003", command.suite)
        yield from hunt(command, "Nothing is forbidden here.", "town-veto-001", command.suite)
    else:
        yield from hunt(command, command.prompt or EVIDENCE, command.item, command.suite)


def hunt(command: Search, prompt: str, item: str | None, suite: str | None) -> Iterator[ev.Event]:
    changes = [
        {"kind": "reword", "before": "is forbidden", "after": "is never allowed"},
        {"kind": "reword", "before": "forbidden", "after": "banned"},
    ]
    yield started(command, prompt, total=len(changes) + 1, suite=suite, item=item)
    found: dict[str, int | None] = dict.fromkeys(MODELS[1:])
    for number, change in enumerate([None, *changes]):
        text = prompt.replace(change["before"], change["after"]) if change else prompt
        own = weigh(text)
        told = shares(own, ["VETO", "APPROVE"])
        labels = {name: "VETO" if (own[name] or 0) > 0 else "APPROVE" for name in MODELS}
        left = [name for name in MODELS[1:] if labels[name] != labels["bf16"]]
        listed = [change] if change else []
        yield ev.Tried(command.run, number, text, listed, own, told, left, item)
        for name in left:
            if found[name] is None:
                found[name] = number
                yield ev.EdgeFound(
                    command.run, name, number, text, listed,
                    {"bf16": labels["bf16"], name: labels[name]},
                    {"bf16": own["bf16"], name: own[name]}, told, READOUT,
                    suite=suite, item=item,
                )  # fmt: skip
    yield ev.EdgeSearched(command.run, 3, 3, found, suite=suite, item=item)


def answer(command: Command) -> list[ev.Event]:
    """Everything an engine would say to a command, at once."""
    match command:
        case Meter():
            return [margins(command.prompt, command.run, command.revision, command.readout)]
        case Scan():
            return [*scan(command), ev.ItemFinished(command.run)]
        case Ladder():
            return [*ladder(command), ev.ItemFinished(command.run)]
        case Search():
            return [*search(command), ev.ItemFinished(command.run)]
        case Cancel():
            return [ev.ItemFinished(command.run, status="cancelled")]
        case Load():
            return []
    return []
