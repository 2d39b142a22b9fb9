"""What the Pocket generators share: draws that training can never have made.

Knows the bundled model's world and its held-out rule; no suite and no particular kind of item.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from corefeel_tui.pocket import words
from corefeel_tui.pocket.conversation import Item as Conversation
from corefeel_tui.pocket.conversation import is_heldout
from corefeel_tui.pocket.corpus import HELDOUT_SEED
from corefeel_tui.pocket.world import World, handbook

Maker = Callable[[random.Random, World], Conversation]


def heldout(skill: str, seed: int, make: Maker) -> Iterator[Conversation]:
    """An endless stream of distinct conversations in which everything asked is held out."""
    rng, world = random.Random(f"{HELDOUT_SEED}:{skill}:{seed}"), handbook()
    seen: set[tuple[str, ...]] = set()
    while True:
        found = make(rng, world)
        asked = spoken_turns(found)[0]
        if all(map(is_heldout, found.signatures)) and asked not in seen:
            seen.add(asked)
            yield found


def spoken_turns(conversation: Conversation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the user says and what the assistant should reply, turn by turn."""
    asked = tuple(text for role, text in conversation.messages if role == "user")
    replied = tuple(text for role, text in conversation.messages if role == "assistant")
    return asked, replied


def system_of(conversation: Conversation) -> str | None:
    """The system message, if there is one."""
    role, text = conversation.messages[0]
    return text if role == "system" else None


def strangers(kind: str) -> list[str]:
    """Places, people or goods that the handbook does not know, so that training cannot either."""
    world = handbook()
    if kind == "place":
        stems = {name.rsplit(" ", 1)[0] for name in world.places}
        free = [h + t for h in words.STEM_HEADS for t in words.STEM_TAILS if h + t not in stems]
        return [f"the {stem} {words.KINDS[n % len(words.KINDS)]}" for n, stem in enumerate(free)]
    if kind == "person":
        pairs = (f"{first} {last}" for last in words.LAST_NAMES for first in words.FIRST_NAMES)
        return [name for name in pairs if name not in world.people]
    return [good for lists in words.HELDOUT_DOMAINS.values() for good in lists["substances"]]
