"""The mixture: which skill, how long, for training and for the held-out sets;
knows no tokens and no model.

Training draws from seeds below HELDOUT_SEED and drops every conversation that touches a held-out
tuple; the held-out
sets draw from seeds above it and keep only items whose last question is a held-out tuple.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from . import words
from .conversation import Item, is_heldout
from .converse import converse_item
from .describe import describe_item, explain_item
from .domains import TOWN, Domain, coined_domain, heldout_domain
from .evidence_lines import bare_lines, pair_lines, risk_lines, rule_lines, rule_pair_lines
from .facts import Fact, all_facts, card_item, cards, fact_item, handling_fact
from .judge_items import BARE, BINDING, HARDEST, NEAR_MISS, RISKS, RULES, judge_item
from .ledger import ledger_item
from .mixtures import MIXTURES
from .reason import reason_item
from .recall import copy_item, recall_item
from .refuse import persona_item, refuse_item
from .rulings import ASKED_BRIEFLY, ASKED_OF_GOODS, aloud_item, rulings_item
from .world import World, handbook

HELDOUT_SEED = 9_000_000
EXHAUSTED = 500
SKILLS = ("judge", "facts", "describe", "reason", "recall", "converse", "refuse")
DOMAINS = tuple(words.HELDOUT_DOMAINS)


@cache
def _facts() -> tuple[list[Fact], dict[str, list[Fact]]]:
    world = handbook()
    return all_facts(world), cards(world)


def _rules(rng: random.Random, world: World) -> Item:
    pairs = [(good, handling) for good in world.substances for handling in words.HANDLINGS]
    chosen = [handling_fact(world, *pair) for pair in rng.sample(pairs, 4)]
    return fact_item(rng, chosen, count=4)


def _recall(rng: random.Random, world: World, stage: str) -> Item:
    if stage in ("dense", "ripe"):
        lines = rng.choice((rng.randint(2, 10), rng.randint(6, 30), rng.randint(20, 100)))
        return recall_item(rng, world, lines, rng.randint(6, 16))
    if stage in ("focus", "lookup"):
        return recall_item(rng, world, rng.randint(2, 10), rng.randint(4, 10))
    if stage == "short":
        lines = rng.randint(2, 12)
    else:
        lines = rng.randint(45, 150) if rng.random() < 0.3 else rng.randint(4, 40)
    return recall_item(rng, world, lines, rng.randint(3, 8))


def _place(rng: random.Random, coined_share: float) -> Domain:
    return coined_domain(rng) if rng.random() < coined_share else TOWN


def _judging(rng: random.Random, world: World) -> dict[str, Callable[[], Item]]:
    """Makers of what is judged, by the names the mixtures use."""

    def judged(place: Domain = TOWN, **asked: Any) -> Item:
        return judge_item(rng, world, place, **asked)

    return {
        "judge": lambda: judged(actions=rng.choice((1, 1, 1, 2))),
        "coined": lambda: judged(coined_domain(rng)),
        "walk": lambda: judged(_place(rng, 0.2), walked=True, rules=RULES),
        "near": lambda: judged(rules=RULES),
        "near_coined": lambda: judged(coined_domain(rng), rules=RULES),
        "hard": lambda: judged(rules=HARDEST),
        "hard_walk": lambda: judged(walked=True, rules=HARDEST),
        "match": lambda: judged(_place(rng, 0.3), rules=RISKS, draw=risk_lines),
        "match_walk": lambda: judged(rules=RISKS, walked=True, draw=risk_lines),
        "pair": lambda: judged(
            _place(rng, 0.2), rules=RISKS, walked=rng.random() < 0.15, draw=pair_lines
        ),
        "bare": lambda: judged(rules=BARE, draw=bare_lines),
        "evidence": lambda: judged(actions=rng.choice((1, 1, 2)), questions=rng.choice((1, 2, 3))),
        "ledger": lambda: ledger_item(rng, _place(rng, 0.15)),
        "rulings": lambda: rulings_item(rng, _place(rng, 0.2)),
        "goods": lambda: rulings_item(rng, _place(rng, 0.25), 0.5, ASKED_OF_GOODS),
        "flags": lambda: rulings_item(rng, _place(rng, 0.2), 0.3, ASKED_BRIEFLY),
        "aloud": lambda: aloud_item(rng, _place(rng, 0.25)),
        "bind_pair": lambda: judged(
            _place(rng, 0.2), rules=BINDING, walked=rng.random() < 0.15, draw=rule_pair_lines
        ),
        "bind": lambda: judged(
            _place(rng, 0.2), rules=NEAR_MISS, walked=rng.random() < 0.1, draw=rule_lines
        ),
    }


def _other(rng: random.Random, world: World, stage: str) -> dict[str, Callable[[], Item]]:
    """Makers of everything else."""
    facts, by_subject = _facts()
    long = stage != "short"
    return {
        "copy": lambda: copy_item(
            rng, rng.randint(4, 40) if stage == "dense" else rng.randint(2, 12)
        ),
        "fact": lambda: fact_item(rng, facts, count=rng.randint(1, 8)),
        "framed": lambda: fact_item(rng, facts, count=rng.randint(1, 6), frames=True),
        "card": lambda: card_item(rng, world, by_subject),
        "rule": lambda: _rules(rng, world),
        "describe": lambda: describe_item(rng, world),
        "explain": lambda: explain_item(rng, world),
        "reason": lambda: reason_item(rng, world),
        "recall": lambda: _recall(rng, world, stage),
        "converse": lambda: converse_item(
            rng, world, rng.randint(10, 16) if long else rng.randint(2, 9)
        ),
        "refuse": lambda: refuse_item(rng, world),
        "persona": lambda: persona_item(
            rng, world, rng.randint(1, 5) if long else rng.randint(1, 3)
        ),
    }


def training_item(rng: random.Random, world: World, stage: str) -> Item:
    """One conversation of a stage's mixture that touches no held-out tuple."""
    makers = _judging(rng, world) | _other(rng, world, stage)
    mixture = MIXTURES[stage]
    while True:
        item = makers[rng.choices(list(mixture), list(mixture.values()))[0]]()
        if not any(is_heldout(signature) for signature in item.signatures):
            return item


