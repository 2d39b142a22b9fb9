"""Needles in Pocket's language: ledgers and prose, a grid of depth × length in words.

Knows where the asked line stands; lines, filler and questions are the bundled model's own forms.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from corefeel_tui.generators.grid import cell
from corefeel_tui.items import Check, Item
from corefeel_tui.pocket import words
from corefeel_tui.pocket.conversation import is_heldout
from corefeel_tui.pocket.corpus import HELDOUT_SEED
from corefeel_tui.pocket.describe import filler
from corefeel_tui.pocket.domains import coined
from corefeel_tui.pocket.recall import LEDGER, PROSE
from corefeel_tui.pocket.world import handbook

LENGTHS = (60, 120, 240, 360)
KINDS = ("ledger", "prose", "ledger-two", "prose-two")
WORDS_PER_LINE = {"ledger": 4, "prose": 7}
LOCKERS = range(10, 100)
"""Locker numbers have two digits; a longer ledger than that is written as prose."""

Pairs = tuple[tuple[str, str], ...]


def items(count: int, seed: int, lengths: Sequence[int] = LENGTHS) -> list[Item]:
    """Lengths take turns, then depths, then kinds."""
    made = []
    for index in range(count):
        at = cell(index, len(lengths))
        kind, _, two = KINDS[at.round % len(KINDS)].partition("-")
        length = lengths[at.length]
        if kind == "ledger" and length // WORDS_PER_LINE["ledger"] > len(LOCKERS):
            kind = "prose"
        rng = random.Random(f"{HELDOUT_SEED}:recall:{seed}:{index}")
        made.append(_item(rng, kind, bool(two), length, at.depth, index))
    return made


def _item(rng: random.Random, kind: str, two: bool, length: int, depth: int, index: int) -> Item:
    lines = max(4, length // WORDS_PER_LINE[kind])
    pairs, form = _pairs(rng, kind, lines)
    if kind == "ledger":
        text, first = _ledger(pairs, form, depth)
    else:
        text, first = _prose(rng, pairs, form, lines, depth)
    asked = [pairs[first]]
    if two:
        asked.append(rng.choice([pair for pair in pairs if pair != pairs[first]]))
    question, answer = _question(kind, asked)
    return Item(
        id=f"{kind}-{len(asked)}-{length}-{depth}-{index:03d}",
        prompt=f"Read this.\n{text}\n{question}",
        expected=answer.rstrip("."),
        domain=kind,
        tags=(kind, "multi-key" if two else "single"),
        group={"kind": kind, "depth": depth, "length": length, "needles": len(asked)},
        checks=tuple(Check(kind="needle", rule="contains", value=value) for _, value in asked),
        replies=(answer,),
    )


def _pairs(rng: random.Random, kind: str, lines: int) -> tuple[Pairs, int]:
    """Keys with values, and a wording, that together training never saw."""
    while True:
        pairs = _lockers(rng, lines) if kind == "ledger" else _words(rng, lines)
        for form in range(len(LEDGER if kind == "ledger" else PROSE)):
            if is_heldout(("recall", kind, form, pairs)):
                return pairs, form


def _lockers(rng: random.Random, lines: int) -> Pairs:
    names = [f"{adjective} {thing}" for adjective in words.ADJECTIVES for thing in words.OBJECTS]
    numbers = rng.sample(LOCKERS, lines)
    return tuple((str(n), name) for n, name in zip(numbers, rng.sample(names, lines), strict=True))


def _words(rng: random.Random, lines: int) -> Pairs:
    keys = rng.sample((*words.FIRST_NAMES, *words.STREETS, *words.DISTRICTS), _needles(lines))
    return tuple((key, coined(rng)) for key in keys)


def _needles(lines: int) -> int:
    return min(max(2, lines // 4), 12)


def _ledger(pairs: Pairs, form: int, depth: int) -> tuple[str, int]:
    """The text and which pair stands at the depth asked for."""
    rows = [LEDGER[form].format(k=key, v=value) for key, value in pairs]
    return "\n".join(rows), round(depth / 100 * (len(rows) - 1))


def _prose(rng: random.Random, pairs: Pairs, form: int, lines: int, depth: int) -> tuple[str, int]:
    """Filler with the pairs spread over it in their order, one of them at the depth asked for."""
    asked = round(depth / 100 * (len(pairs) - 1))
    said = [PROSE[form].format(k=key, v=value) for key, value in pairs]
    fillers = [filler(rng, handbook()) for _ in range(lines - len(pairs))]
    at = round(depth / 100 * (lines - 1))
    before = sorted(rng.sample(range(at), asked))
    after = sorted(rng.sample(range(at + 1, lines), len(pairs) - 1 - asked))
    rows = iter(fillers)
    spots = dict(zip([*before, at, *after], said, strict=True))
    return " ".join(spots.get(row) or next(rows) for row in range(lines)), asked


def _question(kind: str, asked: list[tuple[str, str]]) -> tuple[str, str]:
    keys, values = [key for key, _ in asked], [value for _, value in asked]
    if kind == "ledger":
        what = "lockers {} and {}" if len(asked) == 2 else "locker {}"
        said = "The {} and the {}." if len(asked) == 2 else "The {}."
        return f"What is in {what.format(*keys)}?", said.format(*values)
    what = "words of {} and {}" if len(asked) == 2 else "word of {}"
    verb = "are" if len(asked) == 2 else "is"
    return f"What {verb} the {what.format(*keys)}?", " and ".join(values) + "."
