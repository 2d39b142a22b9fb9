"""Conversations of thirteen turns in plain English: a constraint, moved things, changes of topic.

Knows what was said when, and so what each later reply must carry; nothing of how it is worded.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from corefeel_tui.evidence import Rule
from corefeel_tui.items import Check, Item


class Constraint(NamedTuple):
    """A rule for every reply: how it is said, checked, and kept by a right reply."""

    name: str
    said: str
    rule: Rule
    value: str
    keep: Callable[[str], str]


class Topic(NamedTuple):
    """A question beside the point, words by which its topic is known, and a short answer."""

    asked: str
    words: str
    answer: str


CLOSING = r"[\s\"'*_.!”]*$"
OPENING = r"(?i)^[\s\"'*_“]*"

CONSTRAINTS = (
    Constraint(
        "close",
        "End every reply with the word Roger.",
        "pattern",
        r"(?i)\broger" + CLOSING,
        lambda text: f"{text} Roger.",
    ),
    Constraint(
        "open",
        "Begin every reply with the word Listen.",
        "pattern",
        OPENING + r"listen\b",
        lambda text: f"Listen: {text}",
    ),
    Constraint("short", "Use at most 25 words in every reply.", "max_words", "25", str),
    Constraint(
        "lower",
        "Write every reply in lower case, without one capital letter.",
        "lowercase",
        "",
        str.lower,
    ),
    Constraint("avoid", "Never use the word “and” in a reply.", "no_pattern", r"(?i)\band\b", str),
    Constraint(
        "statement",
        "Never ask me anything: no question mark in any reply.",
        "no_pattern",
        r"\?",
        str,
    ),
    Constraint(
        "address",
        "Call me Skipper in every reply.",
        "pattern",
        r"(?i)\bskipper\b",
        lambda text: f"Skipper, {text}",
    ),
    Constraint(
        "sign",
        "Put the sign ## at the end of every reply.",
        "pattern",
        "##" + CLOSING,
        lambda text: f"{text} ##",
    ),
)

TOPICS = (
    Topic("What should I look for when I buy a used bicycle?", "bicycle|bike", "Check the frame."),
    Topic("How do I keep basil alive on a windowsill?", "basil|herb", "Water it from below."),
    Topic(
        "How do I get red wine out of a tablecloth?", "wine|stain|tablecloth", "Use salt at once."
    ),
    Topic("What helps against hiccups?", "hiccup", "Hold your breath for a while."),
    Topic("How do I choose good walking boots?", "boot|shoe", "Try them on in the evening."),
    Topic("How long should I boil an egg?", "egg", "Seven minutes give a soft middle."),
    Topic("How do I start to learn the guitar?", "guitar", "Begin with three chords."),
    Topic("How do I sharpen a kitchen knife?", "knife|knives|sharpen", "Use a whetstone."),
    Topic("What should I pack for a night in a tent?", "tent|camp", "Pack a warm mat."),
    Topic("How do I stop a door from squeaking?", "door|squeak|hinge", "Oil the hinges."),
)
THINGS = ("passport", "spare key", "torch", "wallet", "camera", "notebook", "headset", "umbrella")
SPOTS = (
    "blue drawer",
    "hall cupboard",
    "kitchen shelf",
    "red suitcase",
    "garden shed",
    "laundry basket",
    "desk tray",
    "bread bin",
)
SISTERS = ("Marta", "Lena", "Olga", "Nina", "Ruth", "Vera")
MONTHS = ("January", "March", "April", "June", "August", "October", "November")

Turn = tuple[str, str, tuple[Check, ...]]


def items(count: int, seed: int) -> list[Item]:
    """The constraints take turns."""
    return [
        _item(random.Random(f"turns:{seed}:{n}"), CONSTRAINTS[n % len(CONSTRAINTS)], n)
        for n in range(count)
    ]


def _item(rng: random.Random, constraint: Constraint, number: int) -> Item:
    turns = _script(rng, constraint)
    kept = Check(kind="constraint", rule=constraint.rule, value=constraint.value)
    return Item(
        id=f"{constraint.name}-{number:03d}",
        turns=tuple(asked for asked, _, _ in turns),
        domain="everyday",
        tags=(constraint.name,),
        group={"constraint": constraint.name, "turns": len(turns)},
        checks=(kept, *(check for _, _, checks in turns for check in checks)),
        replies=tuple(constraint.keep(reply) for _, reply, _ in turns),
    )


def _script(rng: random.Random, constraint: Constraint) -> list[Turn]:
    first, second = rng.sample(THINGS, 2)
    old, other, new = rng.sample(SPOTS, 3)
    sister, day, month = rng.choice(SISTERS), rng.randint(1, 28), rng.choice(MONTHS)
    advice, shift, last = rng.sample(TOPICS, 3)

    def entity(turn: int, *values: str) -> tuple[Check, ...]:
        return tuple(
            Check(kind="entity", rule="contains", value=value, turn=turn) for value in values
        )

    born = Check(
        kind="entity",
        rule="pattern",
        value=rf"(?i)(?<!\d){day}(?!\d).*\b{month}\b|\b{month}\b\D*{day}(?!\d)",
        turn=11,
    )
    topic = Check(kind="topic", rule="pattern", value=f"(?i){advice.words}", turn=10)
    where = f"Your {first} is in the {new}; your {second} is in the {other}."
    return [
        (
            f"A rule for this whole conversation: {constraint.said} Now: I have put my {first} "
            f"into the {old}. Please remember that.",
            f"Your {first} is in the {old}.",
            (),
        ),
        (advice.asked, advice.answer, ()),
        (
            f"My sister {sister} has her birthday on {day} {month}.",
            f"I will remember {day} {month}.",
            (),
        ),
        (f"I have put my {second} into the {other}.", f"It is in the {other}.", ()),
        (f"Where is my {first}?", f"In the {old}.", entity(4, old)),
        (shift.asked, shift.answer, ()),
        (
            f"I have just moved my {first} out of the {old} into the {new}.",
            f"It is now in the {new}.",
            (),
        ),
        (last.asked, last.answer, ()),
        (f"Where is my {first} now?", f"In the {new}.", entity(8, new)),
        (f"And where did I put my {second}?", f"In the {other}.", entity(9, other)),
        (
            "Back to the first thing I asked your advice on: what was it about, in a few words?",
            f"You asked: {advice.asked.removesuffix('?')}.",
            (topic,),
        ),
        (f"When is {sister}'s birthday?", f"On {day} {month}.", (born,)),
        (
            f"Last question: where are my {first} and my {second} at this moment?",
            where,
            entity(12, new, other),
        ),
    ]
