"""Small questions about evidence lines, the steps a verdict is made of; decides nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable

from .judge import Action, Line
from .world import World

ASKED = (
    "Which lines count?",
    "Which line rules on {good} {handling}?",
    "Which line speaks of {good}?",
    "Which risk is open?",
    "Does the handbook forbid {good} {handling}?",
    "How relevant is {key}?",
    "What is {key}?",
)
WALK = "Go through the lines."


def evidence_question(
    rng: random.Random, world: World, lines: tuple[Line, ...], action: Action
) -> tuple[str, str, int]:
    """Question, answer and the number of the form."""
    form = rng.randrange(len(ASKED))
    asked_of = rng.randrange(len(lines))
    keys = [f"TRP{number}" for number in range(1, len(lines) + 1)]
    question = ASKED[form].format(good=action.good, handling=action.handling, key=keys[asked_of])
    line = lines[asked_of]
    match form:
        case 0:
            answer = _listed(k for k, x in zip(keys, lines, strict=True) if x.relevance >= 5)
        case 1:
            answer = _listed(
                k
                for k, x in zip(keys, lines, strict=True)
                if x.relevance >= 5 and (x.good, x.handling) == (action.good, action.handling)
            )
        case 2:
            answer = _listed(k for k, x in zip(keys, lines, strict=True) if x.good == action.good)
        case 3:
            answer = _listed(open_harms(lines))
        case 4:
            answer = "Yes." if world.forbids(action.good, action.handling) else "No."
        case 5:
            answer = f"0.{line.relevance}."
        case _:
            answer = f"{line.label}: {line.statement}"
    return question, answer, form


def walk(world: World, lines: tuple[Line, ...], action: Action) -> str:
    """What every line means for the action, and then what the handbook says."""
    still_open = open_harms(lines)
    risked = {line.harm for line in lines if line.kind == "harm" and line.relevance >= 5}
    said = [f"TRP{n}: {_meaning(x, action, still_open, risked)}." for n, x in enumerate(lines, 1)]
    forbidden = world.forbids(action.good, action.handling)
    return " ".join([*said, f"Handbook: {'forbids' if forbidden else 'silent'}."])


def _meaning(line: Line, action: Action, still_open: list[str], risked: set[str]) -> str:
    if line.relevance < 5:
        return "weak"
    match line.kind:
        case "harm":
            return f"{line.harm} {'open' if line.harm in still_open else 'met'}"
        case "mitigation":
            return f"{line.harm} {'meets' if line.harm in risked else 'idle'}"
        case "other":
            return "aside"
    if (line.good, line.handling) != (action.good, action.handling):
        return "another case"
    exceeded = line.kind == "limit" and action.amount > line.limit
    return "forbids" if line.kind == "forbid" or exceeded else "permits"


def open_harms(lines: tuple[Line, ...]) -> list[str]:
    """Harms that count and that no mitigation that counts has met, in order."""
    live = [line for line in lines if line.relevance >= 5]
    met = {line.harm for line in live if line.kind == "mitigation"}
    return [line.harm for line in live if line.kind == "harm" and line.harm not in met]


def _listed(values: Iterable[str]) -> str:
    found = list(values)
    return f"{', '.join(found)}." if found else "None."
