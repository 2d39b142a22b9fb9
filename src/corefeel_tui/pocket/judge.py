"""Evidence and an action in, a verdict out: the judge's five rules; draws no items.

Rules, in order, over lines of relevance 0.5 or more:
1. `hard_rule_forbids` / `hard_rule_limit`: a hard rule forbids this handling of this good, or its
   limit is exceeded: VETO.
2. `handbook_forbids`: no hard rule permits it and the handbook forbids it: VETO.
3. `open_harm`: a harm has no mitigation of the same harm: REVISE.
4. `hard_rule_permits`: a hard rule overrides the handbook's prohibition: APPROVE.
5. `clear`: APPROVE.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from .world import World


@dataclass(frozen=True)
class Action:
    amount: int
    unit: str
    good: str
    handling: str


@dataclass(frozen=True)
class Line:
    """One evidence line; `kind` is forbid, permit, limit, harm, mitigation or other."""

    kind: str
    relevance: int
    statement: str
    good: str = ""
    handling: str = ""
    limit: int = 0
    harm: str = ""

    @property
    def label(self) -> str:
        return "hard_rule" if self.kind in ("forbid", "permit", "limit") else self.kind


@dataclass(frozen=True)
class Verdict:
    decision: str
    cited: tuple[int, ...]
    rationale: str
    rule: str

    def json(self) -> str:
        keys = [f"TRP{index + 1}" for index in self.cited]
        return json.dumps(
            {"decision": self.decision, "evidence_cited": keys, "rationale": self.rationale}
        )


def decide(world: World, lines: tuple[Line, ...], action: Action) -> Verdict:
    """The verdict that the rules above derive."""
    live = [(index, line) for index, line in enumerate(lines) if line.relevance >= 5]
    binding = [(i, x) for i, x in live if (x.good, x.handling) == (action.good, action.handling)]
    deed = f"{action.good} {action.handling}"
    for index, line in binding:
        if line.kind == "forbid":
            return Verdict("VETO", (index,), f"TRP{index + 1} forbids {deed}.", "hard_rule_forbids")
        if line.kind == "limit" and action.amount > line.limit:
            reason = f"TRP{index + 1} allows at most {line.limit}, not {action.amount}."
            return Verdict("VETO", (index,), reason, "hard_rule_limit")
    permits = tuple(index for index, line in binding if line.kind in ("permit", "limit"))
    against_handbook = world.forbids(action.good, action.handling)
    if against_handbook and not permits:
        return Verdict("VETO", (), f"The handbook forbids {deed}.", "handbook_forbids")
    met = {line.harm for _, line in live if line.kind == "mitigation"}
    harms = [(index, line.harm) for index, line in live if line.kind == "harm"]
    still_open = [(index, harm) for index, harm in harms if harm not in met]
    if still_open:
        named = " and ".join(harm for _, harm in still_open)
        return Verdict(
            "REVISE", tuple(i for i, _ in still_open), f"The {named} risk is not met.", "open_harm"
        )
    if permits:
        rule = "hard_rule_permits" if against_handbook else "clear"
        return Verdict("APPROVE", permits, f"TRP{permits[0] + 1} permits {deed}.", rule)
    if harms:
        closing = [
            i
            for i, line in live
            if line.kind == "mitigation" and line.harm in {harm for _, harm in harms}
        ]
        return Verdict("APPROVE", tuple(sorted(closing)), "Every risk is met.", "clear")
    return Verdict("APPROVE", (), "Nothing stands against it.", "clear")


def render(lines: tuple[Line, ...], action_text: str, intro: str) -> str:
    """The user message: intro, the action, then one JSON object per evidence line.

    The action comes first, so that every line can be held against it while it is read.
    """
    return "\n".join([intro, f"Action: {action_text}", *shown_lines(lines)])


def shown_lines(lines: tuple[Line, ...]) -> list[str]:
    """One JSON object per evidence line."""
    return [
        json.dumps(
            {
                "key": f"TRP{n}",
                "label": x.label,
                "relevance": x.relevance / 10,
                "statement": x.statement,
            }
        )
        for n, x in enumerate(lines, 1)
    ]
