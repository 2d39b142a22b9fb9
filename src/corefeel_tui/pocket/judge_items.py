"""Draws evidence and actions for the judge, with near misses on purpose;
the rules live in `judge`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from . import words
from .conversation import Item
from .domains import TOWN, Domain, coined
from .evidence_questions import WALK, evidence_question, walk
from .judge import Action, Line, Verdict, decide, render
from .world import World

Draw = Callable[[random.Random, Domain, tuple[str, ...], Action], tuple[Line, ...]]

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
RISKS = ("open_harm", "clear")
BARE = ("handbook_forbids", "clear")
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
    Decisions are equally frequent, or where `rules` are given, these are; `draw` draws the evidence.
    """
    goods, action, lines, verdict = _case(rng, world, domain, rules, draw or mixed_lines)
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
        action = _action(rng, domain, goods)
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


def mixed_lines(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
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
        kept.append(_harm(rng, harm, _relevance(rng, 0.8)))
        if rng.random() < 0.75:
            met = harm if rng.random() < 0.75 else rng.choice(domain.harms)
            kept.append(_mitigation(rng, domain, met))
    if rng.random() < 0.3 or not kept:
        kept.append(_note(rng))
    rng.shuffle(kept)
    return tuple(kept)


def risk_lines(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> tuple[Line, ...]:
    """Harms and mitigations that no count tells apart: whether every harm is met hangs on which
    harm a line names, and on which lines count.
    """
    harms = rng.sample(domain.harms, rng.choice((2, 3, 3, 4)))
    others = [harm for harm in domain.harms if harm not in harms[1:]]
    kept = [_harm(rng, harm, rng.randint(6, 9)) for harm in harms[1:]]
    met = list(harms[1:])
    broken = rng.choice(("none", "none", "named", "named", "named", "weak", "missing"))
    if broken == "missing":
        met.pop()
    elif broken == "named":
        met[-1] = rng.choice(others)
    kept += [_mitigation(rng, domain, harm, rng.randint(6, 9)) for harm in met]
    if broken == "weak":
        kept[-1] = replace(kept[-1], relevance=rng.randint(1, 4))
    if rng.random() < 0.25:
        kept.append(_mitigation(rng, domain, rng.choice(others)))
    if rng.random() < 0.2:
        kept.append(_harm(rng, harms[0], rng.randint(1, 4)))
    if rng.random() < 0.3:
        kept.append(_rule(rng, domain, goods, action))
    rng.shuffle(kept)
    return tuple(kept)


def bare_lines(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> tuple[Line, ...]:
    """A line or two beside the point, so that only the handbook can decide."""
    beside = [_note(rng)]
    if rng.random() < 0.6:
        beside.append(_rule(rng, domain, goods, action))
    if rng.random() < 0.3:
        beside.append(_mitigation(rng, domain, rng.choice(domain.harms)))
    rng.shuffle(beside)
    return tuple(beside)


def _harm(rng: random.Random, harm: str, relevance: int) -> Line:
    return Line("harm", relevance, rng.choice(HARM).format(x=harm), harm=harm)


def _mitigation(
    rng: random.Random, domain: Domain, harm: str, relevance: int | None = None
) -> Line:
    text = rng.choice(MITIGATE).format(x=harm, m=rng.choice(domain.measures))
    counts = _relevance(rng, 0.85) if relevance is None else relevance
    return Line("mitigation", counts, text[0].upper() + text[1:], harm=harm)


def _note(rng: random.Random) -> Line:
    note = rng.choice(words.OTHER_NOTES).format(
        n=rng.randint(2, 9),
        emblem=rng.choice(words.EMBLEMS),
        district=rng.choice(words.DISTRICTS),
        colour=rng.choice(words.COLOURS),
    )
    return Line("other", rng.randint(1, 9), note + ".")


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
