"""Risks and what meets them, asked one by one: the matching that a verdict does in one step.

Knows no action and no handbook.
"""

from __future__ import annotations

import random

from .conversation import Item
from .domains import Domain
from .evidence_lines import harm_line, mitigation_line
from .evidence_questions import open_harms
from .judge import Line, shown_lines

EACH = "Risk by risk?"
ALL = "Is every risk met?"
OPEN = "Which risk is open?"


def ledger_item(rng: random.Random, domain: Domain) -> Item:
    """Some risks, as two lists, as sentences or as evidence lines, and questions about them.

    In half of the items every risk is met, whatever else is.
    """
    most = min(6, len(domain.harms) - 1)
    harms = rng.sample(domain.harms, rng.randint(1, most))
    others = [harm for harm in domain.harms if harm not in harms]
    left = 0 if rng.random() < 0.5 else rng.randint(1, len(harms))
    met = [*harms[left:], *rng.sample(others, min(len(others), rng.choice((0, left, left))))]
    lines = [harm_line(rng, harm, rng.randint(6, 9)) for harm in harms]
    lines += [mitigation_line(rng, domain, harm, rng.randint(6, 9)) for harm in met]
    rng.shuffle(lines)
    form = rng.randrange(3)
    text = _written(lines, form)
    asked = rng.sample((EACH, EACH, ALL, OPEN), rng.choice((1, 2)))
    messages: list[tuple[str, str]] = []
    for question in dict.fromkeys(asked):
        head = "" if messages else f"{text}\n"
        messages += [("user", head + question), ("assistant", _answer(question, lines))]
    signature = ("ledger", form, tuple(lines))
    rule = "every_risk_met" if not open_harms(tuple(lines)) else "a_risk_open"
    return Item("judge", tuple(messages), messages[-1][1], rule, (signature,), domain.name)


def _written(lines: list[Line], form: int) -> str:
    if form == 0:
        harms, met = (
            ", ".join(line.harm for line in lines if line.kind == kind) or "none"
            for kind in ("harm", "mitigation")
        )
        return f"Risks: {harms}. Met: {met}."
    if form == 1:
        return " ".join(line.statement for line in lines)
    return "\n".join(shown_lines(tuple(lines)))


def _answer(question: str, lines: list[Line]) -> str:
    still_open = open_harms(tuple(lines))
    if question == ALL:
        return "No." if still_open else "Yes."
    if question == OPEN:
        return f"{', '.join(still_open) or 'None'}."
    each = (line.harm for line in lines if line.kind == "harm")
    told = ", ".join(f"{harm} {'open' if harm in still_open else 'met'}" for harm in each)
    return f"{told}."
