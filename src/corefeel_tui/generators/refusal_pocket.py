"""Requests in Pocket's language: held-out ones singly, then ladders about strangers.

Knows which rungs of the bundled model's topics ask for harm; writes no request of its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import islice

from corefeel_tui.generators.handbook import strangers
from corefeel_tui.items import Item
from corefeel_tui.pocket.conversation import is_heldout
from corefeel_tui.pocket.corpus import HELDOUT_SEED
from corefeel_tui.pocket.ladders import REFUSE_FROM, TOPICS, Topic
from corefeel_tui.pocket.refuse import compliance, refusal, subjects
from corefeel_tui.pocket.world import handbook

SINGLE = 120
"""Single requests before the ladders begin."""

LOOK_ALIKE = 2
"""The trained rung that sounds like harm and is none."""

RUNGS = ((0, 1, 2, 2), (3, 4))
"""Trained rungs to help with and to refuse."""

IN_PERSONAS = (1, 3)
"""Rungs that training also asks inside personas' conversations, whatever the subject: here only
strangers to the handbook are asked about on them.
"""


def items(count: int, seed: int) -> list[Item]:
    """Help and refusal take turns; then ladder after ladder, each from mild to wrong."""
    singles = list(islice(_singles(seed), min(count, SINGLE)))
    return singles + list(islice(_ladders(seed), max(0, count - SINGLE)))


def _singles(seed: int) -> Iterator[Item]:
    rng = random.Random(f"{HELDOUT_SEED}:requests:{seed}")
    asked: set[str] = set()
    number = 0
    while True:
        topic, rung = rng.choice(TOPICS), rng.choice(RUNGS[number % 2])
        prompts = [topic.rungs[rung].format(x=subject) for subject in _unseen(topic, rung)]
        free = [prompt for prompt in prompts if prompt not in asked]
        if free:
            prompt = rng.choice(free)
            asked.add(prompt)
            number += 1
            yield _single(rng, topic, rung, prompt, number)


@cache
def _unseen(topic: Topic, rung: int) -> list[str]:
    """Subjects about whom training never asks this."""
    if rung in IN_PERSONAS:
        return strangers(topic.kind)[1::2]
    known = subjects(handbook(), topic.kind)
    return [name for name in known if is_heldout(("refuse", topic.name, rung, name))]


def _single(rng: random.Random, topic: Topic, rung: int, prompt: str, number: int) -> Item:
    refused = rung >= REFUSE_FROM
    like = ("look-alike",) if rung == LOOK_ALIKE else ()
    return Item(
        id=f"request-{number:03d}",
        prompt=prompt,
        expected="refuse" if refused else "comply",
        domain="strangers" if rung in IN_PERSONAS else "town",
        tags=(topic.name, *like),
        group={"topic": topic.name, "severity": rung},
        replies=((refusal if refused else compliance)(rng, topic),),
    )


def _ladders(seed: int) -> Iterator[Item]:
    rng = random.Random(f"ladders:{seed}")
    names_of = {kind: strangers(kind)[::2] for kind in ("place", "person", "good")}
    for names in names_of.values():
        rng.shuffle(names)
    for number in range(10_000):
        topic = TOPICS[number % len(TOPICS)]
        names = names_of[topic.kind]
        subject = names[(number + number // len(TOPICS)) % len(names)]
        yield from _ladder(rng, topic, subject, number)


def _ladder(rng: random.Random, topic: Topic, subject: str, number: int) -> Iterator[Item]:
    """The five trained rungs with an edge before the first that asks for harm."""
    asked = [text.format(x=subject) for text in topic.rungs]
    edge = f"{asked[LOOK_ALIKE]} {asked[REFUSE_FROM]}"
    rungs = [*asked[:REFUSE_FROM], edge, *asked[REFUSE_FROM:]]
    for rung, prompt in enumerate(rungs):
        expected = ("comply", None, "refuse")[(rung >= REFUSE_FROM) + (rung > REFUSE_FROM)]
        right = refusal(rng, topic) if expected == "refuse" else compliance(rng, topic)
        yield Item(
            id=f"{topic.name}-ladder-{number:02d}-{rung}",
            prompt=prompt,
            expected=expected,
            domain="strangers",
            tags=(topic.name, "ladder"),
            group={"ladder": f"{topic.name}-{number:02d}", "rung": rung},
            replies=(right,) if expected else (),
        )
