"""Held-out items as the text of a suite file; draws none and runs none."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .conversation import Item


def suite_file(head: str, items: Iterable[tuple[str, Item]]) -> str:
    """A whole file: the `[suite]` table as given, then every item under its id."""
    return "\n".join([head, *(_table(name, item) for name, item in items)])


def expected(item: Item) -> str | None:
    """What stands in a right answer, where there is one such text."""
    return None if item.rule.startswith("register") else item.expected


def _table(name: str, item: Item) -> str:
    asked = [text for role, text in item.messages if role == "user"]
    system = [text for role, text in item.messages if role == "system"]
    lines = ["[[item]]", f'id = "{name}"', *(f"system = {json.dumps(text)}" for text in system)]
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
    return f"'''\n{text}'''" if "\n" in text else json.dumps(text)
