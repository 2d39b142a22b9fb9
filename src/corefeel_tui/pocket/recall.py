"""Needles in long texts: a ledger or filler prose, several keys, several questions;
knows no handbook fact.
"""

from __future__ import annotations

import random

from . import words
from .conversation import Item
from .describe import filler
from .domains import coined
from .world import World

LEDGER = ("Locker {k}: {v}.", "Locker {k} holds the {v}.")
PROSE = ("The word of {k} is {v}.", "Remember that the word of {k} is {v}.")


def recall_item(rng: random.Random, world: World, lines: int, questions: int = 1) -> Item:
    """A text of `lines` lines and `questions` questions about it, each on one or two keys."""
    if rng.random() < 0.5:
        return _ledger(rng, lines, questions)
    return _prose(rng, world, lines, questions)


def copy_item(rng: random.Random, words_to_say: int) -> Item:
    """Coined words or ledger lines to be said back."""
    if rng.random() < 0.6:
        text = " ".join(coined(rng) for _ in range(words_to_say))
    else:
        numbers = rng.sample(range(10, 100), max(2, words_to_say // 4))
        text = "\n".join(
            LEDGER[0].format(k=n, v=f"{rng.choice(words.ADJECTIVES)} {rng.choice(words.OBJECTS)}")
            for n in numbers
        )
    asked = rng.choice(("Say this back:\n{t}", "Repeat this:\n{t}")).format(t=text)
    signature = ("copy", text)
    return Item("recall", (("user", asked), ("assistant", text)), text, "copy", (signature,))


def _ledger(rng: random.Random, lines: int, questions: int) -> Item:
    numbers = rng.sample(range(10, 100), min(lines, 90))
    pairs = {str(n): f"{rng.choice(words.ADJECTIVES)} {rng.choice(words.OBJECTS)}" for n in numbers}
    form = rng.randrange(len(LEDGER))
    text = "\n".join(LEDGER[form].format(k=key, v=value) for key, value in pairs.items())
    asks = "What is in locker {}?", "What is in lockers {} and {}?"
    return _ask(
        rng, f"Read this.\n{text}\n", pairs, questions, ("ledger", form), asks, LEDGER[form]
    )


def _prose(rng: random.Random, world: World, lines: int, questions: int) -> Item:
    count = min(max(1, lines // 4), 12)
    pairs: dict[str, str] = {}
    while len(pairs) < count:
        key = rng.choice((*words.FIRST_NAMES, *words.STREETS, *words.DISTRICTS))
        pairs[key] = coined(rng)
    form = rng.randrange(len(PROSE))
    asks = "What is the word of {}?", "What are the words of {} and {}?"
    sentences = [filler(rng, world) for _ in range(max(0, lines - count))]
    for key, value in pairs.items():
        sentences.insert(rng.randint(0, len(sentences)), PROSE[form].format(k=key, v=value))
    return _ask(
        rng,
        f"Read this.\n{' '.join(sentences)}\n",
        pairs,
        questions,
        ("prose", form),
        asks,
        "The word of {k} is {v}.",
    )


def _ask(
    rng: random.Random,
    text: str,
    pairs: dict[str, str],
    questions: int,
    form: tuple[object, ...],
    asks: tuple[str, str],
    says: str,
) -> Item:
    """Questions whose answers repeat the key before the value, as the text has it."""
    messages: list[tuple[str, str]] = []
    for index in range(questions):
        keys = rng.sample(list(pairs), 2 if len(pairs) > 1 and rng.random() < 0.35 else 1)
        asked = asks[len(keys) - 1].format(*keys)
        answer = " ".join(says.format(k=key, v=pairs[key]) for key in keys)
        messages += [("user", text + asked if index == 0 else asked), ("assistant", answer)]
    rule = "multi_key" if len(keys) == 2 else "single_key"
    signature = ("recall", *form, tuple(pairs.items()))
    return Item("recall", tuple(messages), answer, f"{rule}:{form[0]}", (signature,))
