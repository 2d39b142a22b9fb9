"""Verdict items in plain English over everyday workplaces: rules in code, near misses on purpose.

Knows the rules and how evidence is drawn; the workplaces' words stand in `workplaces`, and the
suite's system prompt states the same rules to the model.

Only lines of relevance 0.5 or more count.  In order:
1. `prohibited`: a hard rule says the action's thing must never get the action's treatment: VETO.
2. `limit_exceeded`: a hard rule allows fewer than the action has: VETO.  The limit itself is fine.
3. `measure_missing`: a hard rule demands a measure that no mitigation has in place: VETO.
4. `open_risk`: a harm names a risk that no mitigation covers: REVISE.
5. `clear`: APPROVE.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from corefeel_tui.generators.workplaces import WORKPLACES, Workplace
from corefeel_tui.items import Item

DECISIONS = ("APPROVE", "REVISE", "VETO")
TRIES = 2000


@dataclass(frozen=True)
class Line:
    """One evidence line; `kind` is never, limit, only, harm, mitigation or other."""

    kind: str
    relevance: int
    statement: str
    thing: str = ""
    treatment: str = ""
    limit: int = 0
    measure: str = ""
    risk: str = ""

    @property
    def label(self) -> str:
        """The label the model is shown."""
        return "hard_rule" if self.kind in ("never", "limit", "only") else self.kind

    def shown(self) -> dict[str, object]:
        """What the model is shown of it."""
        relevance = self.relevance / 10
        return {"label": self.label, "relevance": relevance, "statement": self.statement}


@dataclass(frozen=True)
class Action:
    """So many of a thing, to be treated in one way."""

    amount: int
    thing: str
    treatment: str

    @property
    def text(self) -> str:
        """The sentence the model is shown."""
        return f"{self.amount} {self.thing} are to be {self.treatment}."


@dataclass(frozen=True)
class Verdict:
    """A decision, the lines (from 0) that made it, and the rule by name."""

    decision: str
    cited: tuple[int, ...]
    rationale: str
    rule: str

    def json(self) -> str:
        """The answer a model should give."""
        keys = [f"E{index + 1}" for index in self.cited]
        return json.dumps(
            {"decision": self.decision, "evidence_cited": keys, "rationale": self.rationale}
        )


def decide(lines: tuple[Line, ...], action: Action) -> Verdict:
    """The verdict that the rules above derive."""
    live = [(index, line) for index, line in enumerate(lines) if line.relevance >= 5]
    about = [(n, x) for n, x in live if (x.thing, x.treatment) == (action.thing, action.treatment)]
    in_place = {line.measure for _, line in live if line.kind == "mitigation"}
    for index, line in about:
        if line.kind == "never":
            return Verdict("VETO", (index,), f"E{index + 1} prohibits it.", "prohibited")
    for index, line in about:
        if line.kind == "limit" and action.amount > line.limit:
            said = f"E{index + 1} allows {line.limit}, not {action.amount}."
            return Verdict("VETO", (index,), said, "limit_exceeded")
    for index, line in about:
        if line.kind == "only" and line.measure not in in_place:
            said = f"E{index + 1} demands {line.measure}."
            return Verdict("VETO", (index,), said, "measure_missing")
    covered = {line.risk: index for index, line in live if line.kind == "mitigation"}
    harms = [(index, line.risk) for index, line in live if line.kind == "harm"]
    still_open = [(index, risk) for index, risk in harms if risk not in covered]
    if still_open:
        named = " and ".join(risk for _, risk in still_open)
        cited = tuple(index for index, _ in still_open)
        return Verdict("REVISE", cited, f"Nothing covers the risk of {named}.", "open_risk")
    closing = tuple(sorted({covered[risk] for _, risk in harms}))
    said = "Every risk is covered." if harms else "No rule or risk stands against it."
    return Verdict("APPROVE", closing, said, "clear")


def items(count: int, seed: int) -> list[Item]:
    """The classes take turns, then the workplaces; no two items share a prompt."""
    made: list[Item] = []
    prompts: set[str] = set()
    for index in range(count):
        wanted = DECISIONS[index % 3]
        workplace = WORKPLACES[index // 3 % len(WORKPLACES)]
        rng = random.Random(f"verdicts:{seed}:{index}")
        for _ in range(TRIES):
            item = _draw(rng, workplace, wanted, index)
            if item is not None and item.first_prompt not in prompts:
                break
        assert item is not None
        prompts.add(item.first_prompt)
        made.append(item)
    return made


def _draw(rng: random.Random, place: Workplace, wanted: str, index: int) -> Item | None:
    action = Action(rng.randint(2, 12), rng.choice(place.things), rng.choice(place.treatments))
    lines = _lines(rng, place, action)
    verdict = decide(lines, action)
    if verdict.decision != wanted:
        return None
    rows = [json.dumps({"key": f"E{n}", **x.shown()}) for n, x in enumerate(lines, 1)]
    return Item(
        id=f"{place.name.replace(' ', '-')}-{index:04d}",
        prompt="\n".join(["Evidence:", *rows, f"Proposed action: {action.text}"]),
        expected=verdict.decision,
        domain=place.name,
        tags=(verdict.rule,),
        group={"rule": verdict.rule, "lines": len(lines), "near": near_miss(lines, action)},
        replies=(verdict.json(),),
    )


def near_miss(lines: tuple[Line, ...], action: Action) -> str:
    """What nearly decided otherwise: the first of a fixed list that the evidence has, or none."""
    about = (action.thing, action.treatment)
    covered = {x.risk for x in lines if x.kind == "mitigation" and x.relevance >= 5}
    tests = {
        "irrelevant_rule": lambda x: (
            x.label == "hard_rule" and x.relevance < 5 and (x.thing, x.treatment) == about
        ),
        "exact_limit": lambda x: x.kind == "limit" and x.limit == action.amount,
        "other_thing": lambda x: x.label == "hard_rule" and x.thing != action.thing,
        "other_treatment": lambda x: x.label == "hard_rule" and x.treatment != action.treatment,
        "irrelevant_cover": lambda x: (
            x.kind == "mitigation" and x.relevance < 5 and x.risk not in covered
        ),
        "hearsay": lambda x: x.kind == "other" and bool(x.thing),
    }
    return next((name for name, test in tests.items() if any(map(test, lines))), "none")


def _lines(rng: random.Random, place: Workplace, action: Action) -> tuple[Line, ...]:
    """Rules about the action or one slot off it, risks with and without cover, hearsay, notes."""
    kept = [_rule(rng, place, action) for _ in range(rng.choice((0, 1, 1, 2)))]
    demanded = [line.measure for line in kept if line.kind == "only" and rng.random() < 0.6]
    kept += [_mitigation(rng, rng.choice(list(place.risks)), measure) for measure in demanded]
    for risk in rng.sample(list(place.risks), rng.choice((0, 1, 1, 2))):
        text = rng.choice(HARM).format(r=risk)
        kept.append(Line("harm", _relevance(rng, 0.8), text, risk=risk))
        if rng.random() < 0.75:
            met = risk if rng.random() < 0.75 else rng.choice(list(place.risks))
            kept.append(_mitigation(rng, met, rng.choice(place.risks[met])))
    if rng.random() < 0.25:
        kept.append(_hearsay(rng, action))
    if rng.random() < 0.3 or not kept:
        kept.append(Line("other", rng.randint(1, 9), rng.choice(place.notes)))
    unique = list({line.statement: line for line in kept}.values())
    rng.shuffle(unique)
    return tuple(unique)


HARM = (
    "There is a risk of {r}.",
    "Last month this led to {r}.",
    "The shift report warns of {r}.",
    "Staff are worried about {r}.",
)
MITIGATION = (
    "{m} in place, which covers the risk of {r}.",
    "{m} in place against the risk of {r}.",
)
HEARSAY = (
    "A visitor thinks that {t} should not be {h}.",
    "Someone recalls that {t} were once not allowed to be {h}.",
)


def _relevance(rng: random.Random, live: float) -> int:
    return rng.randint(6, 9) if rng.random() < live else rng.randint(1, 4)


def _mitigation(rng: random.Random, risk: str, measure: str) -> Line:
    verb = f"{measure[0].upper()}{measure[1:]} is"
    text = rng.choice(MITIGATION).format(m=verb, r=risk)
    return Line("mitigation", _relevance(rng, 0.85), text, measure=measure, risk=risk)


def _rule(rng: random.Random, place: Workplace, action: Action) -> Line:
    off = rng.choice(("none", "none", "thing", "treatment"))
    thing = rng.choice(place.things) if off == "thing" else action.thing
    treatment = rng.choice(place.treatments) if off == "treatment" else action.treatment
    name = f"{thing[0].upper()}{thing[1:]}"
    relevance = _relevance(rng, 0.8)
    kind = rng.choice(("never", "limit", "limit", "only"))
    if kind == "never":
        text = rng.choice(("{T} must never be {h}.", "It is prohibited that {t} be {h}."))
        return Line(kind, relevance, text.format(T=name, t=thing, h=treatment), thing, treatment)
    if kind == "limit":
        limit = max(2, action.amount + rng.choice((-3, -2, -1, 0, 0, 1, 2, 4)))
        text = f"At most {limit} {thing} may be {treatment} at one time."
        return Line(kind, relevance, text, thing, treatment, limit)
    measure = rng.choice([measure for row in place.risks.values() for measure in row])
    text = f"{name} may be {treatment} only with {measure} in place."
    return Line(kind, relevance, text, thing, treatment, measure=measure)


def _hearsay(rng: random.Random, action: Action) -> Line:
    text = rng.choice(HEARSAY).format(t=action.thing, h=action.treatment)
    return Line("other", rng.randint(1, 9), text, action.thing, action.treatment)
