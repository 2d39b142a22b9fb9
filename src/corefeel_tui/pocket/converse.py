"""Conversations of twelve and more turns: a constraint to keep, things that move, a topic to
return to.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from . import words
from .conversation import Item
from .facts import place_facts, question
from .ladders import TALK
from .question_forms import TRAINED_FORMS
from .world import Place, World


class Constraint(NamedTuple):
    """What every reply must carry: an opening, a closing, or an address;
    said once, at the start.
    """

    name: str
    text: str
    before: str
    after: str

    def apply(self, reply: str) -> str:
        return f"{self.before}{reply}{self.after}"

    def holds(self, reply: str) -> bool:
        reply = reply.strip()
        return reply.startswith(self.before.strip()) and reply.endswith(self.after.strip())


def constraint(rng: random.Random) -> Constraint:
    kind = rng.randrange(4)
    if kind == 0:
        word = rng.choice(words.MARKERS)
        close = f"{word[0].upper()}{word[1:]}."
        return Constraint(f"close:{word}", f"End every reply with: {word}.", "", f" {close}")
    if kind == 1:
        who = rng.choice(words.ADDRESSES)
        return Constraint(f"address:{who}", f"Begin every reply with: {who}.", f"{who}, ", "")
    if kind == 2:
        word = rng.choice(words.COLOURS).capitalize()
        return Constraint(
            f"colour:{word}", f"Start each answer with the word {word}.", f"{word}: ", ""
        )
    mark = rng.choice(("!!", "...", "~", "--", "**"))
    return Constraint(f"mark:{mark}", f"Put {mark} at the end of each answer.", "", f" {mark}")


class _Talk:
    """The state of one conversation: where things are, and the place first spoken of."""

    def __init__(self, rng: random.Random, world: World) -> None:
        self.rng = rng
        self.where: dict[str, str] = {}
        self.places = rng.sample(list(world.places.values()), 3)
        self.spoken: list[Place] = []

    def move(self) -> tuple[str, str, str]:
        thing, spot = self.rng.choice(words.OBJECTS), self.rng.choice(words.SPOTS)
        form = "I moved the {t} to the {s}." if thing in self.where else "I put the {t} in the {s}."
        self.where[thing] = spot
        return form.format(t=thing, s=spot), f"The {thing} is in the {spot}.", "tracks"

    def find(self) -> tuple[str, str, str]:
        if not self.where:
            return self.move()
        thing = self.rng.choice(list(self.where))
        asked = self.rng.choice(("Where is the {t}?", "Where did I leave the {t}?")).format(t=thing)
        return asked, f"The {thing} is in the {self.where[thing]}.", "tracks"

    def fact(self) -> tuple[str, str, str]:
        place = self.rng.choice(self.places)
        self.spoken.append(place)
        fact = self.rng.choice(place_facts(place))
        return question(fact, self.rng.choice(TRAINED_FORMS[fact.attribute])), fact.sentence, "fact"

    def back(self) -> tuple[str, str, str]:
        if not self.spoken:
            return self.fact()
        asked = self.rng.choice(
            (
                "Which place did I ask about first?",
                "Back to the start: which place came first?",
                "What was the first place we spoke of?",
            )
        )
        return asked, f"It was the {self.spoken[0].name}.", "returns"

    def small(self) -> tuple[str, str, str]:
        asks, replies = self.rng.choice(TALK)
        return self.rng.choice(asks), self.rng.choice(replies), "talk"

    def turn(self) -> tuple[str, str, str]:
        makers = (
            self.move,
            self.move,
            self.find,
            self.find,
            self.fact,
            self.fact,
            self.back,
            self.small,
        )
        return self.rng.choice(makers)()


def converse_item(rng: random.Random, world: World, turns: int) -> Item:
    """`turns` user turns under one constraint; the last asks for a thing or the first place."""
    rule, talk = constraint(rng), _Talk(rng, world)
    messages: list[tuple[str, str]] = [("system", rule.text)] if rng.random() < 0.5 else []
    said: list[str] = []
    kind = ""
    for index in range(turns):
        make = talk.turn if index < turns - 1 else rng.choice((talk.find, talk.back))
        asked, reply, kind = make()
        said.append(asked)
        opening = f"{rule.text} {asked}" if index == 0 and not messages else asked
        messages += [("user", opening), ("assistant", rule.apply(reply))]
    facts = {"before": rule.before, "after": rule.after}
    signature = ("converse", rule.name, tuple(said))
    return Item(
        "converse",
        tuple(messages),
        rule.apply(reply),
        f"constraint+{kind}",
        (signature,),
        rolling=True,
        facts=facts,
    )
