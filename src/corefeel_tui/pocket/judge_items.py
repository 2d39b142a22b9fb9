"""Draws evidence and actions for the judge, with near misses on purpose;
the rules live in `judge`.
"""

from __future__ import annotations

import random
from dataclasses import replace

from . import words
from .conversation import Item
from .domains import TOWN, Domain, coined
from .evidence_questions import WALK, evidence_question, walk
from .judge import Action, Line, Verdict, decide, render
from .world import World

FORBID = ("By law {s} must never be {h}.", "No {s} may be {h}.", "It is forbidden that {s} be {h}.")
PERMIT = (
    "By decree {s} may be {h}.",
    "It is lawful that {s} be {h}.",
    "Leave is given: {s} may be {h}.",
)
LIMIT = ("At most {n} {u} of {s} may be {h}.", "No more than {n} {u} of {s} may be {h}.")
HARM = (
    "There is a {x} risk.",
    "The {x} risk is real here.",
    "The foreman fears the {x} risk.",
    "Last year brought {x} risk.",
)
MITIGATE = (
    "The {x} risk is met by {m}.",
    "With {m} the {x} risk is met.",
    "Against the {x} risk there is {m}.",
)
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
) -> Item:
    """One item; with `actions` > 1 the same evidence is judged again for neighbouring actions.

    With `questions` > 0 that many small questions about the evidence come before the verdict; with
    `walked` its lines are gone through one by one.
    Decisions are equally frequent, or where `rules` are given, these are.
    """
    goods, action, lines, verdict = _case(rng, world, domain, rules)
    messages: list[tuple[str, str]] = []
    signatures: list[tuple[object, ...]] = []
    text, form = _action_text(rng, action)
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
        text, form = _action_text(rng, action)
        asked = f"{rng.choice(AGAIN)}\nAction: {text}"
        messages += [("user", asked), ("assistant", verdict.json())]
        signatures.append(("judge", form, lines, action))
    return Item(
        "judge", tuple(messages), verdict.decision, verdict.rule, tuple(signatures), domain.name
    )


def _case(
    rng: random.Random, world: World, domain: Domain, rules: tuple[str, ...]
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
        action = _action(rng, domain, goods)
        lines = _lines(rng, world, domain, goods, action)
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


def _action(rng: random.Random, domain: Domain, goods: tuple[str, ...]) -> Action:
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


def _action_text(rng: random.Random, action: Action) -> tuple[str, int]:
    form = rng.randrange(len(ACTION))
    return ACTION[form].format(
        n=action.amount, u=action.unit, s=action.good, h=action.handling
    ), form


def _relevance(rng: random.Random, live: float) -> int:
    return rng.randint(6, 9) if rng.random() < live else rng.randint(1, 4)


def _lines(
    rng: random.Random, world: World, domain: Domain, goods: tuple[str, ...], action: Action
) -> tuple[Line, ...]:
    """Rule lines near the action (often one slot off), harms with and without their mitigation,
    and noise.
    """
    lines = [_rule(rng, domain, goods, action) for _ in range(rng.choice((0, 1, 1, 2)))]
    kept: list[Line] = []
    for line in lines:
        if not any((line.good, line.handling) == (other.good, other.handling) for other in kept):
            kept.append(line)
    for harm in rng.sample(domain.harms, rng.choice((0, 1, 1, 2))):
        kept.append(Line("harm", _relevance(rng, 0.8), rng.choice(HARM).format(x=harm), harm=harm))
        if rng.random() < 0.75:
            met = harm if rng.random() < 0.75 else rng.choice(domain.harms)
            text = rng.choice(MITIGATE).format(x=met, m=rng.choice(domain.measures))
            kept.append(
                Line("mitigation", _relevance(rng, 0.85), text[0].upper() + text[1:], harm=met)
            )
    if rng.random() < 0.3 or not kept:
        note = rng.choice(words.OTHER_NOTES).format(
            n=rng.randint(2, 9),
            emblem=rng.choice(words.EMBLEMS),
            district=rng.choice(words.DISTRICTS),
            colour=rng.choice(words.COLOURS),
        )
        kept.append(Line("other", rng.randint(1, 9), note + "."))
    rng.shuffle(kept)
    return tuple(kept)


def _rule(rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action) -> Line:
    off = rng.choice(("none", "none", "good", "handling"))
    good = rng.choice(goods) if off == "good" else action.good
    handling = rng.choice(domain.handlings) if off == "handling" else action.handling
    kind = rng.choice(("forbid", "permit", "permit", "limit"))
    limit = (
        min(9, max(2, action.amount + rng.choice((-3, -2, -1, -1, 0, 1, 2))))
        if kind == "limit"
        else 0
    )
    form = rng.choice({"forbid": FORBID, "permit": PERMIT, "limit": LIMIT}[kind])
    text = form.format(s=good, h=handling, n=limit, u=action.unit)
    return Line(kind, _relevance(rng, 0.8), text, good, handling, limit)
