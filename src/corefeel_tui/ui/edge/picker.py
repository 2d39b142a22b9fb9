"""Ladders and suites to choose from, each with the labels it is weighed by.

Knows what suites there are; asks nothing of an engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui.edge.readouts import Readout, of_suite
from corefeel_tui.edge.slots import ladders_of
from corefeel_tui.errors import CorefeelError
from corefeel_tui.suites import Suite, load_suite, suite_files
from corefeel_tui.text.inert import one_line, preview
from corefeel_tui.ui.suite_picker import is_for

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LadderChoice:
    """A ladder of a suite, the mildest rung first."""

    suite: str
    name: str
    rungs: tuple[str, ...]
    readout: Readout
    system: str | None = None


def suites_with_labels(pocket: bool) -> list[tuple[Suite, Readout]]:
    """The suites in the model's dialect whose labels can be weighed ahead of the answer."""
    found = []
    for path in suite_files():
        try:
            suite = load_suite(path)
            if not suite.mix and is_for(suite, pocket):
                found.append((suite, of_suite(suite)))
        except CorefeelError:
            continue  # Batch and the prompts' picker say what is wrong with a file
    return found


def ladder_choices(pocket: bool) -> list[LadderChoice]:
    """Every ladder of every such suite."""
    found = []
    for suite, readout in suites_with_labels(pocket):
        for name, rungs in ladders_of(suite.made()).items():
            system = suite.suite.system
            found.append(LadderChoice(suite.name, name, tuple(rungs), readout, system))
    return found


class _Chooser(ModalScreen[T | None]):
    """Search a list and take one line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        ("down", "list", "list"),
    ]

    def __init__(self, pocket: bool) -> None:
        super().__init__()
        self.pocket = pocket
        self._lines: list[tuple[Content, T]] = []
        self._shown: list[T] = []

    def title_line(self) -> tuple[str, str]:
        """What stands over the list, and what it says while it is empty."""
        raise NotImplementedError

    def choices(self) -> Sequence[tuple[Content, T]]:
        """Lines and what each means; called off this thread."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = self.title_line()[0]
            yield Input(placeholder="search", compact=True)
            yield OptionList(markup=False, compact=True)
            yield Static("⏎ take · ↓ list · esc close", classes="dialog-keys", markup=False)

    async def on_mount(self) -> None:
        self._lines = list(await asyncio.to_thread(self.choices))
        self._list(self.query_one(Input).value)

    def _list(self, words: str) -> None:
        wanted = words.lower().split()
        fitting = [
            line for line in self._lines if all(word in line[0].plain.lower() for word in wanted)
        ]
        self._shown = [meaning for _, meaning in fitting]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(content) for content, _ in fitting)
        if not fitting:
            options.add_option(Option(Content(self.title_line()[1]), disabled=True))
        options.highlighted = 0 if fitting else None

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        event.stop()
        self._list(event.value)

    @on(Input.Submitted)
    def take_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None and self._shown:
            self.dismiss(self._shown[at])

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        if self._shown:
            self.dismiss(self._shown[event.option_index])

    def action_list(self) -> None:
        self.query_one(OptionList).focus()


class LadderPicker(_Chooser[LadderChoice]):
    """Dismissed with a `LadderChoice`, or None."""

    def title_line(self) -> tuple[str, str]:
        return (
            "ladders of the suites · or write {mild|strong|strongest} into the prompt",
            "no suite with labels has a ladder; write one: {mild|strong|strongest}",
        )

    def choices(self) -> Sequence[tuple[Content, LadderChoice]]:
        return [(_ladder_line(choice), choice) for choice in ladder_choices(self.pocket)]


class SuiteChooser(_Chooser[str]):
    """Dismissed with a suite's name, or None."""

    def title_line(self) -> tuple[str, str]:
        return "search the narrowest items of a suite", "no suite has labels to weigh"

    def choices(self) -> Sequence[tuple[Content, str]]:
        found = suites_with_labels(self.pocket)
        return [(_suite_line(suite, readout), suite.name) for suite, readout in found]


def _ladder_line(choice: LadderChoice) -> Content:
    head = f"{choice.suite.partition('@')[0]} {one_line(choice.name, 20):<20} "
    return Content.assemble(
        (head, "$accent"), f"{len(choice.rungs)} rungs  ", preview(choice.rungs[-1], 120)
    )


def _suite_line(suite: Suite, readout: Readout) -> Content:
    return Content.assemble(
        (f"{suite.name:<18} ", "$accent"),
        f"{readout.title:<18} ",
        one_line(suite.suite.description, 120),
    )
