"""Multi-hop questions in Pocket's language, with the hops of a full working.

Knows which problems training never saw and what their steps are; the problems are the bundled
model's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from corefeel_tui.items import Check, Item
from corefeel_tui.pocket.conversation import is_heldout
from corefeel_tui.pocket.corpus import HELDOUT_SEED
from corefeel_tui.pocket.reason import PROBLEMS, Problem
from corefeel_tui.pocket.world import World, handbook

DRAWS = 3000
"""Draws without a new problem of a kind after which that kind is taken to be used up."""


def items(count: int, seed: int) -> list[Item]:
    """The kinds of problem take turns; one that has no more held-out problems drops out."""
    streams = {make.__name__: _distinct(make, seed) for make in PROBLEMS}
    made: list[Item] = []
    while streams and len(made) < count:
        for kind in list(streams)[: count - len(made)]:
            found = next(streams[kind], None)
            if found is None:
                del streams[kind]
            else:
                made.append(_item(found, kind, len(made)))
    return made


def _distinct(make: Callable[[random.Random, World], Problem], seed: int) -> Iterator[Problem]:
    """Problems of one kind that training never saw, each question once."""
    rng, world = random.Random(f"{HELDOUT_SEED}:{make.__name__}:{seed}"), handbook()
    seen: set[tuple[object, ...]] = set()
    fruitless = 0
    while fruitless < DRAWS:
        problem = make(rng, world)
        fruitless += 1
        if problem.slots not in seen and is_heldout(("reason", make.__name__, *problem.slots)):
            seen.add(problem.slots)
            fruitless = 0
            yield problem


def _item(problem: Problem, kind: str, number: int) -> Item:
    steps = [
        Check(kind="step", rule="contains", value=step.removesuffix(".")) for step in problem.steps
    ]
    answer = f"Answer: {problem.result}."
    return Item(
        id=f"{kind.replace('_', '-')}-{number:03d}",
        prompt=problem.question,
        expected=problem.result,
        domain="town",
        tags=(kind,),
        group={"problem": kind, "hops": len(steps)},
        checks=(*steps, Check(kind="answer", rule="contains", value=answer)),
        replies=(" ".join((*problem.steps, answer)),),
    )
