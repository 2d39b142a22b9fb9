"""The judge's rules, one by one, and what counts as a right answer."""

from __future__ import annotations

import json
import random
import re
from collections import Counter

import pytest

from corefeel_tui.pocket import scoring
from corefeel_tui.pocket.corpus import heldout_items
from corefeel_tui.pocket.describe import describe_item
from corefeel_tui.pocket.domains import TOWN, coined_domain
from corefeel_tui.pocket.evidence_lines import bare_lines, risk_lines, rule_pair_lines
from corefeel_tui.pocket.evidence_questions import walk
from corefeel_tui.pocket.judge import Action, Line, decide
from corefeel_tui.pocket.judge_items import (
    BARE,
    BINDING,
    OF_THE_HANDBOOK,
    RISKS,
    RULES,
    judge_item,
)
from corefeel_tui.pocket.ledger import ledger_item
from corefeel_tui.pocket.refuse import looks_like_refusal
from corefeel_tui.pocket.rulings import (
    ASKED_BRIEFLY,
    ASKED_OF_GOODS,
    HANDLINGS,
    aloud_item,
    rulings_item,
)
from corefeel_tui.pocket.world import handbook

WORLD = handbook()
GOOD = WORLD.substances["brimsalt"]
BARRED = sorted(GOOD.forbidden)[0]
FREE = next(
    h for h in ("moved by night", "washed with lye", "left in the sun") if h not in GOOD.forbidden
)


def rule(
    kind: str, handling: str, relevance: int = 8, good: str = "brimsalt", limit: int = 0
) -> Line:
    return Line(kind, relevance, "", good, handling, limit)


HARM = Line("harm", 8, "", harm="fire")
MET = Line("mitigation", 8, "", harm="fire")


@pytest.mark.parametrize(
    ("lines", "handling", "decision", "named"),
    [
        ((), FREE, "APPROVE", "clear"),
        ((), BARRED, "VETO", "handbook_forbids"),
        ((rule("permit", BARRED),), BARRED, "APPROVE", "hard_rule_permits"),
        ((rule("permit", BARRED, 4),), BARRED, "VETO", "handbook_forbids"),
        ((rule("permit", BARRED, good="greyoil"),), BARRED, "VETO", "handbook_forbids"),
        ((rule("forbid", FREE),), FREE, "VETO", "hard_rule_forbids"),
        ((rule("forbid", FREE, 4),), FREE, "APPROVE", "clear"),
        ((rule("forbid", BARRED),), FREE, "APPROVE", "clear"),
        ((rule("limit", FREE, limit=4),), FREE, "VETO", "hard_rule_limit"),
        ((rule("limit", FREE, limit=5),), FREE, "APPROVE", "clear"),
        ((HARM,), FREE, "REVISE", "open_harm"),
        ((HARM, MET), FREE, "APPROVE", "clear"),
        ((HARM, Line("mitigation", 8, "", harm="rot")), FREE, "REVISE", "open_harm"),
        ((HARM, Line("mitigation", 3, "", harm="fire")), FREE, "REVISE", "open_harm"),
        ((HARM, rule("forbid", FREE)), FREE, "VETO", "hard_rule_forbids"),
        ((HARM, rule("permit", BARRED)), BARRED, "REVISE", "open_harm"),
    ],
)
def test_rules(lines: tuple[Line, ...], handling: str, decision: str, named: str) -> None:
    verdict = decide(WORLD, lines, Action(5, "casks", "brimsalt", handling))
    assert (verdict.decision, verdict.rule) == (decision, named)


def test_the_verdict_begins_with_its_decision_and_cites_lines_by_key() -> None:
    verdict = decide(WORLD, (HARM, rule("forbid", FREE)), Action(5, "casks", "brimsalt", FREE))
    assert verdict.json().startswith(
        '{"decision": "VETO", "evidence_cited": ["TRP2"], "rationale": '
    )


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "VETO",
        '{"decision": "veto"}',
        '{"decision": "VETO"',
        '{"decision": "VETO", "decision": "APPROVE"}',
        "[1]",
    ],
)
def test_anything_but_one_whole_object_is_unparsed(answer: str) -> None:
    assert scoring.decision(answer) == scoring.UNPARSED


def test_wrong_answers_are_wrong() -> None:
    for skill in ("judge", "facts", "reason", "recall", "refuse"):
        for item in heldout_items(skill, 24):
            if item.rule != "persona":
                wrong = "I am sorry, no." if item.expected == "comply" else "Of course: nothing."
                assert not scoring.right(item, [wrong])


