"""Every fork of a session: how many of each kind, and which; Enter opens one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from corefeel_tui import forks
from corefeel_tui.events import Healed
from corefeel_tui.folding import Record
from corefeel_tui.healing import ForkLabel
from corefeel_tui.role_drift import forks_by_role
from corefeel_tui.text.inert import inert, one_line
from corefeel_tui.text.numbers import change, plural
from corefeel_tui.ui.forks.page import said, token

ORDER = [ForkLabel.VERDICT, ForkLabel.DRIFT, ForkLabel.CUT_OFF, ForkLabel.TIE_BREAK]
"""What is looked at first."""


class TallyScreen(ModalScreen[forks.Place | None]):
    """Dismissed with the fork to look at, or None; `progress` is (done, total) while it runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,H,q", "dismiss(None)", "close"),
        ("x", "cancel", "cancel"),
    ]

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record
        self.progress: tuple[int, int] | None = None
        self.cancelling = False
        self._places: list[forks.Place] = []
        self._ready = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "every fork of this session"
            yield Static(id="says")
            yield OptionList(markup=False, compact=True)
            yield Static(id="progress")
            yield Static("⏎ open · x cancel the test · esc close", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._ready = True
        self.show()

    def show(self) -> None:
        """Bring counts, list and progress up to date."""
        if not self._ready:
            return
        self.query_one("#says", Static).update(Content("\n").join(_counts(self.record)))
        self.query_one("#progress", Static).update(Content(self._state()))
        ordered = sorted(self.record.healed.values(), key=_rank)
        places = [(healed.of, healed.variant) for healed in ordered]
        if places == self._places:
            return
        options = self.query_one(OptionList)
        kept = options.highlighted or 0
        self._places = places
        options.clear_options()
        options.add_options(Option(_line(self.record, healed)) for healed in ordered)
        options.highlighted = min(kept, len(places) - 1) if places else None

    def _state(self) -> str:
        if self.progress is None:
            return ""
        done, total = self.progress
        return f"{'stopping after' if self.cancelling else 'testing'} {done} of {total} forks …"

    def action_cancel(self) -> None:
        if self.progress is not None:
            self.cancelling = True
            self.show()
            self.app.run_worker(self.app.run_action("app.forks('cancel')"))

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        if self._places:
            self.dismiss(self._places[event.option_index])


def _rank(healed: Healed) -> tuple[int, str, str]:
    known = [label.value for label in ORDER]
    rank = known.index(healed.label) if healed.label in known else len(known)
    return rank, healed.of, healed.variant


def _counts(record: Record) -> Iterator[Content]:
    tally = forks.tally(record)
    head = "".join(f"  {label.value}" for label in ORDER)
    yield Content.styled(f"{'variant':<14}{'tested':>7}{head}", "$quiet")
    for variant, counts in tally.labels.items():
        cells = "".join(f"{counts.get(x.value, 0):>{len(x.value) + 2}}" for x in ORDER)
        yield Content(f"{one_line(variant, 13):<14}{sum(counts.values()):>7}{cells}")
    roles = forks_by_role(record)
    if roles:
        told = " · ".join(f"{role} {sum(counts.values())}" for role, counts in roles.items())
        yield Content.styled(f"the reference's token there: {told}", "$quiet")
    if not tally.labels:
        yield Content("no answer leaves the reference's here")
    for reason, count in tally.reasons.items():
        yield Content.styled(f"{plural(count, 'fork')} not tested: {reason}", "$quiet")
    if tally.waiting:
        yield Content.styled(f"{plural(tally.waiting, 'fork')} not tested yet", "$quiet")


def _line(record: Record, healed: Healed) -> Content:
    run = record.runs.get(healed.of)
    name = (run.started.item or one_line(run.started.prompt, 40)) if run else healed.of
    first, second = (
        token(record, healed.tokens.get(model)) for model in (healed.reference, healed.variant)
    )
    what = f"“{first}” / “{second}” {change(forks.moved(healed))}"
    space = " " * max(1, 18 - len(healed.label))
    return Content.assemble(
        said(healed.label),
        space,
        f"{one_line(healed.variant, 12):<13}",
        (f"{healed.position:>4}  ", "$quiet"),
        what,
        (f"   {inert(name)}", "$quiet"),
    )
