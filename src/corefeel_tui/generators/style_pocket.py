"""Open prompts in Pocket's language: descriptions, explanations, and personas with a marker.

Knows how the registers take turns; the wording is the bundled model's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from corefeel_tui.generators.handbook import heldout, spoken_turns, system_of
from corefeel_tui.items import Check, Item
from corefeel_tui.pocket.conversation import Item as Conversation
from corefeel_tui.pocket.describe import describe_item, explain_item
from corefeel_tui.pocket.prose import REGISTERS
from corefeel_tui.pocket.refuse import persona_item

ROUND = (*REGISTERS, "explain", "persona")

SINGLE = 70
"""Prompts with one answer before the personas' conversations begin."""

TALK_TURNS = 4


def items(count: int, seed: int) -> list[Item]:
    """The registers, an explanation and a persona take turns; conversations come last."""
    talks = heldout("persona talk", seed, partial(persona_item, turns=TALK_TURNS))
    return _single(min(count, SINGLE), seed) + [
        _persona_prompt(next(talks), f"talk-{number:03d}") for number in range(count - SINGLE)
    ]


def _single(count: int, seed: int) -> list[Item]:
    described = heldout("describe", seed, describe_item)
    streams: dict[str, Iterator[Conversation]] = {
        "explain": heldout("explain", seed, explain_item),
        "persona": heldout("persona", seed, partial(persona_item, turns=1)),
    }
    waiting: dict[str, list[Conversation]] = {register: [] for register in REGISTERS}
    made = []
    for index in range(count):
        kind = ROUND[index % len(ROUND)]
        if kind in streams:
            found = next(streams[kind])
        else:
            while not waiting[kind]:
                drawn = next(described)
                waiting[drawn.rule.removeprefix("register:")].append(drawn)
            found = waiting[kind].pop(0)
        make = _persona_prompt if kind == "persona" else _open_prompt
        made.append(make(found, f"{kind}-{index:03d}"))
    return made


def _open_prompt(found: Conversation, name: str) -> Item:
    _, *slots = found.signatures[-1]
    return Item(
        id=name,
        prompt=found.messages[-2][1],
        domain="town",
        group={"register": str(slots[-1])},
        replies=(found.answer(),),
    )


def _persona_prompt(found: Conversation, name: str) -> Item:
    """A persona, whose closing words are the marker, asked once or in a conversation."""
    _, who, _, words = found.signatures[-1]
    asked, replied = spoken_turns(found)
    return Item(
        id=name,
        prompt=asked[0] if len(asked) == 1 else None,
        turns=asked if len(asked) > 1 else (),
        system=system_of(found),
        domain="town",
        group={"persona": str(who), "marker": str(words)},
        checks=(Check(kind="marker", rule="ends", value=found.expected),),
        replies=replied,
    )
