"""Search a list and take one line; knows lines and words, not what they stand for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui.text.inert import one_line
from corefeel_tui.ui.widgets.writing import WritingLine

LISTED = 300
"""Longest list shown at once; the search finds the rest."""

T = TypeVar("T")


class Choice(NamedTuple, Generic[T]):
    """One line: what is shown, the words it is found by, and what it means."""

    shown: Content
    words: str
    meaning: T


class Offer(NamedTuple, Generic[T]):
    """All lines, and sentences on what could not be read."""

    choices: Sequence[Choice[T]]
    faults: Sequence[str] = ()


class Chooser(ModalScreen[T | None]):
    """Dismissed with the meaning of a line, or None; `empty` stands where no line fits.

    `offer` is called once, off this thread.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        ("down", "list", "list"),
    ]

    def __init__(self, title: str, empty: str, offer: Callable[[], Offer[T]]) -> None:
        super().__init__()
        self._title, self._empty, self._offer = title, empty, offer
        self._choices: Sequence[Choice[T]] = ()
        self._shown: list[Choice[T]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = self._title
            yield WritingLine(placeholder="search", compact=True)
            yield OptionList(markup=False, compact=True)
            yield Static("⏎ take · ↓ list · esc close", classes="dialog-keys", markup=False)

    async def on_mount(self) -> None:
        self._choices, faults = await asyncio.to_thread(self._offer)
        for fault in faults:
            self.notify(one_line(fault, 300), severity="warning", markup=False)
        self._list(self.query_one(Input).value)

    def _list(self, words: str) -> None:
        wanted = words.lower().split()
        fitting = (c for c in self._choices if all(w in c.words.lower() for w in wanted))
        self._shown = list(fitting)[:LISTED]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(choice.shown) for choice in self._shown)
        if not self._shown:
            options.add_option(Option(Content(self._empty), disabled=True))
        options.highlighted = 0 if self._shown else None

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        event.stop()
        self._list(event.value)

    @on(Input.Submitted)
    def take_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take(self.query_one(OptionList).highlighted)

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        self._take(event.option_index)

    def _take(self, at: int | None) -> None:
        if at is not None and self._shown:
            self.dismiss(self._shown[at].meaning)

    def action_list(self) -> None:
        self.query_one(OptionList).focus()
