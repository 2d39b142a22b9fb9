"""`corefeel forks`: the heal test on every fork of a recorded session.

Knows its options and output formats; the healing is the engine's.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.commands import Load
    from corefeel_tui.events import SessionHeader
    from corefeel_tui.folding import Record


def forks(
    session: Annotated[str, typer.Argument(help="A file, a name from the list, or “last”.")],
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Where the session's model is now.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Test what was tested, too.")] = False,
    no_save: Annotated[bool, typer.Option("--no-save", help="Add nothing to the session.")] = False,
    output: Annotated[opt.ReportFormat, typer.Option("--format", help="Form of the result.")] = (
        opt.ReportFormat.text
    ),
) -> None:
    """What every fork was: a tie-break, a drift, or what decided the verdict.

    At each fork the variant is given the reference's token and the reference the variant's, and
    both run on.  What was found stays in the session; nothing is tested twice.
    """
    from corefeel_tui import forks as core
    from corefeel_tui.cli.sessions import find_session
    from corefeel_tui.folding import fold
    from corefeel_tui.report.forks import forks_as_dict, print_forks
    from corefeel_tui.sessions import read_session

    path = find_session(session)
    header, events = read_session(path)
    record = fold(events)
    if again:
        record.healed.clear()
    if core.testable(record):
        heal(record, load_of(record, header, model), path, saving=not no_save)
    if output is opt.ReportFormat.json:
        opt.print_json(forks_as_dict(record, path))
    else:
        print_forks(record, path)


def heal(record: Record, load: Load, path: Path, saving: bool) -> None:
    """Test what can be tested; the record and with `saving` the session take it in."""
    from corefeel_tui import commands, headless
    from corefeel_tui import events as ev
    from corefeel_tui import forks as core
    from corefeel_tui.cli.progress import Progress
    from corefeel_tui.client import EngineClient
    from corefeel_tui.folding import apply
    from corefeel_tui.recording import Recorder

    cases = [core.case_of(record.runs[run], name) for run, name in core.testable(record)]
    request = commands.Heal(
        run="heal-1",
        forks=[case.as_dict() for case in cases],
    )
    recorder = Recorder(EngineClient(), saving=False)
    with Progress(quiet=False) as progress:

        def show(event: ev.Event) -> None:
            progress.show(event)
            if isinstance(event, ev.Loaded) and saving:
                recorder.keep_addendum(request.run, path)
            if isinstance(event, ev.Healed | ev.Pieces):
                apply(record, event)

        asyncio.run(headless.converse(recorder, load, request, show))


def load_of(record: Record, header: SessionHeader, model: str | None) -> Load:
    """The models whose forks can be tested, to be loaded again.

    Raises UsageError where the session does not say how.
    """
    from corefeel_tui import forks as core
    from corefeel_tui.commands import Load

    wanted: dict[str, str] = {}
    for run, variant in core.testable(record):
        told = core.origin_of(record.runs[run].loaded).get("treatments", {})
        for name in (record.runs[run].started.reference, variant):
            wanted.setdefault(name, told.get(name, ""))
    if not all(wanted.values()):
        raise UsageError("this session does not name its variants' treatments; record a new one")
    directory = model if model is not None or header.model == "Pocket" else header.model
    return Load(directory, list(wanted.values()), header.reference, explicit=True)
