"""Prompts with slots, `{a|b|c}` or `{name}`, and what they become when filled.

Knows text only.  Braces of JSON are no slots: a slot holds no quote, brace or line break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from corefeel_tui.errors import UsageError
from corefeel_tui.suites import Suite
from corefeel_tui.tomlfile import mend

SLOT = re.compile(r"\{([^{}\"\n]*)\}")
NAME = re.compile(r"[A-Za-z_]\w*")
MOST_SLOTS = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """A place and its fillers, the mildest first."""

    name: str
    fillers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with slots: `parts` are texts and indices into `slots`."""

    parts: tuple[str | int, ...]
    slots: tuple[Slot, ...]

    def fill(self, rungs: Sequence[int]) -> str:
        """The prompt with one filler a slot."""
        return "".join(
            part if isinstance(part, str) else self.slots[part].fillers[rungs[part]]
            for part in self.parts
        )

    def places(self, rungs: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """(slot, start, end) of every slot in the filled prompt."""
        at = 0
        for part in self.parts:
            text = part if isinstance(part, str) else self.slots[part].fillers[rungs[part]]
            if isinstance(part, int):
                yield part, at, at + len(text)
            at += len(text)


@dataclass(frozen=True, slots=True)
class Rung:
    """One prompt of a ladder or map: which fillers, and the whole."""

    rungs: tuple[int, ...]
    fillers: tuple[str, ...]
    prompt: str


def parse(prompt: str, given: Mapping[str, Sequence[str]]) -> Template:
    """The template of a prompt.  Raises UsageError on a slot without fillers or a filler twice."""
    parts: list[str | int] = []
    slots: dict[str, Slot] = {}
    at = 0
    for match in SLOT.finditer(prompt):
        slot = _slot(match[1], given, len(slots))
        if slots.setdefault(slot.name, slot) != slot:
            raise UsageError(f"two slots are called “{slot.name}”; rename one")
        parts += [prompt[at : match.start()], list(slots).index(slot.name)]
        at = match.end()
    parts.append(prompt[at:])
    for name in given:
        if name not in slots:
            raise UsageError(f"the prompt has no slot “{{{name}}}”; {mend(name, list(slots))}")
    return Template(tuple(part for part in parts if part != ""), tuple(slots.values()))


def _slot(inside: str, given: Mapping[str, Sequence[str]], number: int) -> Slot:
    name = inside.strip()
    if "|" in inside:
        name, fillers = str(number + 1), tuple(part.strip() for part in inside.split("|"))
    elif name in given:
        fillers = tuple(given[name])
    else:
        fillers = ()
    if not fillers:
        shown = f"{{{name}}}"
        raise UsageError(
            f"the slot “{shown}” has no fillers; write them as {{mild|strong|strongest}}, or give "
            f"them by name: --slot {name if NAME.fullmatch(name) else 'name'}=mild,strong"
        )
    twice = next((filler for filler in fillers if fillers.count(filler) > 1), None)
    if twice is not None:
        raise UsageError(f"the slot “{name}” has the filler “{twice}” twice; leave one out")
    return Slot(name, fillers)


def expand(template: Template, budget: int) -> list[Rung]:
    """Every combination, the first slot slowest.  Raises UsageError where it is no ladder."""
    slots = template.slots
    if not slots:
        raise UsageError("the prompt has no slot; write one as {mild|strong|strongest}")
    if len(slots) > MOST_SLOTS:
        raise UsageError(f"the prompt has {len(slots)} slots and a map has two; write out the rest")
    for slot in slots:
        _refuse_single(len(slot.fillers), f"the slot “{slot.name}”")
    count = prod(len(slot.fillers) for slot in slots)
    _refuse_excess(count, [len(slot.fillers) for slot in slots], budget)
    return [
        Rung(
            chosen,
            tuple(slot.fillers[i] for slot, i in zip(slots, chosen, strict=True)),
            template.fill(chosen),
        )
        for chosen in product(*(range(len(slot.fillers)) for slot in slots))
    ]


def ladder(rungs: Sequence[str], budget: int) -> list[Rung]:
    """Whole prompts as rungs, the mildest first.  Raises UsageError where it is no ladder."""
    _refuse_single(len(rungs), "the ladder")
    _refuse_excess(len(rungs), [len(rungs)], budget)
    return [Rung((i,), (text,), text) for i, text in enumerate(rungs)]


def _refuse_single(count: int, what: str) -> None:
    if count < 2:
        raise UsageError(f"{what} has one rung, on which nothing can flip; give it two or more")


def _refuse_excess(count: int, sizes: Sequence[int], budget: int) -> None:
    if count > budget:
        how = " × ".join(map(str, sizes))
        product_of = f"{how} = {count}" if len(sizes) > 1 else str(count)
        raise UsageError(
            f"{product_of} combinations are more than the budget of {budget}; take out fillers or "
            "raise the budget"
        )


def ladders_of(suite: Suite) -> dict[str, list[str]]:
    """The ladders of a suite whose items are made: name → prompts, the mildest first."""
    found: dict[str, list[tuple[int, str]]] = {}
    for item in suite.item:
        name, rung = item.group.get("ladder"), item.group.get("rung")
        if isinstance(name, str) and isinstance(rung, int):
            found.setdefault(name, []).append((rung, item.first_prompt))
    return {name: [text for _, text in sorted(rungs)] for name, rungs in found.items()}


def ladder_of(suite: Suite, name: str) -> list[str]:
    """One ladder of a suite.  Raises UsageError naming the nearest there is."""
    known = ladders_of(suite)
    if name not in known:
        raise UsageError(f"suite {suite.name} has no ladder “{name}”; {mend(name, list(known))}")
    return known[name]
