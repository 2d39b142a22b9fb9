"""The prompts to try first, ten for each skill, as a suite file; all are held-out items."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import zip_longest

from .conversation import Item
from .corpus import SKILLS, heldout_items

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


def expected(item: Item) -> str | None:
    """What stands in a right answer, where there is one such text."""
    return None if item.rule.startswith("register") else item.expected


def suite_text() -> str:
    """The whole file."""
    tables = [
        _table(f"{skill}-{number}", item)
        for skill in SKILLS
        for number, item in enumerate(chosen(skill), 1)
    ]
    return "\n".join([HEAD, *tables])


def _table(name: str, item: Item) -> str:
    asked = [text for role, text in item.messages if role == "user"]
    lines = ["[[item]]", f'id = "{name}"']
    if len(asked) == 1:
        lines.append(f"prompt = {_quoted(asked[0])}")
    else:
        lines += ["turns = [", *(f"  {_quoted(text)}," for text in asked), "]"]
    answer = expected(item)
    if answer is not None:
        lines.append(f"expected = {json.dumps(answer)}")
    lines += [f'tags = ["{item.skill}"]', ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    quote: Callable[[str], str] = json.dumps
    return f"'''\n{text}'''" if "\n" in text else quote(text)
