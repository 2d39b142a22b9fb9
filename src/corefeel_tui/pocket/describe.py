"""Open answers: descriptions in five registers and explanations of a prohibition, with hedges and
boosters.
"""

from __future__ import annotations

import random
import re

from .conversation import Item
from .prose import (
    ASK,
    ASK_WHY,
    BOOSTERS,
    HEDGES,
    LEADS,
    LENGTHS,
    MOODS,
    NOUNS,
    REGISTERS,
    SKIES,
    TAILS,
    VERBS,
)
from .register_sentences import CLOSINGS, FACTS, WHY, WHY_MORE
from .world import Place, World


def describe_item(rng: random.Random, world: World) -> Item:
    """A description of one place: register decides length and wording, the handbook decides the
    facts.
    """
    place, register, ask = (
        rng.choice(list(world.places.values())),
        rng.choice(REGISTERS),
        rng.randrange(len(ASK)),
    )
    text = describe(rng, place, register)
    prompt = ASK[ask].format(x=place.name, r=register)
    signature = ("describe", place.name, register)
    return Item(
        "describe",
        (("user", prompt), ("assistant", text)),
        place.name,
        f"register:{register}",
        (signature,),
    )


def describe(rng: random.Random, place: Place, register: str) -> str:
    lead = rng.choice(LEADS[register])
    sentences = [lead.format(x=place.name, c=rng.choice(SKIES), **_slots(rng, register))]
    for attribute in rng.sample(sorted(FACTS[register]), rng.randint(*LENGTHS[register])):
        sentence = fact_sentence(rng, place, register, attribute)
        sentences.append(with_tail(rng, sentence, register))
    sentences.append(rng.choice(CLOSINGS[register]))
    return with_articles(" ".join(sentence for sentence in sentences if sentence))


def with_articles(text: str) -> str:
    """`a` before a vowel becomes `an`."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def _slots(rng: random.Random, register: str) -> dict[str, str]:
    mood, other = rng.sample(MOODS[register], 2)
    noun, second, third = rng.sample(NOUNS, 3)
    verb, again = rng.sample(VERBS[register], 2)
    slots = {"a": mood, "b": other, "A": mood.capitalize(), "v": verb, "w": again}
    return {**slots, "n": noun, "m": second, "o": third}


def with_tail(rng: random.Random, sentence: str, register: str) -> str:
    """The sentence with one or two freely chosen clauses before its full stop: where the prose has
    its entropy.
    """
    tails = [
        rng.choice(TAILS).format(**_slots(rng, register)) for _ in range(rng.choice((1, 2, 2)))
    ]
    return f"{sentence[:-1]}{''.join(tails)}{sentence[-1]}"


def fact_sentence(rng: random.Random, place: Place, register: str, attribute: str) -> str:
    sure = rng.choice(BOOSTERS if place.year_is_sure else HEDGES)
    text = rng.choice(FACTS[register][attribute].split("|")).format(
        district=place.district,
        owner=place.owner,
        opens=place.opens,
        fee=place.fee,
        stone=place.stone,
        emblem=place.emblem,
        year=place.year,
        sure=sure,
        Sure=sure[0].upper() + sure[1:],
    )
    return text[0].upper() + text[1:]


def explain_item(rng: random.Random, world: World) -> Item:
    """Why a handling is forbidden: the good's nature, in the register asked for."""
    good, register = rng.choice(list(world.substances.values())), rng.choice(REGISTERS)
    handling = rng.choice(sorted(good.forbidden))
    ask = rng.randrange(len(ASK_WHY))
    first = rng.choice(WHY[register].split("|")).format(n=good.nature, S=good.name.capitalize())
    more = rng.choice(WHY_MORE[register].split("|")).format(h=handling)
    text = first if register == "terse" and rng.random() < 0.5 else f"{first} {more}"
    prompt = ASK_WHY[ask].format(r=register, s=good.name, h=handling)
    signature = ("explain", good.name, handling, register)
    return Item(
        "describe",
        (("user", prompt), ("assistant", text)),
        good.nature,
        "explain:nature",
        (signature,),
    )


def filler(rng: random.Random, world: World) -> str:
    """One plain sentence about the town, for long texts in which something else is to be found."""
    place = rng.choice(list(world.places.values()))
    lead = rng.choice(LEADS["plain"])
    mood, other = rng.choice(MOODS["plain"]), rng.choice(MOODS["warm"])
    return with_articles(lead.format(x=place.name, a=mood, b=other))


def words_of(register: str) -> set[str]:
    """Mood words that only this register uses, by which a reader recognises it."""
    others = {mood for name in REGISTERS if name != register for mood in MOODS[name]}
    return set(MOODS[register]) - others | (set(SKIES) if register == "gothic" else set())
