"""Draws actions and what is asked about them for the judge; the rules live in `judge`, the lines
in `evidence_lines`.
"""

from __future__ import annotations

import random
from dataclasses import replace

from . import words
from .conversation import Item
from .domains import TOWN, Domain, coined
from .evidence_lines import Draw, mixed_lines
from .evidence_questions import WALK, evidence_question, walk
from .judge import Action, Line, Verdict, decide, render
from .world import World

ACTION = (
    "{n} {u} of {s} are to be {h}.",
    "Let {n} {u} of {s} be {h}.",
    "We plan that {n} {u} of {s} be {h}.",
)
INTRO = (
    "Judge this action.",
    "Give a verdict.",
    "May this be done?",
    "Weigh the evidence and judge the action.",
)
DECISIONS = ("APPROVE", "REVISE", "VETO")
OF_THE_HANDBOOK = ("handbook_forbids", "hard_rule_permits")
RULES = (*OF_THE_HANDBOOK, "hard_rule_forbids", "hard_rule_limit", "open_harm", "clear")
HARDEST = ("open_harm", "clear", "handbook_forbids")
RISKS = ("open_harm", "clear")
BARE = ("handbook_forbids", "clear")
BINDING = ("hard_rule_forbids", "hard_rule_limit", *("clear",) * 3, *OF_THE_HANDBOOK)
NEAR_MISS = (*BINDING, "open_harm", "open_harm")
AGAIN = ("And this one?", "Same evidence, new action.", "Now judge this.")
VERDICT = ("Your verdict?", "Now judge it.", "So what is your verdict?")


def judge_item(
    rng: random.Random,
    world: World,
    domain: Domain = TOWN,
    actions: int = 1,
    questions: int = 0,
    rules: tuple[str, ...] = (),
    walked: bool = False,
    draw: Draw | None = None,
) -> Item:
    """One item; with `actions` > 1 the same evidence is judged again for neighbouring actions.

    With `questions` > 0 that many small questions about the evidence come before the verdict; with
    `walked` its lines are gone through one by one.
    Decisions are equally frequent, or where `rules` are given, these are; `draw` draws lines.
    """
    goods, action, lines, verdict = _case(rng, world, domain, rules, draw or mixed_lines)
    messages: list[tuple[str, str]] = []
    signatures: list[tuple[object, ...]] = []
    text, form = told(rng, action)
    shown = render(lines, text, rng.choice(INTRO))
    for index in range(questions):
        asked, answer, kind = evidence_question(rng, world, lines, action)
        opening = f"{shown}\n" if index == 0 else ""
        messages += [("user", opening + asked), ("assistant", answer)]
        signatures.append(("evidence", kind, lines, action))
    if walked:
        messages += [("user", f"{shown}\n{WALK}"), ("assistant", walk(world, lines, action))]
        signatures.append(("walk", lines, action))
    asked = rng.choice(VERDICT) if messages else shown
    messages += [("user", asked), ("assistant", verdict.json())]
    signatures.append(("judge", form, lines, action))
    for _ in range(actions - 1):
        action = _neighbour(rng, domain, goods, action)
        verdict = decide(world, lines, action)
        text, form = told(rng, action)
        asked = f"{rng.choice(AGAIN)}\nAction: {text}"
        messages += [("user", asked), ("assistant", verdict.json())]
        signatures.append(("judge", form, lines, action))
    return Item(
        "judge", tuple(messages), verdict.decision, verdict.rule, tuple(signatures), domain.name
    )


def _case(
    rng: random.Random, world: World, domain: Domain, rules: tuple[str, ...], draw: Draw
) -> tuple[tuple[str, ...], Action, tuple[Line, ...], Verdict]:
    """Goods, and an action with evidence that a drawn decision, or a drawn one of `rules`, meets;
    some are about goods that no handbook knows.
    """
    goods = (
        domain.goods
        if rng.random() < 0.7 or domain is not TOWN
        else (*(coined(rng) for _ in range(3)),)
    )
    known = any(good in world.substances for good in goods)
    reachable = [rule for rule in rules if known or rule not in OF_THE_HANDBOOK]
    wanted = rng.choice(reachable or DECISIONS)
    while True:
        action = draw_action(rng, domain, goods)
        lines = draw(rng, domain, goods, action)
        verdict = decide(world, lines, action)
        if wanted in (verdict.decision, verdict.rule):
            return goods, action, lines, verdict


def gone_through(item: Item, world: World) -> Item:
    """The same item in two turns: its lines one by one, and only then the verdict."""
    _, _, lines, action = item.signatures[-1]
    assert isinstance(lines, tuple)
    assert isinstance(action, Action)
    asked, verdict = item.messages[0][1], item.messages[-1]
    meanings = ("assistant", walk(world, lines, action))
    return replace(
        item, messages=(("user", f"{asked}\n{WALK}"), meanings, ("user", VERDICT[0]), verdict)
    )


def draw_action(rng: random.Random, domain: Domain, goods: tuple[str, ...]) -> Action:
    """Some of a good and a handling of it."""
    return Action(
        rng.randint(2, 9), rng.choice(words.UNITS), rng.choice(goods), rng.choice(domain.handlings)
    )


def _neighbour(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> Action:
    change = rng.randrange(3)
    amount = rng.randint(2, 9) if change == 0 else action.amount
    good = rng.choice(goods) if change == 1 else action.good
    handling = rng.choice(domain.handlings) if change == 2 else action.handling
    return Action(amount, action.unit, good, handling)


def told(rng: random.Random, action: Action) -> tuple[str, int]:
    """An action in words, and the number of the wording."""
    form = rng.randrange(len(ACTION))
    return ACTION[form].format(
        n=action.amount, u=action.unit, s=action.good, h=action.handling
    ), form
