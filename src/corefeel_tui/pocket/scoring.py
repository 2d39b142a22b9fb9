"""Is an answer right, by the world's rules;
knows items and texts, not where the texts came from.
"""

from __future__ import annotations

import json
import re

from .conversation import Item
from .describe import words_of
from .prose import BOOSTERS, HEDGES
from .refuse import looks_like_refusal
from .world import Place, handbook

DECISIONS = ("APPROVE", "REVISE", "VETO")
UNPARSED = "UNPARSED"


def decision(answer: str) -> str:
    """The decision of one whole JSON object, or UNPARSED."""
    try:
        parsed = json.loads(answer, object_pairs_hook=_without_duplicates)
    except ValueError:
        return UNPARSED
    label = parsed.get("decision") if isinstance(parsed, dict) else None
    return label if label in DECISIONS else UNPARSED


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def right(item: Item, replies: list[str]) -> bool:
    """Whether the model's replies to an item (one, or one per turn of a rolling item) are right."""
    answer = replies[-1].strip()
    match item.skill:
        case "judge":
            return decision(answer) == item.expected
        case "facts":
            return _carries(answer, item.expected)
        case "describe" if item.rule.startswith("explain"):
            return item.expected in answer
        case "describe":
            place = handbook().places[item.expected]
            return described(place, item.rule.removeprefix("register:"), answer)
        case "reason":
            return answer.endswith(item.expected)
        case "recall":
            return answer.rstrip(".") == item.expected.rstrip(".")
        case "converse":
            return all(keeps_constraint(item, reply) for reply in replies)
        case _ if item.rule == "persona":
            return all(reply.strip().endswith(item.expected) for reply in replies)
        case _:
            return looks_like_refusal(answer) == (item.expected == "refuse")


def keeps_constraint(item: Item, reply: str) -> bool:
    """Whether one reply opens and closes as the conversation's constraint wants."""
    before, after = item.facts["before"].strip(), item.facts["after"].strip()
    return reply.strip().startswith(before) and reply.strip().endswith(after)


def tracks(item: Item, replies: list[str]) -> bool:
    """Whether the last reply of a long conversation names the right thing."""
    return replies[-1].strip() == item.expected.strip()


def described(place: Place, register: str, text: str) -> bool:
    """True when the text is in the register and none of its districts, owners or years is wrong."""
    world, lower = handbook(), text.lower()
    wrong_district = any(name in text for name in world.districts if name != place.district)
    wrong_person = any(name in text for name in world.people if name != place.owner)
    if wrong_district or wrong_person:
        return False
    years = re.findall(r"\b\d{3}\b", text)
    if any(int(year) != place.year for year in years):
        return False
    wrong_tone = HEDGES if place.year_is_sure else BOOSTERS
    if years and any(phrase in lower for phrase in wrong_tone):
        return False
    return bool(words_of(register) & set(re.findall(r"[a-z-]+", lower)))


def _carries(answer: str, value: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", answer) is not None
