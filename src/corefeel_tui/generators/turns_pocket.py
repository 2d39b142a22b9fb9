"""Conversations in Pocket's language, with what each reply must carry and keep.

Knows how a right reply shows what its turn tests; the conversations are the bundled model's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from corefeel_tui.generators.handbook import heldout, spoken_turns, system_of
from corefeel_tui.items import Check, Item
from corefeel_tui.pocket.conversation import Item as Conversation
from corefeel_tui.pocket.converse import converse_item
from corefeel_tui.pocket.facts import all_facts
from corefeel_tui.pocket.world import World, handbook

TURNS = 14

THING = re.compile(r"The \w+ is in the (\w+)\.$")
FIRST = re.compile(r"It was the (.+)\.$")


def items(count: int, seed: int) -> list[Item]:
    """So many conversations, each with a constraint of its own."""
    return [
        _item(found, number)
        for number, found in enumerate(islice(heldout("converse", seed, _conversation), count))
    ]


def _conversation(rng: random.Random, world: World) -> Conversation:
    return converse_item(rng, world, TURNS)


def _item(found: Conversation, number: int) -> Item:
    asked, replied = spoken_turns(found)
    before, after = found.facts["before"].strip(), found.facts["after"].strip()
    constraint = str(found.signatures[-1][1])
    kept = [Check(kind="constraint", rule="starts", value=before)] if before else []
    kept += [Check(kind="constraint", rule="ends", value=after)] if after else []
    said = [
        reply.removeprefix(found.facts["before"]).removesuffix(found.facts["after"])
        for reply in replied
    ]
    told = [check for turn, reply in enumerate(said) for check in _told(turn, reply)]
    return Item(
        id=f"talk-{number:03d}",
        turns=asked,
        system=system_of(found),
        domain="town",
        tags=(constraint.partition(":")[0],),
        group={"constraint": constraint, "turns": len(asked)},
        checks=(*kept, *told),
        replies=replied,
    )


def _told(turn: int, reply: str) -> Iterator[Check]:
    """What this turn's reply must say: where a thing is, which place came first, or a fact."""
    thing, first = THING.match(reply), FIRST.match(reply)
    if thing:
        yield Check(kind="entity", rule="contains", value=thing[1], turn=turn)
    elif first and first[1] in handbook().places:
        yield Check(kind="topic", rule="contains", value=first[1], turn=turn)
    elif reply in _values():
        value = rf"(?<!\w){re.escape(_values()[reply])}(?!\w)"
        yield Check(kind="answer", rule="pattern", value=value, turn=turn)


@cache
def _values() -> dict[str, str]:
    """The value that a handbook sentence carries."""
    return {fact.sentence: fact.value for fact in all_facts(handbook())}
