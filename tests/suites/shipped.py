"""The shipped suites with their items, made once for all tests; knows no test."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from corefeel_tui.evidence import Answer, SuitePlan
from corefeel_tui.items import Item
from corefeel_tui.suites import Suite, load_suite

PROMPTS = Path(__file__).parents[2] / "prompts"
FILES = sorted(path.name for path in PROMPTS.glob("*.toml"))
MIXES = ("core.toml", "quick.toml")
WITH_ITEMS = [name for name in FILES if name not in MIXES]
OURS = [name for name in WITH_ITEMS if name != "try.toml"]


@cache
def shipped(name: str) -> Suite:
    """A suite file with every item made."""
    return load_suite(PROMPTS / name).made()


def items(name: str) -> tuple[Item, ...]:
    """The items of a suite file."""
    return shipped(name).item


def plan(suite: Suite) -> SuitePlan:
    """As much of a plan as reading a label needs."""
    head = suite.suite
    rule = head.verdict.model_dump() if head.verdict else None
    return SuitePlan(suite.name, head.kind, len(suite.item), head.labels, verdict=rule)


def said(text: str) -> Answer:
    """A finished answer."""
    return Answer(text, reason="stop")
