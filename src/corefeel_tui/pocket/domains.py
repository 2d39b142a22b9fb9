"""Places that are judged: what is handled there, how, at which risk; the town, those held out of
training, and made-up ones.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import words


@dataclass(frozen=True)
class Domain:
    name: str
    goods: tuple[str, ...]
    handlings: tuple[str, ...]
    harms: tuple[str, ...]
    measures: tuple[str, ...]


TOWN = Domain(
    "town",
    tuple(words.SUBSTANCES),
    tuple(words.HANDLINGS),
    tuple(words.HARMS),
    tuple(words.MEASURES),
)


def coined_domain(rng: random.Random) -> Domain:
    """A place of made-up words, judged by its evidence alone."""

    def some(count: int, *frames: str) -> tuple[str, ...]:
        return tuple(rng.choice(frames).format(_word(rng), _word(rng)) for _ in range(count))

    handlings = some(3, "{}ed", "{}ed under the {}", "{} by {}")
    return Domain("coined", some(3, "{}"), handlings, some(6, "{}"), some(3, "a {}", "two {} {}"))


def _word(rng: random.Random) -> str:
    """A good's name, or any letters in turn, so that every piece of the tokenizer may be met."""
    if rng.random() < 0.4:
        return coined(rng)
    return "".join(
        rng.choice("bcdfghklmnprstvwy") + rng.choice(("a", "e", "i", "o", "u", "ea", "ou", ""))
        for _ in range(rng.choice((2, 3, 3, 4)))
    )


def heldout_domain(name: str) -> Domain:
    lists = words.HELDOUT_DOMAINS[name]
    return Domain(
        name, *(tuple(lists[key]) for key in ("substances", "handlings", "harms", "measures"))
    )


def coined(rng: random.Random) -> str:
    """A good that no handbook knows."""
    return "".join(
        rng.choice(words.CODA_SYLLABLES) for _ in range(rng.choice((2, 3)))
    ) + rng.choice(("n", "x", "l", "th"))
