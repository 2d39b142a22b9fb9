"""Verdict items in Pocket's language: held-out ones of the town, and two unseen workplaces.

Knows how the judge's own draws are kept out of training and put in order; the rules and the words
are the bundled model's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import permutations, product

from corefeel_tui.items import Item
from corefeel_tui.pocket.conversation import is_heldout
from corefeel_tui.pocket.corpus import HELDOUT_SEED
from corefeel_tui.pocket.domains import TOWN, Domain, heldout_domain
from corefeel_tui.pocket.judge import Action, Line, Verdict, decide, render
from corefeel_tui.pocket.judge_items import ACTION, INTRO, judge_item
from corefeel_tui.pocket.world import handbook

DECISIONS = ("APPROVE", "REVISE", "VETO")
DOMAINS = ("town", "town", "observatory", "town", "town", "theatre")
ORDERS = 8
"""How many orders of a draw's lines are looked through for one that training never sees."""

Draw = tuple[tuple[Line, ...], Action, int]


def items(count: int, seed: int) -> list[Item]:
    """The classes take turns, then the domains."""
    streams = {
        (domain, decision): _stream(domain, decision, seed)
        for domain, decision in product(set(DOMAINS), DECISIONS)
    }
    return [
        next(streams[DOMAINS[index // 3 % len(DOMAINS)], DECISIONS[index % 3]])
        for index in range(count)
    ]


def _stream(domain: str, decision: str, seed: int) -> Iterator[Item]:
    """Distinct items of one domain and one class."""
    rng = random.Random(f"{HELDOUT_SEED}:verdicts:{seed}:{domain}:{decision}")
    place = TOWN if domain == "town" else heldout_domain(domain)
    seen: set[str] = set()
    while True:
        drawn = _draw(rng, place, decision)
        if drawn is None:
            continue
        lines, action, form = drawn
        text = ACTION[form].format(n=action.amount, u=action.unit, s=action.good, h=action.handling)
        prompt = render(lines, text, rng.choice(INTRO))
        if prompt in seen:
            continue
        seen.add(prompt)
        yield _item(domain, len(seen), prompt, decide(handbook(), lines, action), len(lines))


def _draw(rng: random.Random, place: Domain, decision: str) -> Draw | None:
    """One of the judge's own draws with this verdict, held out by wording and order of lines."""
    drawn = judge_item(rng, handbook(), place)
    if drawn.expected != decision:
        return None
    _, form, lines, action = drawn.signatures[-1]
    assert isinstance(lines, tuple)
    assert isinstance(action, Action)
    if place is not TOWN:
        return lines, action, int(str(form))
    for order, wording in product(_orders(len(lines)), range(len(ACTION))):
        moved = tuple(lines[index] for index in order)
        if is_heldout(("judge", wording, moved, action)):
            return moved, action, wording
    return None


@cache
def _orders(count: int) -> list[tuple[int, ...]]:
    orders = list(permutations(range(count)))
    return orders[:: max(1, len(orders) // ORDERS)][:ORDERS]


def _item(domain: str, number: int, prompt: str, verdict: Verdict, lines: int) -> Item:
    return Item(
        id=f"{domain}-{verdict.decision.lower()}-{number:03d}",
        prompt=prompt,
        expected=verdict.decision,
        domain=domain,
        tags=(verdict.rule,),
        group={"rule": verdict.rule, "lines": lines},
        replies=(verdict.json(),),
    )