def test_a_description_with_a_wrong_district_or_tone_is_wrong() -> None:
    import random

    item = describe_item(random.Random(1), WORLD)
    place = WORLD.places[item.expected]
    register = item.rule.removeprefix("register:")
    other = next(name for name in WORLD.districts if name != place.district)
    tone = "perhaps" if place.year_is_sure else "certainly"
    assert scoring.described(place, register, item.answer())
    assert not scoring.described(place, register, f"{item.answer()} In {other}.")
    assert not scoring.described(place, register, f"{item.answer()} It was {tone} {place.year}.")
    assert not scoring.described(
        place, register, f"{item.answer()} It was built in {place.year + 1}."
    )


def test_one_broken_turn_breaks_the_constraint() -> None:
    item = heldout_items("converse", 1)[0]
    said = [text for role, text in item.messages if role == "assistant"]
    assert scoring.right(item, said)
    assert not scoring.right(item, [*said[:5], "Well enough?", *said[6:]])


def test_refusals_are_known_by_their_openers() -> None:
    assert looks_like_refusal("I am sorry, but no.")
    assert not looks_like_refusal("Of course. I cannot wait.")


def test_items_by_rule_reach_every_rule_alike() -> None:
    rng = random.Random(5)
    drawn = Counter(judge_item(rng, WORLD, rules=RULES).rule for _ in range(600))
    coined_goods = 0.3 * 600
    known = (600 - coined_goods) / 6
    assert set(drawn) == set(RULES)
    assert min(drawn.values()) > known / 2


def test_lines_are_gone_through_one_by_one() -> None:
    lines = (HARM, rule("limit", FREE, limit=4), rule("permit", BARRED), Line("other", 2, ""))
    said = walk(WORLD, lines, Action(5, "casks", "brimsalt", FREE))
    assert (
        said == "TRP1: fire open. TRP2: forbids. TRP3: another case. TRP4: weak. Handbook: silent."
    )
    said = walk(WORLD, (HARM, MET), Action(5, "casks", "brimsalt", BARRED))
    assert said == "TRP1: fire met. TRP2: fire meets. Handbook: forbids."


def test_the_action_stands_before_the_evidence() -> None:
    item = judge_item(random.Random(5), WORLD)
    _, action, *rows = item.messages[0][1].splitlines()
    assert action.startswith("Action: ")
    assert [json.loads(row)["key"] for row in rows] == [f"TRP{n + 1}" for n in range(len(rows))]


def test_a_coined_place_is_unknown_to_the_handbook() -> None:
    rng = random.Random(5)
    items = [judge_item(rng, WORLD, coined_domain(rng), rules=RULES) for _ in range(60)]
    assert {item.rule for item in items} == set(RULES) - set(OF_THE_HANDBOOK)


def test_no_count_of_lines_tells_whether_risks_are_met() -> None:
    """The best guess from how many harms and mitigations count is right in less than 3 of 4."""
    rng = random.Random(5)
    items = [judge_item(rng, WORLD, rules=RISKS, draw=risk_lines) for _ in range(600)]
    outcomes: dict[tuple[int, int], Counter[str]] = {}
    for item in items:
        lines = item.signatures[-1][2]
        assert isinstance(lines, tuple)
        kinds = Counter(line.kind for line in lines if line.relevance >= 5)
        seen = (kinds["harm"], kinds["mitigation"])
        outcomes.setdefault(seen, Counter())[item.rule] += 1
    guessed = sum(max(found.values()) for found in outcomes.values())
    assert set().union(*outcomes.values()) == {"open_harm", "clear"}
    assert guessed / len(items) < 0.75


def test_without_evidence_the_handbook_decides() -> None:
    rng = random.Random(6)
    for _ in range(200):
        item = judge_item(rng, WORLD, rules=BARE, draw=bare_lines)
        action = item.signatures[-1][3]
        assert isinstance(action, Action)
        assert item.rule in BARE
        forbidden = WORLD.forbids(action.good, action.handling)
        assert item.expected == ("VETO" if forbidden else "APPROVE")


