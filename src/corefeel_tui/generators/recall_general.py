"""Needles in long plain prose: a grid of depth × length, one needle, one among many, several.

Knows where each needle stands; the prose around it is made of everyday sentences that hold no
code, so that nothing else can be mistaken for a needle.  Length is counted in words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from corefeel_tui.generators.grid import cell
from corefeel_tui.items import Check, Item

LENGTHS = (250, 1000, 4000)
KINDS = ("single", "multi_key", "several")
KEYS = 8
"""Needles in the text where several keys stand side by side."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


PEOPLE = _listed("Agnes|Boris|Celia|Duncan|Edith|Fergus|Helga|Ivan|Judith|Karl|Lotte|Milo")
PLACES = _listed(
    "the bakery|the ferry|the town hall|the market|the old bridge|the library|the orchard|"
    "the harbour wall|the post office|the school yard|the chapel|the mill pond"
)
ACTS = _listed(
    "waited a while near|walked slowly past|met an old friend at|left a basket at|"
    "drew a picture of|asked for news at|came back in the rain from|told a story about|"
    "planted a small tree behind|lost a glove somewhere near"
)
ENDS = _listed(
    "before breakfast|on a windy afternoon|without saying much|while the bells were ringing|"
    "as the shops were closing|and then went home|although it was late|with great patience|"
    "for no particular reason|as everyone expected"
)
THINGS = _listed(
    "violin|lighthouse|tractor|glacier|compass|orchid|anvil|pelican|lantern|saddle|teapot|"
    "hammock|beehive|anchor|kettle|mirror"
)
NEEDLE = "The code of the {k} is {v}."


def items(count: int, seed: int, lengths: Sequence[int] = LENGTHS) -> list[Item]:
    """Lengths take turns, then depths, then kinds."""
    made = []
    for index in range(count):
        at = cell(index, len(lengths))
        kind = KINDS[at.round % len(KINDS)]
        rng = random.Random(f"recall:{seed}:{index}")
        made.append(_item(rng, kind, lengths[at.length], at.depth, index))
    return made


def _item(rng: random.Random, kind: str, length: int, depth: int, index: int) -> Item:
    count = {"single": 1, "several": 3, "multi_key": KEYS}[kind]
    keys = rng.sample(THINGS, count)
    codes = [str(code) for code in rng.sample(range(1000, 10_000), count)]
    needles = [NEEDLE.format(k=key, v=code) for key, code in zip(keys, codes, strict=True)]
    text = haystack(rng, needles, length, depth)
    wanted = codes if kind == "several" else codes[:1]
    named = ", ".join(f"the {key}" for key in keys[: len(wanted)])
    verb = "are the codes" if kind == "several" else "is the code"
    return Item(
        id=f"{kind.replace('_', '-')}-{length}-{depth}-{index:03d}",
        prompt=f"Read the text and answer the question at its end.\n\n{text}\n\n"
        f"What {verb} of {named}? Answer with the digits only.",
        expected=" ".join(wanted),
        domain="prose",
        tags=(kind,),
        group={"kind": kind, "depth": depth, "length": length, "needles": count},
        checks=tuple(
            Check(kind="needle", rule="pattern", value=rf"(?<!\d){code[0]},?{code[1:]}(?!\d)")
            for code in wanted
        ),
        replies=(", ".join(wanted),),
    )


def haystack(rng: random.Random, needles: list[str], length: int, depth: int) -> str:
    """About `length` words with the first needle at `depth` per cent and the others anywhere."""
    room = length - sum(len(needle.split()) for needle in needles)
    sentences: list[str] = []
    words = 0
    while words < room:
        sentences.append(_sentence(rng))
        words += len(sentences[-1].split())
    for needle in needles[1:]:
        sentences.insert(rng.randint(0, len(sentences)), needle)
    sentences.insert(round(depth / 100 * len(sentences)), needles[0])
    return " ".join(sentences)


def _sentence(rng: random.Random) -> str:
    parts = (rng.choice(PEOPLE), rng.choice(ACTS), rng.choice(PLACES), rng.choice(ENDS))
    return " ".join(parts) + "."
