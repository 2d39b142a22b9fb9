"""Ladders and suites to choose from, each with the labels it is weighed by.

Knows what suites there are; asks nothing of an engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from corefeel_tui.edge.readouts import Readout, of_suite
from corefeel_tui.edge.slots import ladders_of
from corefeel_tui.errors import CorefeelError
from corefeel_tui.suites import Suite, load_suite, suite_files
from corefeel_tui.text.inert import one_line, preview
from corefeel_tui.ui.screens.chooser import Choice, Chooser, Offer
from corefeel_tui.ui.suite_picker import is_for


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


def ladder_picker(pocket: bool) -> Chooser[LadderChoice]:
    """Search the ladders and take one."""

    def offer() -> Offer[LadderChoice]:
        found = [(_ladder_line(choice), choice) for choice in ladder_choices(pocket)]
        return Offer([Choice(line, line.plain, choice) for line, choice in found])

    return Chooser(
        "ladders of the suites · or write {mild|strong|strongest} into the prompt",
        "no suite with labels has a ladder; write one: {mild|strong|strongest}",
        offer,
    )


def suite_chooser(pocket: bool) -> Chooser[str]:
    """Search the suites that have labels and take one's name."""

    def offer() -> Offer[str]:
        found = [(_suite_line(*one), one[0].name) for one in suites_with_labels(pocket)]
        return Offer([Choice(line, line.plain, name) for line, name in found])

    title = "search the narrowest items of a suite"
    return Chooser(title, "no suite has labels to weigh", offer)


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
