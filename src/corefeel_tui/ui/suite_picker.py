"""Prompts of the suites to pick from: what each brings along, and a list to search in.

Knows what a suite tells of its items; how suites are read and checked is `suites`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui.errors import CorefeelError
from corefeel_tui.text.inert import one_line, preview

if TYPE_CHECKING:
    from corefeel_tui.suites import Suite

LISTED = 300
"""Longest list shown at once; the search finds the rest."""

MADE = 60
"""How many items of a generated suite are worth a look by hand."""


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
                choices += _choices(suite.made(min(suite.size, MADE)))
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


class SuitePicker(ModalScreen[PromptChoice | None]):
    """Search the suites' prompts and take one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        ("down", "list", "list"),
    ]

    def __init__(self, pocket: bool) -> None:
        super().__init__()
        self._pocket = pocket
        self._choices: list[PromptChoice] = []
        self._shown: list[PromptChoice] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "prompts"
            yield Input(placeholder="search", compact=True)
            yield OptionList(markup=False, compact=True)
            yield Static("⏎ take · ↓ list · esc close", classes="dialog-keys", markup=False)

    async def on_mount(self) -> None:
        self._choices, faults = await asyncio.to_thread(prompt_choices, self._pocket)
        for fault in faults:
            self.notify(one_line(fault, 300), severity="warning", markup=False)
        self._list(self.query_one(Input).value)

    def _list(self, words: str) -> None:
        wanted = words.lower().split()
        self._shown = [c for c in self._choices if all(w in _haystack(c) for w in wanted)][:LISTED]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(_line(choice)) for choice in self._shown)
        if not self._shown:
            options.add_option(Option(Content("no prompt fits"), disabled=True))
        options.highlighted = 0 if self._shown else None

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        self._list(event.value)

    @on(Input.Submitted)
    def take_highlighted(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and self._shown:
            self.dismiss(self._shown[at])

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        if self._shown:
            self.dismiss(self._shown[event.option_index])

    def action_list(self) -> None:
        self.query_one(OptionList).focus()


def _haystack(choice: PromptChoice) -> str:
    return f"{choice.suite} {choice.item} {choice.expected} {choice.prompt}".lower()


def _line(choice: PromptChoice) -> Content:
    head = f"{choice.suite} {choice.item:<14}"
    expected = f" {one_line(choice.expected, 12):<13}"
    return Content.assemble((head, "$accent"), expected, preview(choice.prompt))
