"""The handbook of the town: every fact, drawn once from a seed; knows no conversation."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from . import words

WORLD_SEED = 1871
PLACES = 320
PEOPLE = 160


@dataclass(frozen=True)
class Place:
    name: str
    owner: str
    district: str
    opens: int
    fee: int
    code: str
    stone: str
    emblem: str
    year: int
    year_is_sure: bool


@dataclass(frozen=True)
class Person:
    name: str
    trade: str
    street: str


@dataclass(frozen=True)
class Substance:
    name: str
    colour: str
    vault: int
    nature: str
    forbidden: frozenset[str]


class District(NamedTuple):
    name: str
    toll: int
    warden: str


class Trade(NamedTuple):
    name: str
    rebate: int
    patron: str


@dataclass(frozen=True)
class World:
    places: dict[str, Place]
    people: dict[str, Person]
    substances: dict[str, Substance]
    districts: dict[str, District]
    trades: dict[str, Trade]

    def forbids(self, substance: str, handling: str) -> bool:
        """The handbook's word on one handling; unknown substances are not forbidden anything."""
        known = self.substances.get(substance)
        return known is not None and handling in known.forbidden

    def fact_count(self) -> int:
        handlings = len(self.substances) * len(words.HANDLINGS)
        return (
            8 * len(self.places)
            + 2 * len(self.people)
            + 3 * len(self.substances)
            + handlings
            + 2 * len(self.districts)
            + 2 * len(self.trades)
        )


@cache
def handbook(seed: int = WORLD_SEED) -> World:
    """The one world of a seed."""
    rng = random.Random(seed)
    people = _people(rng)
    names = list(people)
    stems = [head + tail for head in words.STEM_HEADS for tail in words.STEM_TAILS]
    rng.shuffle(stems)
    places = {}
    for stem in stems[:PLACES]:
        place = _place(rng, f"{stem} {rng.choice(words.KINDS)}", rng.choice(names))
        places[place.name] = place
    substances = {name: _substance(rng, name) for name in words.SUBSTANCES}
    districts = {
        name: District(name, rng.randint(2, 9), rng.choice(names)) for name in words.DISTRICTS
    }
    trades = {
        name: Trade(name, rng.randint(1, 5), patron)
        for name, patron in zip(words.TRADES, words.PATRONS, strict=True)
    }
    return World(places, people, substances, districts, trades)


def _people(rng: random.Random) -> dict[str, Person]:
    pairs = [f"{first} {last}" for first in words.FIRST_NAMES for last in words.LAST_NAMES]
    chosen = rng.sample(pairs, PEOPLE)
    return {
        name: Person(name, rng.choice(words.TRADES), rng.choice(words.STREETS)) for name in chosen
    }


def _place(rng: random.Random, name: str, owner: str) -> Place:
    return Place(
        name=name,
        owner=owner,
        district=rng.choice(words.DISTRICTS),
        opens=rng.randint(5, 11),
        fee=rng.randint(2, 9),
        code=f"{rng.choice('ABCDEFGHKLMNPRST')}{rng.randint(10, 99)}",
        stone=rng.choice(words.STONES),
        emblem=rng.choice(words.EMBLEMS),
        year=rng.randint(100, 399),
        year_is_sure=rng.random() < 0.6,
    )


def _substance(rng: random.Random, name: str) -> Substance:
    forbidden = frozenset(rng.sample(words.HANDLINGS, rng.choice((2, 3, 3, 4))))
    return Substance(
        name, rng.choice(words.COLOURS), rng.randint(1, 9), rng.choice(words.NATURES), forbidden
    )
