"""The model picker: Pocket, models opened before, the hub's cache, and a field for any other.

Knows names and what the library process tells of them; loads and fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui.errors import CorefeelError
from corefeel_tui.hub import HUB_ID
from corefeel_tui.text.inert import one_line
from corefeel_tui.text.numbers import size
from corefeel_tui.ui.widgets.writing import WritingLine

NAME_WIDTH = 36


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """`model` is a directory, a hub id, or None for Pocket; `detail` what is known of it."""

    model: str | None
    detail: str = ""

    @property
    def shown(self) -> str:
        """The name in the list; a home directory is not spelled out."""
        if self.model is None:
            return "Pocket"
        home = str(Path.home())
        return f"~{self.model.removeprefix(home)}" if self.model.startswith(home) else self.model


def details(entry: dict[str, object]) -> str:
    """What the library told of a model of the cache."""
    bits, base = entry.get("quantized"), entry.get("base")
    packed = "" if bits is None else f"{bits} bit" if bits else "quantized"
    parts = [size(float(str(entry.get("bytes", 0)))), str(entry.get("architecture", "")), packed]
    parts += [f"from {base}"] if base else []
    return " · ".join(part for part in parts if part)


def is_nameable(text: str, sought: bool) -> bool:
    """Whether a text may name a model that is in no list; a bare word does if nothing has it."""
    if text.startswith(("/", "~", ".")):
        return True
    return bool(HUB_ID.fullmatch(text)) and ("/" in text or not sought)


class ModelsScreen(ModalScreen[ModelChoice | None]):
    """Search the models that are here, or name another; dismissed with the choice, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        ("down", "list", "list"),
    ]

    def __init__(self, recents: Sequence[str], present: str | None) -> None:
        """`present` is the model that answers now, None for Pocket, "" if none does."""
        super().__init__()
        self._present = present
        self._recents = list(recents)
        self._cached: list[ModelChoice] = []
        self._shown: list[ModelChoice] = []
        self._looking = True
        self._trouble = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide models") as dialog:
            dialog.border_title = "models"
            yield WritingLine(placeholder="search, or a directory or hub id", compact=True)
            yield OptionList(markup=False, compact=True)
            yield Static("", id="state", markup=False)
            yield Static("⏎ load · ↓ list · esc close", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self._list()
        self.run_worker(self._look())

    async def _look(self) -> None:
        """Ask the library what the hub's cache holds."""
        from corefeel_tui import library
        from corefeel_tui.events import LibraryListed

        try:
            listed = await library.ask("list")
        except CorefeelError as error:
            self._trouble = one_line(str(error), 200)
        else:
            models = listed.models if isinstance(listed, LibraryListed) else []
            self._cached = [ModelChoice(str(m["model"]), details(m)) for m in models]
        self._looking = False
        self._list()

    def _choices(self) -> Iterator[tuple[str, ModelChoice]]:
        """(section, choice) of everything that is known; a model stands in its first section."""
        known = {choice.model: choice for choice in self._cached}
        yield "bundled", ModelChoice(None, "small, trained for this; always here")
        for model in self._recents:
            yield "opened before", known.pop(model, ModelChoice(model))
        for choice in known.values():
            yield "in the hub's cache", choice

    def _list(self) -> None:
        text = self.query_one(Input).value.strip()
        words = text.lower().split()
        found = [
            (section, choice)
            for section, choice in self._choices()
            if all(word in f"{choice.shown} {choice.detail}".lower() for word in words)
        ]
        known = any(choice.model == text for _, choice in found)
        if text and not known and is_nameable(text, bool(found)):
            found.append(("another", ModelChoice(text)))
        self._fill(found)
        self._tell(text)

    def _fill(self, found: Sequence[tuple[str, ModelChoice]]) -> None:
        options = self.query_one(OptionList)
        before = options.highlighted_option
        options.clear_options()
        self._shown, last = [], ""
        for section, choice in found:
            if section != last:
                options.add_option(Option(Content.styled(section, "$quiet"), disabled=True))
                last = section
            options.add_option(Option(self._line(choice), id=str(len(self._shown))))
            self._shown.append(choice)
        options.highlighted = self._place(before) if self._shown else None

    def _place(self, before: Option | None) -> int:
        """Where the mark goes: on the same line as before if there is one, else on the first."""
        options = self.query_one(OptionList)
        for at in range(options.option_count):
            option = options.get_option_at_index(at)
            if before is not None and not option.disabled and option.prompt == before.prompt:
                return at
        return 1

    def _line(self, choice: ModelChoice) -> Content:
        name = one_line(choice.shown, 90)
        now = " · answers now" if choice.model == self._present else ""
        return Content.assemble((f"  {name:<{NAME_WIDTH}}", "$accent"), f" {choice.detail}{now}")

    def _tell(self, text: str) -> None:
        """What the list cannot say."""
        state = self._trouble
        if self._looking:
            state = "looking into the hub's cache …"
        elif not self._shown:
            state = (
                f"no model here is called “{one_line(text, 60)}”; a hub id looks like owner/name"
            )
        elif not self._recents and not self._cached:
            state = "no other model is here yet: type a directory, or a hub id to fetch one"
        self.query_one("#state", Static).update(state)

    @on(Input.Changed)
    def search(self) -> None:
        self._list()

    @on(Input.Submitted)
    def take_highlighted(self) -> None:
        option = self.query_one(OptionList).highlighted_option
        if option is not None and option.id is not None:
            self.dismiss(self._shown[int(option.id)])

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        if event.option_id is not None:
            self.dismiss(self._shown[int(event.option_id)])

    def action_list(self) -> None:
        self.query_one(OptionList).focus()