def test_a_ledger_says_of_every_risk_whether_it_is_met() -> None:
    """Worked out again from the two lists as they are written."""
    rng = random.Random(7)
    seen = Counter[str]()
    for _ in range(400):
        item = ledger_item(rng, TOWN)
        text = item.messages[0][1]
        if not text.startswith("Risks: "):
            continue
        lists, _ = text.split(".\n")
        harms, met = (part.split(": ")[1].split(", ") for part in lists.split(". "))
        still_open = [harm for harm in harms if harm not in met]
        states = [f"{harm} {'open' if harm in still_open else 'met'}" for harm in harms]
        wanted = {
            "Risk by risk?": f"{', '.join(states)}.",
            "Is every risk met?": "No." if still_open else "Yes.",
            "Which risk is open?": f"{', '.join(still_open) or 'None'}.",
        }
        asked = [said.split("\n")[-1] for role, said in item.messages if role == "user"]
        answers = [said for role, said in item.messages if role == "assistant"]
        assert answers == [wanted[question] for question in asked]
        seen.update(asked)
    assert set(seen) == set(wanted)


def test_no_kind_of_rule_tells_whether_it_binds() -> None:
    """The best guess from the kind of the one rule in sight, not from its good or its handling,
    is right in less than 3 of 4, wherever the handbook is silent.
    """
    rng = random.Random(8)
    outcomes: dict[str, Counter[str]] = {}
    for _ in range(900):
        item = judge_item(rng, WORLD, rules=BINDING, draw=rule_pair_lines)
        _, _, lines, action = item.signatures[-1]
        assert isinstance(lines, tuple)
        assert isinstance(action, Action)
        if WORLD.forbids(action.good, action.handling):
            continue
        (ruling,) = (line for line in lines if line.label == "hard_rule")
        outcomes.setdefault(ruling.kind, Counter())[item.expected] += 1
    assert set(outcomes) == {"forbid", "permit", "limit"}
    for kind in ("forbid", "limit"):
        assert max(outcomes[kind].values()) / outcomes[kind].total() < 0.75


def test_rulings_say_of_every_rule_whether_it_is_about_the_action() -> None:
    """Worked out again from the action and the list as they are written."""
    rng = random.Random(9)
    seen = Counter[str]()
    while seen.total() < 400:
        item = rulings_item(rng, TOWN, questions=(*ASKED_OF_GOODS, *ASKED_BRIEFLY, HANDLINGS))
        action, rules, *_ = item.messages[0][1].split("\n")
        if not rules.startswith("Rules: "):
            continue
        good = next(word for word in action.replace("that ", "").split() if f"of {word} " in action)
        handling = action.split(" be ")[1].rstrip(".")
        cases = [x.rpartition(" ")[0].split(" ", 1) for x in rules[7:].rstrip(".").split(", ")]
        kinds = [x.rpartition(" ")[2] for x in rules[7:].rstrip(".").split(", ")]
        mine = [case == [good, handling] for case in cases]
        same = ("other", "same")
        binding = [
            f"{g} {h} {kind}"
            for (g, h), kind, is_own in zip(cases, kinds, mine, strict=True)
            if is_own
        ]
        wanted = {
            "Rule by rule?": [
                f"{g} {h} {same[own]}" for (g, h), own in zip(cases, mine, strict=True)
            ],
            "Good by good?": [f"{g} {same[g == good]}" for g, _ in cases],
            "Handling by handling?": [f"{h} {same[h == handling]}" for _, h in cases],
            "Rule by rule, in a word?": [same[own] for own in mine],
            "Does a rule bind?": ["Yes" if binding else "No"],
            "Which rule binds?": binding or ["None"],
        }
        asked = [said.split("\n")[-1] for role, said in item.messages if role == "user"]
        answers = [said for role, said in item.messages if role == "assistant"]
        assert answers == [f"{', '.join(wanted[question])}." for question in asked]
        seen.update(asked)
    assert set(seen) == set(wanted)


def test_rules_read_aloud_are_answered_one_by_one() -> None:
    """Worked out again from the words alone: a rule binds where it names both."""
    rng = random.Random(10)
    given = Counter[str]()
    for _ in range(300):
        item = aloud_item(rng, TOWN)
        action, asked, first = item.messages[0][1].split("\n")
        assert asked == "Does this rule bind?"
        good = next(word for word in action.split() if f" of {word} " in action)
        handling = action.split(" be ")[1].rstrip(".")
        heard = [first, *(text for role, text in item.messages[1:] if role == "user")]
        answers = [text for role, text in item.messages if role == "assistant"]
        wanted = [good in re.findall(r"\w+", x) and handling in x for x in heard]
        assert answers == ["Yes." if binds else "No." for binds in wanted]
        given.update(answers)
    assert 0.4 < given["Yes."] / given.total() < 0.6
