"""One kind of question from each corner of Pocket's world, the corners taking turns.

Knows which corners there are; their items come from the other generators and the held-out facts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from corefeel_tui.generators import (
    reasoning_pocket,
    recall_pocket,
    refusal_pocket,
    style_pocket,
    verdicts_pocket,
)
from corefeel_tui.items import Item
from corefeel_tui.pocket.corpus import HELDOUT_SEED
from corefeel_tui.pocket.facts import all_facts, fact_item
from corefeel_tui.pocket.world import handbook

DOMAINS = ("facts", "verdicts", "observatory", "prose", "sums", "theatre", "ledgers", "requests")
OTHER_SEED = 1_000_000
"""Added to the seed, so that these are other draws than those of the suites they resemble."""


VERDICTS = 6
"""How many verdicts are drawn for one of the observatory or the theatre."""


def items(count: int, seed: int) -> list[Item]:
    """The domains take turns."""
    each = -(-count // len(DOMAINS))
    other = seed + OTHER_SEED
    verdicts = verdicts_pocket.items(VERDICTS * (each + 3), other)
    style = style_pocket.items(2 * each, other)
    made = {
        "facts": _facts(each, other),
        "verdicts": [item for item in verdicts if item.domain == "town"],
        "observatory": [item for item in verdicts if item.domain == "observatory"],
        "theatre": [item for item in verdicts if item.domain == "theatre"],
        "prose": [item for item in style if "register" in item.group],
        "sums": reasoning_pocket.items(each, other),
        "ledgers": recall_pocket.items(each, other),
        "requests": refusal_pocket.items(each, other),
    }
    return [
        _in_domain(made[DOMAINS[index % len(DOMAINS)]][index // len(DOMAINS)], index)
        for index in range(count)
    ]


def _in_domain(item: Item, index: int) -> Item:
    """The item under its domain's name; what is expected is text that the answer holds."""
    domain = DOMAINS[index % len(DOMAINS)]
    expected = None if domain == "requests" else item.expected
    return item.model_copy(
        update={
            "id": f"{domain}-{index:03d}",
            "domain": domain,
            "group": {},
            "expected": expected,
        }
    )


def _facts(count: int, seed: int) -> list[Item]:
    """Questions about the handbook in words that training never used."""
    rng = random.Random(f"{HELDOUT_SEED}:facts:{seed}")
    facts = all_facts(handbook())

    def asked() -> Iterator[Item]:
        seen: set[str] = set()
        while True:
            found = fact_item(rng, facts, heldout=True)
            if found.messages[0][1] not in seen:
                seen.add(found.messages[0][1])
                yield Item(
                    id=f"fact-{len(seen)}",
                    prompt=found.messages[0][1],
                    expected=found.expected,
                    replies=(found.answer(),),
                )

    stream = asked()
    return [next(stream) for _ in range(count)]