def training_items(seed: int, stage: str = "short") -> Iterator[Item]:
    """An endless stream of training conversations, a pure function of the seed and the stage."""
    if not 0 <= seed < HELDOUT_SEED:
        raise ValueError(f"a training seed is below {HELDOUT_SEED}")
    rng, world = random.Random(seed), handbook()
    while True:
        yield training_item(rng, world, stage)


def heldout_items(skill: str, count: int, domain: str = "town") -> list[Item]:
    """The first `count` held-out items of one skill, a pure function of its arguments;
    longer lists begin the same.
    """
    if skill not in SKILLS:
        raise ValueError(f"no such skill: {skill}")
    rng, world = random.Random(HELDOUT_SEED + SKILLS.index(skill)), handbook()
    if domain != "town":
        rng = random.Random(HELDOUT_SEED + 100 + DOMAINS.index(domain))
    chosen: list[Item] = []
    seen: set[object] = set()
    fruitless = 0
    while len(chosen) < count:
        item = _heldout_candidate(rng, world, skill, domain, len(chosen))
        tuple_asked = item.signatures[-1]
        if not (is_heldout(tuple_asked) or skill == "facts" or domain != "town"):
            continue
        fresh = tuple_asked not in seen
        fruitless = 0 if fresh else fruitless + 1
        if not fresh and fruitless <= EXHAUSTED:
            continue
        seen.add(tuple_asked)
        chosen.append(item)
    return chosen


def _heldout_candidate(
    rng: random.Random, world: World, skill: str, domain: str, index: int
) -> Item:
    facts, _ = _facts()
    match skill:
        case "judge":
            return judge_item(rng, world, *(() if domain == "town" else (heldout_domain(domain),)))
        case "facts":
            return fact_item(rng, facts, heldout=True)
        case "describe":
            return describe_item(rng, world) if index % 6 else explain_item(rng, world)
        case "reason":
            return reason_item(rng, world)
        case "recall":
            return recall_item(rng, world, (12, 25, 50, 90)[index % 4])
        case "converse":
            return converse_item(rng, world, 12)
        case _:
            return refuse_item(rng, world) if index % 6 else persona_item(rng, world, 4)
