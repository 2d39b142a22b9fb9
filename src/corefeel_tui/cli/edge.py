"""`corefeel edge`: where a variant leaves the reference, without a screen.

Knows its options and what they ask for; the searching is the engine's.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.cli.fetching import fetch_missing
from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.commands import Ladder, Load, Search
    from corefeel_tui.edge.readouts import Readout
    from corefeel_tui.suites import Suite

RUN = "edge"


class EdgeFormat(StrEnum):
    """Forms of a search; jsonl is the events themselves."""

    text = "text"
    jsonl = "jsonl"


Item = Annotated[str | None, typer.Option(help="One item to change, as SUITE:ID.")]
Prompt = Annotated[
    str | None, typer.Option(help="A prompt to change; slots as {mild|strong}; “-” reads stdin.")
]
SuiteName = Annotated[
    str | None, typer.Option(help="A suite: its items of the narrowest margin are changed.")
]
LadderName = Annotated[
    str | None,
    typer.Option(help="Rungs instead of a search: SUITE:LADDER, or a prompt with slots."),
]
Labels = Annotated[
    str | None,
    typer.Option(help="Two labels: “VETO v APPROVE”, “refuse v comply”, “A v B after TEXT”."),
]
Slots = Annotated[
    list[str] | None,
    typer.Option(help="Fillers of a named slot, as name=mild,strong; may be repeated."),
]
Limit = Annotated[int, typer.Option(help="Items of a suite to change.")]
Pool = Annotated[int, typer.Option(help="First items of a suite to choose them from.")]
Budget = Annotated[int, typer.Option(help="Changed prompts at most, an item or ladder.")]
Depth = Annotated[int, typer.Option(max=4, help="Changes at a time at most.")]
SaveTo = Annotated[
    Path | None, typer.Option(help="Suite file to which every example found is added.")
]
Form = Annotated[EdgeFormat, typer.Option("--format", help="Form of the result.")]


def edge(
    model: opt.Model = None,
    item: Item = None,
    prompt: Prompt = None,
    suite: SuiteName = None,
    ladder: LadderName = None,
    labels: Labels = None,
    slot: Slots = None,
    limit: Limit = 10,
    pool: Pool = 200,
    budget: Budget = 200,
    depth: Depth = 2,
    system: opt.System = None,
    variants: opt.Variants = None,
    reference: opt.Reference = None,
    session: opt.NewSession = None,
    no_save: opt.NoSave = False,
    no_cache: opt.NoCache = False,
    save_to: SaveTo = None,
    output: Form = EdgeFormat.text,
) -> None:
    """Find the smallest change of a prompt at which a variant leaves the reference."""
    given = {"--item": item, "--prompt": prompt, "--suite": suite, "--ladder": ladder}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise UsageError(f"name one of {', '.join(given)}; there are {len(named)}")
    chosen = opt.choose_settings(variants, reference, no_cache)
    asked = Asked(model is None, labels, fillers(slot or []), system, budget)
    request: Search | Ladder
    if ladder is not None:
        request = asked.ladder(opt.utf8(ladder, "the ladder"))
    else:
        search = asked.search(prompt, item, suite)
        request = replace(search, limit=limit, pool=pool, depth=depth)
    load = opt.load_command(model, chosen, variants is not None)
    fetch_missing(load)
    path, saving = opt.new_session_path(session), chosen.save and not no_save
    carry_out(load, request, path, saving, save_to, output)


class Asked:
    """What the options that searches and ladders share come to."""

    def __init__(
        self,
        pocket: bool,
        labels: str | None,
        slots: dict[str, list[str]],
        system: str | None,
        budget: int,
    ) -> None:
        self._pocket, self._labels = pocket, labels
        self._slots, self._budget = slots, budget
        self._system = None if system is None else opt.utf8(system, "the system message")

    def search(self, prompt: str | None, item: str | None, suite: str | None) -> Search:
        """The command of a search.  Raises UsageError before anything is loaded."""
        from corefeel_tui.commands import Search
        from corefeel_tui.edge import slots

        name = None
        if prompt is not None:
            prompt = opt.read_stdin("the prompt") if prompt == "-" else opt.utf8(prompt, "--prompt")
            slots.parse(prompt, self._slots)
        elif self._slots:
            raise UsageError("--slot goes with --prompt or --ladder, whose text has the slot")
        if item is not None:
            suite, name = suite_and("item", item)
        found = self._suite(suite) if suite is not None else None
        return Search(
            run=RUN,
            prompt=prompt,
            suite=suite_path(suite),
            item=name,
            readout=self._readout(found).as_dict(),
            slots=self._slots,
            budget=self._budget,
            system=self._system,
        )

    def ladder(self, text: str) -> Ladder:
        """The command of a ladder: one of a suite, or a prompt with slots."""
        from corefeel_tui.commands import Ladder
        from corefeel_tui.edge import slots

        if "{" in text:
            slots.expand(slots.parse(text, self._slots), self._budget)
            command = Ladder(RUN, self._readout(None).as_dict(), text, self._slots)
            system = self._system
        else:
            name, rung = suite_and("ladder", text)
            suite = self._suite(name)
            rungs = slots.ladder_of(suite, rung)
            readout = self._readout(suite).as_dict()
            command = Ladder(RUN, readout, rungs=rungs, suite=suite.name, item=rung)
            system = self._system or suite.suite.system
        return replace(command, system=system, budget=self._budget)

    def _suite(self, name: str) -> Suite:
        from corefeel_tui.suites import resolve

        members = resolve(name, self._pocket)
        if len(members) > 1:
            raise UsageError(f"“{name}” is a mix; name one of its suites")
        return members[0]

    def _readout(self, suite: Suite | None) -> Readout:
        from corefeel_tui.edge import readouts

        if self._labels is None:
            return readouts.of_suite(suite) if suite else readouts.judge()
        return readouts.parse(opt.utf8(self._labels, "--labels"), _known(suite))


def _known(suite: Suite | None) -> Readout | None:
    """What a suite knows of its labels, if anything."""
    from corefeel_tui.edge import readouts

    try:
        return readouts.of_suite(suite) if suite else None
    except UsageError:
        return None


def suite_and(what: str, text: str) -> tuple[str, str]:
    """The two parts of SUITE:NAME.  Raises UsageError where one is missing."""
    suite, _, name = text.rpartition(":")
    if not suite or not name:
        raise UsageError(f"“{text}” is not SUITE:{what.upper()}; write it as refusal:NAME")
    return suite, name


def suite_path(name: str | None) -> str | None:
    """The name of a suite as the engine, which runs elsewhere, understands it."""
    return str(Path(name).absolute()) if name is not None and name.endswith(".toml") else name


def fillers(texts: list[str]) -> dict[str, list[str]]:
    """Name → fillers of every --slot.  Raises UsageError on one that names none."""
    found = {}
    for text in texts:
        name, equals, rest = opt.utf8(text, "--slot").partition("=")
        if not name.strip() or not equals or not rest.strip():
            raise UsageError(f"“{text}” gives a slot no fillers; write name=mild,strong")
        found[name.strip()] = [part.strip() for part in rest.split(",")]
    return found


def carry_out(
    load: Load,
    request: Search | Ladder,
    path: Path | None,
    saving: bool,
    save_to: Path | None,
    output: EdgeFormat,
) -> None:
    """Let an engine search, print what it says or what came of it, and keep what was found."""
    from corefeel_tui import events as ev
    from corefeel_tui import headless
    from corefeel_tui.cli.progress import Progress
    from corefeel_tui.client import EngineClient
    from corefeel_tui.edge import fold
    from corefeel_tui.edge import saving as keeping
    from corefeel_tui.recording import Recorder
    from corefeel_tui.report.edge import print_edge

    recorder = Recorder(EngineClient(), path, saving)
    record = fold.EdgeRecord()
    life = (ev.Loading, ev.Status, ev.Notice)
    with Progress(quiet=output is EdgeFormat.jsonl) as progress:

        def show(event: ev.Event) -> None:
            fold.apply(record, event)
            progress.show(event)
            if output is EdgeFormat.jsonl and not isinstance(event, life):
                sys.stdout.buffer.write(ev.encode(event))
                sys.stdout.buffer.flush()

        asyncio.run(headless.converse(recorder, load, request, show))
    kept = []
    if save_to is not None:
        kept = [keeping.append_item(save_to, found) for found in fold.found(record)]
    if output is EdgeFormat.text:
        print_edge(record, recorder.path, save_to, kept)
