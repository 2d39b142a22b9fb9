"""Items made by code: each generator is a pure function of count, seed and lengths.

Knows the generators' names and where they stand; fewer items are always the first of more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from corefeel_tui.items import Item

NAMES = {
    "verdicts-general": "verdicts_general",
    "reasoning-general": "reasoning_general",
    "recall-general": "recall_general",
    "turns-general": "turns_general",
    "verdicts-pocket": "verdicts_pocket",
    "refusal-pocket": "refusal_pocket",
    "style-pocket": "style_pocket",
    "reasoning-pocket": "reasoning_pocket",
    "recall-pocket": "recall_pocket",
    "turns-pocket": "turns_pocket",
    "domains-pocket": "domains_pocket",
}
"""The name a suite file writes, and the module whose `items` makes them."""


def make(name: str, count: int, seed: int, lengths: Sequence[int] = ()) -> list[Item]:
    """`count` items; `lengths` in words reach only generators of long texts."""
    items: Callable[..., list[Item]] = import_module(f"{__name__}.{NAMES[name]}").items
    return items(count, seed, tuple(lengths)) if lengths else items(count, seed)
