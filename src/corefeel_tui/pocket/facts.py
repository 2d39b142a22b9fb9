"""Facts as questions with short answers, and as whole handbook cards; knows no other skill."""

from __future__ import annotations

import random
from typing import NamedTuple

from . import words
from .conversation import Item
from .question_forms import CARD_FORMS, HELDOUT_FORMS, IMPERATIVES, OPENINGS, TRAINED_FORMS
from .world import Place, World


class Fact(NamedTuple):
    """One fact: what it is about, which attribute, the value as an answer carries it, and the
    sentence that says it.
    """

    subject: str
    attribute: str
    value: str
    sentence: str


def year_phrase(place: Place) -> str:
    """The building year, hedged where the handbook is uncertain and boosted where it is sure."""
    return f"certainly {place.year}" if place.year_is_sure else f"perhaps {place.year}"


def place_facts(place: Place) -> list[Fact]:
    hour, fee, code = f"{place.opens} o'clock", f"{place.fee} marks", place.code
    rows = (
        ("owner", place.owner, f"{place.owner} owns it."),
        ("district", place.district, f"In {place.district}."),
        ("opens", str(place.opens), f"At {hour}."),
        ("fee", str(place.fee), f"It charges {fee}."),
        ("code", code, f"Its code is {code}."),
        ("stone", place.stone, f"Of {place.stone}."),
        ("emblem", place.emblem, f"Its sign is a {place.emblem}."),
        ("year", year_phrase(place), f"It was {year_phrase(place)}."),
    )
    return [Fact(place.name, *row) for row in rows]


def all_facts(world: World) -> list[Fact]:
    """Every fact except the handling rules, in a fixed order."""
    facts = [fact for place in world.places.values() for fact in place_facts(place)]
    for person in world.people.values():
        facts.append(Fact(person.name, "trade", person.trade, f"A {person.trade}."))
        facts.append(Fact(person.name, "street", person.street, f"In {person.street}."))
    for good in world.substances.values():
        facts.append(Fact(good.name, "colour", good.colour, f"It is {good.colour}."))
        facts.append(Fact(good.name, "vault", str(good.vault), f"In vault {good.vault}."))
        facts.append(Fact(good.name, "nature", good.nature, f"Beware: {good.nature}."))
        facts += [handling_fact(world, good.name, handling) for handling in words.HANDLINGS]
    for district in world.districts.values():
        facts.append(
            Fact(district.name, "toll", str(district.toll), f"The toll is {district.toll}.")
        )
        facts.append(
            Fact(district.name, "warden", district.warden, f"{district.warden} is warden.")
        )
    for trade in world.trades.values():
        facts.append(
            Fact(trade.name, "rebate", str(trade.rebate), f"The rebate is {trade.rebate}.")
        )
        facts.append(Fact(trade.name, "patron", trade.patron, f"{trade.patron}."))
    return facts


def handling_fact(world: World, good: str, handling: str) -> Fact:
    if world.forbids(good, handling):
        return Fact(f"{good}|{handling}", "handling", "No", "No. The handbook forbids it.")
    return Fact(f"{good}|{handling}", "handling", "Yes", "Yes. The handbook allows it.")


def question(fact: Fact, form: str) -> str:
    subject, _, handling = fact.subject.partition("|")
    return form.format(x=subject, h=handling)


def framed(rng: random.Random, form: str) -> str:
    """A trained form in other words around it."""
    if form.startswith("Name the") and rng.random() < 0.8:
        return rng.choice(IMPERATIVES) + form.removeprefix("Name the")
    opening = rng.choice(OPENINGS)
    follows = form[0].lower() + form[1:] if ", {q}" in opening else form
    return opening.replace("{q}", follows)


def fact_item(
    rng: random.Random,
    facts: list[Fact],
    heldout: bool = False,
    count: int = 1,
    frames: bool = False,
) -> Item:
    """`count` unrelated questions in one conversation;
    held-out items use only the forms training never sees, `frames` puts most in other words.
    """
    messages: list[tuple[str, str]] = []
    signatures: list[tuple[object, ...]] = []
    for fact in rng.sample(facts, count):
        forms = HELDOUT_FORMS if heldout else TRAINED_FORMS
        form = rng.choice(forms[fact.attribute])
        if frames and rng.random() < 0.8:
            form = framed(rng, form)
        messages += [("user", question(fact, form)), ("assistant", fact.sentence)]
        signatures.append(("fact", form, fact.subject))
    return Item(
        "facts", tuple(messages), fact.value, f"handbook:{fact.attribute}", tuple(signatures)
    )


def card_item(rng: random.Random, world: World, facts: dict[str, list[Fact]]) -> Item:
    """A whole handbook card: every fact of one subject, in shuffled order."""
    subject = rng.choice(list(facts))
    rows = list(facts[subject])
    rng.shuffle(rows)
    shown = f"the {subject}" if subject in world.places else subject
    form = rng.choice(CARD_FORMS)
    text = " ".join(f"{row.attribute.capitalize()}: {row.value}." for row in rows)
    order = tuple(row.attribute for row in rows)
    return Item(
        "facts",
        (("user", form.format(x=shown)), ("assistant", text)),
        text,
        "card",
        (("card", subject, order),),
    )


def cards(world: World) -> dict[str, list[Fact]]:
    """Facts by subject; one good's handling rules form one card of what is forbidden."""
    by_subject: dict[str, list[Fact]] = {}
    for fact in all_facts(world):
        if fact.attribute != "handling":
            by_subject.setdefault(fact.subject, []).append(fact)
    for good in world.substances.values():
        for handling in sorted(good.forbidden):
            by_subject[good.name].append(Fact(good.name, "never", handling, ""))
    return by_subject
