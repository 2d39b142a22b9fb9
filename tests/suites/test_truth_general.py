"""The truth of the general suites, derived again from nothing but the prompts' text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from .shipped import items

ACTION = re.compile(r"Proposed action: (\d+) (.+) are to be (.+)\.$")
NEVER = (
    re.compile(r"(?P<thing>.+) must never be (?P<treatment>.+)\."),
    re.compile(r"It is prohibited that (?P<thing>.+) be (?P<treatment>.+)\."),
)
LIMIT = re.compile(r"At most (?P<limit>\d+) (?P<thing>.+) may be (?P<treatment>.+) at one time\.")
ONLY = re.compile(r"(?P<thing>.+) may be (?P<treatment>.+) only with (?P<measure>.+) in place\.")
COVER = re.compile(r"(?P<measure>.+) is in place(?:,| ).*the risk of (?P<risk>.+)\.")
HARM = re.compile(r".*(?:risk of|led to|warns of|worried about) (.+)\.")


def judged(prompt: str) -> tuple[str, set[str]]:
    """The decision and the keys that made it, by the rules of the system prompt."""
    *rows, last = prompt.splitlines()[1:]
    amount, *about = ACTION.match(last).groups()
    live = [row for row in map(json.loads, rows) if row["relevance"] >= 0.5]
    covers = [COVER.match(row["statement"]) for row in live if row["label"] == "mitigation"]
    measures = {cover["measure"].lower() for cover in covers}
    risks = {cover["risk"] for cover in covers}

    def binds(found: re.Match[str] | None) -> bool:
        return bool(found) and [found["thing"].lower(), found["treatment"]] == [
            x.lower() for x in about
        ]

    def breaks(text: str) -> bool:
        limit, only = LIMIT.fullmatch(text), ONLY.fullmatch(text)
        return (
            any(binds(form.fullmatch(text)) for form in NEVER)
            or (binds(limit) and int(amount) > int(limit["limit"]))
            or (binds(only) and only["measure"].lower() not in measures)
        )

    rules = [row for row in live if row["label"] == "hard_rule"]
    vetoes = {row["key"] for row in rules if breaks(row["statement"])}
    if vetoes:
        return "VETO", vetoes
    harms = [row for row in live if row["label"] == "harm"]
    open_ = {row["key"] for row in harms if HARM.match(row["statement"])[1] not in risks}
    return ("REVISE", open_) if open_ else ("APPROVE", set())


def test_verdicts_follow_from_what_the_model_reads():
    for item in items("verdicts.toml"):
        decision, keys = judged(str(item.prompt))
        assert decision == item.expected, item.id
        cited = set(json.loads(item.replies[0])["evidence_cited"])
        if decision == "VETO":
            assert len(cited) == 1
            assert cited <= keys
        elif decision == "REVISE":
            assert cited == keys


def test_every_rule_is_reached():
    rules = {item.group["rule"] for item in items("verdicts.toml")}
    assert rules == {"prohibited", "limit_exceeded", "measure_missing", "open_risk", "clear"}


SOLUTIONS: dict[str, Callable[..., float]] = {
    "pens": lambda boxes, each, broken: boxes * each - broken,
    "bus": lambda start, on, off, last: start + 3 * on - off - last,
    "savings": lambda week, weeks, spent, children: (week * weeks - spent) / children,
    "fence": lambda long, wide, gate, price: (2 * long + 2 * wide - gate) * price,
    "bakery": lambda trays, rolls, days, left: trays * rolls * days - left,
    "reading": lambda pages, first, days, later: days + (pages - first * days) / later,
    "wages": lambda n, hours, pay, bonus, budget: budget - n * (hours * pay + bonus),
    "lunch": lambda n, rice, beans, stock, more: stock + more - n * (rice + beans),
}


@pytest.mark.parametrize("kind", SOLUTIONS)
def test_problems_have_the_result_of_their_numbers(kind):
    found = [item for item in items("reasoning.toml") if item.group["problem"] == kind]
    assert len(found) == 15
    for item in found:
        numbers = [int(number) for number in re.findall(r"\d+", str(item.prompt))]
        assert SOLUTIONS[kind](*numbers) == int(str(item.expected)), item.id


def test_every_step_of_a_working_computes():
    for item in items("reasoning.toml"):
        value = None
        for row in item.replies[0].splitlines()[:-1]:
            text, _, result = row.partition(": ")[2].rpartition(" = ")
            begun = text if text[0].isdigit() else f"{value} {text}"
            value = eval(begun.replace("×", "*"))
            assert value == int(result), (item.id, row)


def test_needles_stand_where_the_grid_says():
    for item in items("recall.toml"):
        text = str(item.prompt).split("\n\n")[1]
        question = str(item.prompt).split("\n\n")[2]
        codes = dict(re.findall(r"The code of the (\w+) is (\d+)\.", text))
        asked = re.findall(r"the (\w+)(?=[,?])", question)
        assert [codes[key] for key in asked] == str(item.expected).split()
        place = text.index(f"The code of the {asked[0]} is") / len(text)
        assert abs(100 * place - int(item.group["depth"])) < 12, item.id
        assert abs(len(text.split()) - int(item.group["length"])) < 20


def test_conversations_ask_for_what_was_said_last():
    for item in items("turns.toml"):
        where: dict[str, str] = {}
        told = {c.turn: set() for c in item.checks}
        for check in item.checks:
            told[check.turn].add(check.value)
        for turn, text in enumerate(item.turns):
            put = re.search(r"I have put my (.+?) into the (.+?)\.", text)
            moved = re.search(r"just moved my (.+?) out of the .+? into the (.+?)\.", text)
            for found in filter(None, (put, moved)):
                where[found[1]] = found[2]
            if text.startswith(("Where is", "And where", "Last question")):
                asked = {thing for thing in where if f"my {thing}" in text}
                assert asked
                assert told[turn] == {where[thing] for thing in asked}
