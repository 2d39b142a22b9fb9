"""Prompts of the suites to pick from: what each brings along, and a list to search in.

Knows what a suite tells of its items; how suites are read and checked is `suites`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.content import Content

from corefeel_tui.errors import CorefeelError
from corefeel_tui.text.inert import one_line, preview
from corefeel_tui.ui.screens.chooser import Choice, Chooser, Offer

if TYPE_CHECKING:
    from corefeel_tui.suites import Suite

MADE = 60
"""How many items of a suite are worth a look by hand where a generator makes them."""


@dataclass(frozen=True, slots=True)
class PromptChoice:
    """A suite's prompt with what the suite says about asking it."""

    suite: str
    item: str
    prompt: str
    system: str = ""
    max_tokens: int = 256
    verdict: dict[str, Any] | None = None
    expected: str = ""
    tags: tuple[str, ...] = ()


def prompt_choices(pocket: bool) -> tuple[list[PromptChoice], list[str]]:
    """The prompts in the model's dialect, those to try first; and what was wrong with a file."""
    from corefeel_tui.suites import load_suite, suite_files

    choices: list[PromptChoice] = []
    faults: list[str] = []
    for path in suite_files():
        try:
            suite = load_suite(path)
            if not suite.mix and is_for(suite, pocket):
                choices += _choices(suite.made(max(MADE, suite.written)))
        except CorefeelError as error:
            faults.append(str(error))
    return sorted(choices, key=lambda choice: choice.suite != "try"), faults


def is_for(suite: Suite, pocket: bool) -> bool:
    """Whether a suite is in the model's dialect; examples kept of an edge are of whatever model."""
    return (suite.suite.dialect == "pocket") == pocket or suite.suite.kind == "edge"


def _choices(suite: Suite) -> Iterator[PromptChoice]:
    head, verdict = suite.suite, suite.verdict
    for item in suite.item:
        yield PromptChoice(
            head.name,
            item.id,
            item.first_prompt.strip("\n"),
            item.system or head.system or "",
            head.max_tokens,
            verdict.as_dict() if verdict else None,
            item.expected or "",
            item.tags,
        )


def examples(choices: list[PromptChoice], count: int = 3) -> list[str]:
    """Prompts to try, each of another kind."""
    kinds = {choice.tags: choice.prompt for choice in reversed(choices) if choice.suite == "try"}
    return list(reversed(kinds.values()))[:count]


def prompt_picker(pocket: bool) -> Chooser[PromptChoice]:
    """Search the suites' prompts and take one; files that cannot be read are told."""

    def offer() -> Offer[PromptChoice]:
        found, faults = prompt_choices(pocket)
        return Offer([Choice(_line(one), _haystack(one), one) for one in found], faults)

    return Chooser("prompts", "no prompt fits", offer)


def _haystack(choice: PromptChoice) -> str:
    return f"{choice.suite} {choice.item} {choice.expected} {choice.prompt}"


def _line(choice: PromptChoice) -> Content:
    head = f"{choice.suite} {choice.item:<14}"
    expected = f" {one_line(choice.expected, 12):<13}"
    return Content.assemble((head, "$accent"), expected, preview(choice.prompt))
