"""Worked answers of two to six hops over handbook facts and arithmetic; knows no other skill."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from .conversation import Item
from .world import World


class Problem(NamedTuple):
    question: str
    steps: tuple[str, ...]
    result: str
    slots: tuple[object, ...]


def nights(rng: random.Random, world: World) -> Problem:
    place, count = rng.choice(list(world.places.values())), rng.randint(2, 9)
    asked = rng.choice(
        ("What do {n} nights at the {x} cost?", "I stay {n} nights at the {x}. What do I pay?")
    )
    steps = (
        f"The {place.name} charges {place.fee} marks.",
        f"{count} times {place.fee} is {count * place.fee}.",
    )
    return Problem(
        asked.format(n=count, x=place.name),
        steps,
        f"{count * place.fee} marks",
        (count, place.name),
    )


def nights_and_toll(rng: random.Random, world: World) -> Problem:
    place, count = rng.choice(list(world.places.values())), rng.randint(2, 9)
    toll, cost = world.districts[place.district].toll, count * place.fee
    asked = rng.choice(
        (
            "What do {n} nights at the {x} cost with the toll?",
            "{n} nights at the {x} and the toll: what in all?",
        )
    )
    steps = (
        f"The {place.name} charges {place.fee} marks.",
        f"{count} times {place.fee} is {cost}.",
        f"It lies in {place.district}.",
        f"The toll of {place.district} is {toll}.",
        f"{cost} plus {toll} is {cost + toll}.",
    )
    return Problem(
        asked.format(n=count, x=place.name), steps, f"{cost + toll} marks", (count, place.name)
    )


def nights_less_rebate(rng: random.Random, world: World) -> Problem:
    place, count = rng.choice(list(world.places.values())), rng.randint(2, 9)
    guest = world.people[rng.choice(list(world.people))]
    rebate, cost = world.trades[guest.trade].rebate, count * place.fee
    asked = rng.choice(
        (
            "What does {g} pay for {n} nights at the {x}?",
            "{g} stays {n} nights at the {x}. What is due after the rebate?",
        )
    )
    steps = (
        f"The {place.name} charges {place.fee} marks.",
        f"{count} times {place.fee} is {cost}.",
        f"{guest.name} is a {guest.trade}.",
        f"The rebate of a {guest.trade} is {rebate}.",
        f"{cost} minus {rebate} is {cost - rebate}.",
    )
    slots = (count, place.name, guest.name)
    return Problem(
        asked.format(g=guest.name, n=count, x=place.name), steps, f"{cost - rebate} marks", slots
    )


def two_fees(rng: random.Random, world: World) -> Problem:
    first, second = rng.sample(list(world.places.values()), 2)
    asked = rng.choice(
        ("What do the {x} and the {y} charge together?", "Add the fees of the {x} and the {y}.")
    )
    steps = (
        f"The {first.name} charges {first.fee} marks.",
        f"The {second.name} charges {second.fee} marks.",
        f"{first.fee} plus {second.fee} is {first.fee + second.fee}.",
    )
    slots = (first.name, second.name)
    return Problem(
        asked.format(x=first.name, y=second.name), steps, f"{first.fee + second.fee} marks", slots
    )


def owner_trade(rng: random.Random, world: World) -> Problem:
    place = rng.choice(list(world.places.values()))
    owner = world.people[place.owner]
    what, value = rng.choice((("trade", owner.trade), ("street", owner.street)))
    said = f"{owner.name} is a {value}." if what == "trade" else f"{owner.name} lives in {value}."
    steps = (f"The {place.name} belongs to {owner.name}.", said)
    return Problem(
        f"What is the {what} of the owner of the {place.name}?", steps, value, (what, place.name)
    )


def patron_of_owner(rng: random.Random, world: World) -> Problem:
    place = rng.choice(list(world.places.values()))
    owner = world.people[place.owner]
    patron = world.trades[owner.trade].patron
    steps = (
        f"The {place.name} belongs to {owner.name}.",
        f"{owner.name} is a {owner.trade}.",
        f"The patron of a {owner.trade} is {patron}.",
    )
    return Problem(
        f"Which saint guards the owner of the {place.name}?", steps, patron, (place.name,)
    )


def warden_trade(rng: random.Random, world: World) -> Problem:
    place = rng.choice(list(world.places.values()))
    warden = world.people[world.districts[place.district].warden]
    steps = (
        f"The {place.name} lies in {place.district}.",
        f"The warden of {place.district} is {warden.name}.",
        f"{warden.name} is a {warden.trade}.",
    )
    asked = f"What is the trade of the warden who watches the {place.name}?"
    return Problem(asked, steps, warden.trade, (place.name,))


def earlier(rng: random.Random, world: World) -> Problem:
    first, second = rng.sample(list(world.places.values()), 2)
    while first.opens == second.opens:
        second = rng.choice(list(world.places.values()))
    early = min(first, second, key=lambda place: place.opens)
    steps = (
        f"The {first.name} opens at {first.opens}.",
        f"The {second.name} opens at {second.opens}.",
        f"{min(first.opens, second.opens)} comes before {max(first.opens, second.opens)}.",
    )
    asked = f"Which opens earlier, the {first.name} or the {second.name}?"
    return Problem(asked, steps, f"the {early.name}", (first.name, second.name))


PROBLEMS: tuple[Callable[[random.Random, World], Problem], ...] = (
    nights,
    nights_and_toll,
    nights_less_rebate,
    two_fees,
    owner_trade,
    patron_of_owner,
    warden_trade,
    earlier,
)


def reason_item(rng: random.Random, world: World) -> Item:
    make = rng.choice(PROBLEMS)
    problem = make(rng, world)
    answer = " ".join((*problem.steps, f"Answer: {problem.result}."))
    signature = ("reason", make.__name__, *problem.slots)
    messages = (("user", problem.question), ("assistant", answer))
    return Item("reason", messages, f"Answer: {problem.result}.", make.__name__, (signature,))
