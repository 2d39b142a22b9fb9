"""What is being felt for: a prompt, the chat around it, and the labels that are weighed.

Pure: makes commands, sends none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from corefeel_tui.commands import Ladder, Meter, Scan, Search
from corefeel_tui.edge import readouts, slots
from corefeel_tui.edge.readouts import Readout
from corefeel_tui.errors import CorefeelError, UsageError
from corefeel_tui.folding import Run
from corefeel_tui.ui.edge import PREFIX

if TYPE_CHECKING:
    from corefeel_tui.suites import Suite
    from corefeel_tui.ui.suite_picker import PromptChoice

FEW = 10
"""How many of a suite's narrowest items one search looks into."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A prompt weighed under `readout`; `item` of `suite` is where it came from, if unchanged."""

    prompt: str = ""
    readout: Readout = field(default_factory=readouts.judge)
    system: str | None = None
    history: tuple[dict[str, str], ...] = ()
    thinking: bool = False
    suite: str | None = None
    item: str | None = None

    @property
    def measured(self) -> str:
        """The prompt as the meter reads it: every slot holds its first filler.

        Raises UsageError on a slot without fillers.
        """
        template = slots.parse(self.prompt, {})
        return template.fill([0] * len(template.slots))

    @property
    def filled(self) -> str:
        """Like `measured`; a prompt with a broken slot as it stands."""
        try:
            return self.measured
        except UsageError:
            return self.prompt

    @property
    def has_slots(self) -> bool:
        """Whether there is a ladder in the prompt.  Raises UsageError on a broken one."""
        return bool(slots.parse(self.prompt, {}).slots)

    def _around(self) -> dict[str, Any]:
        history = [dict(message) for message in self.history]
        return {"system": self.system, "history": history, "thinking": self.thinking}

    def meter(self, run: str, revision: int) -> Meter:
        """Margins now.  Raises UsageError on a slot without fillers."""
        labels = self.readout.as_dict()
        return Meter(run, revision, self.measured, labels, **self._around())

    def scan(self) -> Scan:
        """Margins without each part.  Raises UsageError on a slot without fillers."""
        return Scan(new_run("scan"), self.measured, self.readout.as_dict(), **self._around())

    def ladder(self) -> Ladder:
        """Every filler of the prompt's slots."""
        labels = self.readout.as_dict()
        return Ladder(new_run("ladder"), labels, prompt=self.prompt, **self._around())

    def rungs(self, suite: str, name: str, rungs: Sequence[str]) -> Ladder:
        """A ladder of a suite."""
        labels = self.readout.as_dict()
        run = new_run("ladder")
        return Ladder(run, labels, rungs=list(rungs), suite=suite, item=name, **self._around())

    def search(self) -> Search:
        """The smallest change of this prompt, or of the item it still is, that tips a variant."""
        labels, run = self.readout.as_dict(), new_run("search")
        if self.suite and self.item:
            return Search(run, suite=self.suite, item=self.item, readout=labels)
        return Search(run, prompt=self.prompt, readout=labels, **self._around())


def search_suite(suite: str) -> Search:
    """The narrowest items of a suite, under its own labels."""
    return Search(new_run("search"), suite=suite, limit=FEW)


def new_run(kind: str) -> str:
    """A run's name, by which its events find their way."""
    return f"{PREFIX}{kind}-{token_hex(3)}"


def of_run(run: Run, pocket: bool) -> Subject:
    """What a comparison asked, with the labels it was read by."""
    messages = [{k: str(v) for k, v in message.items()} for message in run.started.messages]
    system = next((m["content"] for m in messages if m.get("role") == "system"), None)
    history = tuple(m for m in messages[:-1] if m.get("role") != "system")
    return Subject(
        run.started.prompt,
        readout_of(run.started.verdict, run.started.suite, pocket),
        system,
        history,
        run.started.thinking,
        run.started.suite,
        run.started.item,
    )


def of_item(suite: str, item: str) -> Subject:
    """An item of a suite.  Raises UsageError where there is no such suite or item."""
    from corefeel_tui.suites import find_suite

    found = find_suite(suite)
    one = next((one for one in found.made().item if one.id == item), None)
    if one is None:
        raise UsageError(f"suite {suite} has no item “{item}” any more; rank it again")
    readout, system = readouts.of_suite(found), one.system or found.suite.system
    return Subject(one.first_prompt, readout, system, suite=suite, item=item)


def of_choice(choice: PromptChoice, pocket: bool) -> Subject:
    """A prompt picked from a suite."""
    found = suite_called(choice.suite, pocket)
    return Subject(
        choice.prompt,
        readout_of(choice.verdict, choice.suite, pocket),
        choice.system or None,
        suite=found.name if found else None,
        item=choice.item if found else None,
    )


def readout_of(verdict: dict[str, Any] | None, suite: str | None, pocket: bool) -> Readout:
    """The labels of a suite, else of a verdict's rule, or the evaluator's where neither tells."""
    from corefeel_tui.verdicts import VerdictSpec

    found = suite_called(suite, pocket) if suite else None
    try:
        if found is not None:
            return readouts.of_suite(found)
        if verdict:
            return readouts.of_verdict(VerdictSpec.from_dict(verdict)) or readouts.judge()
    except (CorefeelError, ValueError, KeyError):
        pass  # labels that cannot be scored ahead: the evaluator's are a place to begin
    return readouts.judge()


def suite_called(name: str, pocket: bool) -> Suite | None:
    """The suite of a name in the model's dialect, else in the other; None if there is none."""
    from corefeel_tui.suites import find_suite

    for dialect in ("pocket", "general") if pocket else ("general", "pocket"):
        try:
            return find_suite(name, dialect)
        except CorefeelError:
            continue
    return None
