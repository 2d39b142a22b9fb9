"""Draws evidence lines about an action, with near misses on purpose; judges nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from . import words
from .domains import Domain
from .judge import Action, Line

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
        kept.append(harm_line(rng, harm, _relevance(rng, 0.8)))
        if rng.random() < 0.75:
            met = harm if rng.random() < 0.75 else rng.choice(domain.harms)
            kept.append(mitigation_line(rng, domain, met))
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
    kept = [harm_line(rng, harm, rng.randint(6, 9)) for harm in harms[1:]]
    met = list(harms[1:])
    broken = rng.choice(("none", "none", "named", "named", "named", "weak", "missing"))
    if broken == "missing":
        met.pop()
    elif broken == "named":
        met[-1] = rng.choice(others)
    kept += [mitigation_line(rng, domain, harm, rng.randint(6, 9)) for harm in met]
    if broken == "weak":
        kept[-1] = replace(kept[-1], relevance=rng.randint(1, 4))
    if rng.random() < 0.25:
        kept.append(mitigation_line(rng, domain, rng.choice(others)))
    if rng.random() < 0.2:
        kept.append(harm_line(rng, harms[0], rng.randint(1, 4)))
    if rng.random() < 0.3:
        kept.append(_rule(rng, domain, goods, action))
    rng.shuffle(kept)
    return tuple(kept)


def pair_lines(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> tuple[Line, ...]:
    """One harm and one mitigation, in half of the cases of the same harm."""
    harm, other = rng.sample(domain.harms, 2)
    kept = [
        harm_line(rng, harm, rng.randint(6, 9)),
        mitigation_line(rng, domain, rng.choice((harm, other)), rng.randint(6, 9)),
    ]
    rng.shuffle(kept)
    return tuple(kept)


def rule_pair_lines(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> tuple[Line, ...]:
    """One rule, in half of the cases about the action itself, and at times a note beside it."""
    lines = [rule_line(rng, rule_case(rng, domain, goods, action, 0.5), action, rng.randint(6, 9))]
    if rng.random() < 0.2:
        lines.append(_note(rng))
    rng.shuffle(lines)
    return tuple(lines)


def rule_lines(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> tuple[Line, ...]:
    """Several rules, most about another good or another handling, and at times a risk or two."""
    cases = (rule_case(rng, domain, goods, action, 0.25) for _ in range(rng.choice((1, 2, 2, 3))))
    lines = [rule_line(rng, case, action, _relevance(rng, 0.85)) for case in dict.fromkeys(cases)]
    for harm in rng.sample(domain.harms, rng.choice((0, 0, 1, 2))):
        lines.append(harm_line(rng, harm, _relevance(rng, 0.85)))
        if rng.random() < 0.6:
            lines.append(mitigation_line(rng, domain, harm))
    rng.shuffle(lines)
    return tuple(lines)


def bare_lines(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action
) -> tuple[Line, ...]:
    """A line or two beside the point, so that only the handbook can decide."""
    beside = [_note(rng)]
    if rng.random() < 0.6:
        beside.append(_rule(rng, domain, goods, action))
    if rng.random() < 0.3:
        beside.append(mitigation_line(rng, domain, rng.choice(domain.harms)))
    rng.shuffle(beside)
    return tuple(beside)


def harm_line(rng: random.Random, harm: str, relevance: int) -> Line:
    """A line that names a risk."""
    return Line("harm", relevance, rng.choice(HARM).format(x=harm), harm=harm)


def mitigation_line(
    rng: random.Random, domain: Domain, harm: str, relevance: int | None = None
) -> Line:
    """A line that says what a risk is met by; most count."""
    text = rng.choice(MITIGATE).format(x=harm, m=rng.choice(domain.measures))
    counts = _relevance(rng, 0.85) if relevance is None else relevance
    return Line("mitigation", counts, text[0].upper() + text[1:], harm=harm)


def rule_line(rng: random.Random, case: tuple[str, str], action: Action, relevance: int) -> Line:
    """A rule about a good and its handling; a limit is near the action's amount."""
    kind = rng.choice(("forbid", "forbid", "permit", "limit"))
    limit = _limit(rng, action) if kind == "limit" else 0
    return Line(kind, relevance, _ruling(rng, kind, case, limit, action), *case, limit)


def rule_case(
    rng: random.Random, domain: Domain, goods: tuple[str, ...], action: Action, own: float
) -> tuple[str, str]:
    """The action's good and handling in a share `own`; else another of either, seldom of both."""
    if rng.random() < own:
        return action.good, action.handling
    off = rng.choice(("good", "good", "handling", "handling", "both"))
    others = [good for good in goods if good != action.good] or list(goods)
    otherwise = [handling for handling in domain.handlings if handling != action.handling]
    otherwise = otherwise or list(domain.handlings)
    return (
        action.good if off == "handling" else rng.choice(others),
        action.handling if off == "good" else rng.choice(otherwise),
    )


def _limit(rng: random.Random, action: Action) -> int:
    return min(9, max(2, action.amount + rng.choice((-3, -2, -1, -1, 0, 1, 2))))


def _ruling(
    rng: random.Random, kind: str, case: tuple[str, str], limit: int, action: Action
) -> str:
    form = rng.choice({"forbid": FORBID, "permit": PERMIT, "limit": LIMIT}[kind])
    return form.format(s=case[0], h=case[1], n=limit, u=action.unit)


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
    limit = _limit(rng, action) if kind == "limit" else 0
    text = _ruling(rng, kind, (good, handling), limit, action)
    return Line(kind, _relevance(rng, 0.8), text, good, handling, limit)
