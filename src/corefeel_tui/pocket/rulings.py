"""Rules held against an action one by one, by good and by handling: the comparison that a verdict
does in one step. Knows no handbook.
"""

from __future__ import annotations

import random

from .conversation import Item
from .domains import TOWN, Domain, coined
from .evidence_lines import rule_case, rule_line
from .judge import Action, Line, shown_lines
from .judge_items import draw_action, told

GOODS = "Good by good?"
HANDLINGS = "Handling by handling?"
EACH = "Rule by rule?"
ANY = "Does a rule bind?"
WHICH = "Which rule binds?"
BRIEFLY = "Rule by rule, in a word?"
THIS = "Does this rule bind?"
ASKED = (EACH, EACH, GOODS, HANDLINGS, ANY, WHICH)
ASKED_OF_GOODS = (GOODS, GOODS, EACH, EACH, ANY, WHICH)
ASKED_BRIEFLY = (BRIEFLY, BRIEFLY, BRIEFLY, BRIEFLY, ANY, WHICH)
MOST = 5
SHORT = {"forbid": "forbidden", "permit": "permitted", "limit": "limited"}


def rulings_item(
    rng: random.Random,
    domain: Domain,
    coined_share: float = 0.3,
    questions: tuple[str, ...] = ASKED,
) -> Item:
    """An action, some rules as a list, as sentences or as evidence lines, and one or two of the
    questions, about which of them are about the action.

    Every rule has the action's good or another, its handling or another; in half of the items none
    has both.  A share of the town's items is about goods that no handbook knows.
    """
    goods, action = _case(rng, domain, coined_share)
    lines = _rules(rng, domain, goods, action)
    text, wording = told(rng, action)
    form = rng.randrange(3)
    asked = rng.sample(questions, rng.choice((1, 2)))
    messages: list[tuple[str, str]] = []
    for question in dict.fromkeys(asked):
        head = "" if messages else f"Action: {text}\n{_written(lines, form)}\n"
        messages += [("user", head + question), ("assistant", _answer(question, lines, action))]
    signature = ("rulings", form, wording, tuple(lines), action)
    rule = "a_rule_binds" if any(_binds(x, action) for x in lines) else "no_rule_binds"
    return Item("judge", tuple(messages), messages[-1][1], rule, (signature,), domain.name)


def aloud_item(rng: random.Random, domain: Domain, coined_share: float = 0.3) -> Item:
    """An action, and rules one at a time, each answered before the next is heard; half bind."""
    goods, action = _case(rng, domain, coined_share)
    cases = (rule_case(rng, domain, goods, action, 0.5) for _ in range(rng.randint(3, 8)))
    lines = [rule_line(rng, case, action, rng.randint(6, 9)) for case in cases]
    text, wording = told(rng, action)
    form = rng.randrange(3)
    shown = shown_lines(tuple(lines))
    messages: list[tuple[str, str]] = []
    for line, row in zip(lines, shown, strict=True):
        heard = (f"{_briefly(line)}.", line.statement, row)[form]
        head = "" if messages else f"Action: {text}\n{THIS}\n"
        messages += [
            ("user", head + heard),
            ("assistant", "Yes." if _binds(line, action) else "No."),
        ]
    signature = ("aloud", form, wording, tuple(lines), action)
    rule = "a_rule_binds" if _binds(lines[-1], action) else "no_rule_binds"
    return Item("judge", tuple(messages), messages[-1][1], rule, (signature,), domain.name)


def _case(
    rng: random.Random, domain: Domain, coined_share: float
) -> tuple[tuple[str, ...], Action]:
    """Goods, in a share of the town's cases unknown to the handbook, and an action on one."""
    goods = domain.goods
    if domain is TOWN and rng.random() < coined_share:
        goods = tuple(coined(rng) for _ in range(3))
    return goods, draw_action(rng, domain, goods)


def _rules(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> list[Line]:
    cases = [(good, handling) for good in goods for handling in domain.handlings]
    own = (action.good, action.handling)
    near = [case for case in cases if case != own and (case[0] == own[0] or case[1] == own[1])]
    far = [case for case in cases if case[0] != own[0] and case[1] != own[1]]
    chosen = [own] if rng.random() < 0.5 else []
    more = rng.randint(1 - len(chosen), MOST - len(chosen))
    chosen += [rng.choice(near if rng.random() < 0.8 else far) for _ in range(more)]
    lines = [rule_line(rng, case, action, rng.randint(6, 9)) for case in dict.fromkeys(chosen)]
    rng.shuffle(lines)
    return lines


def _written(lines: list[Line], form: int) -> str:
    if form == 0:
        rules = ", ".join(_briefly(x) for x in lines)
        return f"Rules: {rules}."
    if form == 1:
        return " ".join(line.statement for line in lines)
    return "\n".join(shown_lines(tuple(lines)))


def _answer(question: str, lines: list[Line], action: Action) -> str:
    binding = [x for x in lines if _binds(x, action)]
    match question:
        case _ if question == ANY:
            return "Yes." if binding else "No."
        case _ if question == WHICH:
            named = [_briefly(x) for x in binding]
        case _ if question == GOODS:
            named = [f"{x.good} {_same(x.good == action.good)}" for x in lines]
        case _ if question == HANDLINGS:
            named = [f"{x.handling} {_same(x.handling == action.handling)}" for x in lines]
        case _ if question == BRIEFLY:
            named = [_same(_binds(x, action)) for x in lines]
        case _:
            named = [f"{x.good} {x.handling} {_same(_binds(x, action))}" for x in lines]
    return f"{', '.join(named) or 'None'}."


def _briefly(line: Line) -> str:
    return f"{line.good} {line.handling} {SHORT[line.kind]}"


def _same(is_same: bool) -> str:
    return "same" if is_same else "other"


def _binds(line: Line, action: Action) -> bool:
    return (line.good, line.handling) == (action.good, action.handling)
