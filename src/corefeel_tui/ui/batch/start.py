"""The form that starts a batch: suites and mixes to pick, and how many items of each.

Knows what suites there are; asks nothing of an engine.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui.errors import CorefeelError
from corefeel_tui.text.inert import one_line
from corefeel_tui.text.numbers import plural
from corefeel_tui.ui.widgets.writing import WritingLine

FIRST = ("quick", "core")
"""Mixes worth trying before anything else."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to evaluate; `limit` keeps the first so many items of each suite."""

    suites: tuple[str, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class SuiteChoice:
    """A suite or a mix to pick."""

    name: str
    size: int
    description: str
    mix: bool


def suite_choices(pocket: bool) -> tuple[list[SuiteChoice], list[str]]:
    """Mixes, then the suites in the model's dialect; and what was wrong with a file."""
    from corefeel_tui.suites import ANY, load_suite, suite_files

    dialects = (ANY, "pocket" if pocket else "general")
    found: dict[str, SuiteChoice] = {}
    faults: list[str] = []
    for path in suite_files():
        try:
            suite = load_suite(path)
        except CorefeelError as error:
            faults.append(str(error))
            continue
        head = suite.suite
        if head.dialect in dialects and head.name != "try":
            found.setdefault(
                head.name, SuiteChoice(head.name, suite.size, head.description, bool(suite.mix))
            )
    return sorted(found.values(), key=_place), faults


def _place(choice: SuiteChoice) -> tuple[int, bool, str]:
    first = FIRST.index(choice.name) if choice.name in FIRST else len(FIRST)
    return first, not choice.mix, choice.name


class StartScreen(ModalScreen[Wish | None]):
    """Dismissed with what to evaluate, or None."""

    DEFAULT_CSS = """
    StartScreen .limit { height: 1; margin-top: 1; }
    StartScreen .limit Label { width: auto; color: $quiet; margin-right: 1; }
    StartScreen .limit Input { width: 12; }
    StartScreen #complaint { color: $error; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close"),
        Binding("space", "pick", "pick"),
    ]

    def __init__(self, pocket: bool) -> None:
        super().__init__()
        self._pocket = pocket
        self._choices: list[SuiteChoice] = []
        self._picked: set[str] = set()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "new batch"
            yield OptionList(markup=False, compact=True)
            with Horizontal(classes="limit"):
                yield Label("at most")
                yield WritingLine(placeholder="all", compact=True, restrict=r"\d*", max_length=6)
                yield Label("items of each suite")
            yield Static("", id="complaint", markup=False)
            yield Static(
                "⏎ start · space picks several · tab limit · esc close", classes="dialog-keys"
            )

    async def on_mount(self) -> None:
        self._choices, faults = await asyncio.to_thread(suite_choices, self._pocket)
        await asyncio.to_thread(_prepare)
        for fault in faults:
            self.notify(one_line(fault, 300), severity="warning", markup=False)
        options = self.query_one(OptionList)
        options.add_options(Option(self._line(choice)) for choice in self._choices)
        options.highlighted = 0 if self._choices else None
        options.focus()

    def _line(self, choice: SuiteChoice) -> Content:
        mark = "[x] " if choice.name in self._picked else "[ ] "
        about = one_line(choice.description, 100)
        return Content.assemble(
            mark,
            (f"{one_line(choice.name, 16):<13}", "bold"),
            (f"{plural(choice.size, 'item'):>10}  ", "$quiet"),
            (about, "$quiet"),
        )

    def action_pick(self) -> None:
        """Mark the highlighted suite, or take the mark away."""
        options = self.query_one(OptionList)
        at = options.highlighted
        if at is None or not options.has_focus:
            return
        self._picked ^= {self._choices[at].name}
        options.replace_option_prompt_at_index(at, self._line(self._choices[at]))

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def start(self) -> None:
        """What is marked, else what is highlighted."""
        at = self.query_one(OptionList).highlighted
        picked = tuple(c.name for c in self._choices if c.name in self._picked)
        if not picked and at is not None:
            picked = (self._choices[at].name,)
        text = self.query_one(Input).value
        if text and not int(text):
            self.query_one("#complaint", Static).update("at most how many? at least 1, or nothing")
        elif picked:
            self.dismiss(Wish(picked, int(text) if text else None))


def _prepare() -> None:
    """Import what counting needs before it is needed on the screen's own thread."""
    from corefeel_tui import batch_fold

    assert batch_fold
