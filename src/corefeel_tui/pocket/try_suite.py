"""The prompts to try first, ten for each skill, as a suite file; all are held-out items."""

from __future__ import annotations

from itertools import zip_longest

from .conversation import Item
from .corpus import SKILLS, heldout_items
from .suite_file import suite_file

EACH = 10
HEAD = """\
# Written by `python -m corefeel_tui.pocket suite`; the town's rules derive every answer.
[suite]
name = "try"
kind = "try"
dialect = "pocket"
description = "Ten prompts for each thing Pocket can do; change a word and ask again."
max_tokens = 160
"""


def chosen(skill: str) -> list[Item]:
    """Ten short held-out items of one skill without a system prompt, rule after rule."""
    by_rule: dict[str, list[Item]] = {}
    for item in heldout_items(skill, 160):
        if item.messages[0][0] != "system" and _short(item):
            by_rule.setdefault(item.rule, []).append(item)
    in_turn = (item for row in zip_longest(*by_rule.values()) for item in row if item)
    return [item for item, _ in zip(in_turn, range(EACH), strict=False)]


def _short(item: Item) -> bool:
    limit = {"judge": 700, "recall": 900}.get(item.skill, 2000)
    return len(item.messages[0][1]) < limit


def suite_text() -> str:
    """The whole file."""
    return suite_file(
        HEAD,
        (
            (f"{skill}-{number}", item)
            for skill in SKILLS
            for number, item in enumerate(chosen(skill), 1)
        ),
    )
