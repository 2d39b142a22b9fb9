"""`corefeel eval`: the batch evaluation, without a screen.

Knows its options; how a session is gone on with is `resuming`'s, the measuring the engine's.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.cli.fetching import fetch_missing
from corefeel_tui.cli.resuming import Done, done_so_far, session_path
from corefeel_tui.errors import SessionError

if TYPE_CHECKING:
    from corefeel_tui.commands import Evaluate, Load


def evaluate(
    model: opt.Model = None,
    suite: Annotated[
        list[str] | None, typer.Option(help="Suite, mix or suite file; may be repeated.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="First items of every suite.")] = None,
    session: Annotated[
        Path | None, typer.Option(help="Session file to make or go on with.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --session where it stopped.")
    ] = False,
    stop_collapsed: Annotated[
        bool, typer.Option("--stop-collapsed", help="Ask a collapsed variant no more.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Ask a variant no more once a sequential test has answered."),
    ] = False,
    variants: opt.Variants = None,
    reference: opt.Reference = None,
    seed: opt.Seed = None,
    no_cache: opt.NoCache = False,
    in_turn: opt.InTurn = opt.Way.auto,
    output: Annotated[opt.ReportFormat, typer.Option("--format", help="Form of the report.")] = (
        opt.ReportFormat.text
    ),
) -> None:
    """Run whole suites over all variants; every finished item is kept at once."""
    from corefeel_tui import commands
    from corefeel_tui.arrays import directory_of

    names = suite or ["quick"]
    check_suites(names)
    chosen = opt.choose_settings(variants, reference, no_cache, seed=seed)
    path = session_path(session, resume, names)
    done = done_so_far(path) if resume else Done()
    request = commands.Evaluate(
        run="eval",
        suites=[str(Path(name).absolute()) if name.endswith(".toml") else name for name in names],
        limit=limit,
        seed=chosen.seed,
        arrays=str(directory_of(path).absolute()),
        done=done.items,
        stop_collapsed=stop_collapsed,
        quick=quick,
        glances=done.glances,
        answers=done.answers,
    )
    load = opt.load_command(model, chosen, variants is not None)
    load = replace(load, in_turn=in_turn.value)
    fetch_missing(load)
    carry_out(load, request, path, resume)
    tell(path, output)


def carry_out(load: Load, request: Evaluate, path: Path, resume: bool) -> None:
    """Let an engine do the work.  Raises SessionError once the session cannot be written."""
    from corefeel_tui import batch_fold, headless
    from corefeel_tui import events as ev
    from corefeel_tui.batch_pace import foretold
    from corefeel_tui.cli.progress import Progress
    from corefeel_tui.client import EngineClient
    from corefeel_tui.recording import Recorder

    recorder = Recorder(EngineClient(), path, saving=True, resume=resume)
    tally = batch_fold.Tally(request.run)
    with Progress(quiet=False) as progress:

        def show(event: ev.Event) -> None:
            progress.show(event)
            batch_fold.apply(tally, event, time.monotonic())
            if isinstance(event, ev.Planned):
                tally.count_earlier(request.done)
            if isinstance(event, ev.Progress):
                progress.foretell(event.unit, foretold(tally))
            if not recorder.saving:
                raise SessionError(
                    f"{path} cannot be written any more; what is finished stands in it, so make "
                    "room and go on with --resume"
                )

        asyncio.run(headless.converse(recorder, load, request, show))


def tell(path: Path, output: opt.ReportFormat) -> None:
    """What the session shows."""
    from corefeel_tui.report.evaluation import as_dict, evaluate
    from corefeel_tui.report.evaluation_text import print_evaluation

    found = evaluate(path)
    if output is opt.ReportFormat.json:
        opt.print_json(as_dict(found))
    else:
        print_evaluation(found)


def check_suites(names: list[str]) -> None:
    """Raises UsageError on a suite that does not exist, before anything is loaded."""
    from corefeel_tui.suites import find_suite

    for name in names:
        find_suite(name)
