"""`corefeel eval`: the batch evaluation, without a screen.

Knows its options and how a session is begun or gone on with; the measuring is the engine's.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.cli.fetching import fetch_missing
from corefeel_tui.errors import SessionError, UsageError


def evaluate(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]")] = None,
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
    variants: opt.Variants = None,
    reference: opt.Reference = None,
    seed: opt.Seed = None,
    no_cache: opt.NoCache = False,
    output: Annotated[opt.ReportFormat, typer.Option("--format", help="Form of the report.")] = (
        opt.ReportFormat.text
    ),
) -> None:
    """Run whole suites over all variants; every finished item is kept at once."""
    from corefeel_tui import commands, headless, settings
    from corefeel_tui import events as ev
    from corefeel_tui.arrays import directory_of
    from corefeel_tui.cli.progress import Progress
    from corefeel_tui.client import EngineClient
    from corefeel_tui.recording import Recorder
    from corefeel_tui.report.evaluation import as_dict
    from corefeel_tui.report.evaluation import evaluate as judge
    from corefeel_tui.report.evaluation_text import print_evaluation

    names = suite or ["quick"]
    check_suites(names)
    chosen = settings.override(
        settings.load_settings(),
        variants=opt.split_variants(variants),
        reference=reference,
        seed=seed,
        cache_gb=0 if no_cache else None,
    )
    path = session_path(session, resume, names)
    request = commands.Evaluate(
        run="eval",
        suites=[str(Path(name).absolute()) if name.endswith(".toml") else name for name in names],
        limit=limit,
        seed=chosen.seed,
        arrays=str(directory_of(path).absolute()),
        done=finished_items(path) if resume else [],
    )
    load = opt.load_command(model, chosen, variants is not None)
    fetch_missing(load)
    recorder = Recorder(EngineClient(), path, saving=True, resume=resume)
    with Progress(quiet=False) as progress:

        def show(event: ev.Event) -> None:
            progress.show(event)
            if not recorder.saving:
                raise SessionError(
                    f"{path} cannot be written any more; what is finished stands in it, so make "
                    "room and go on with --resume"
                )

        asyncio.run(headless.converse(recorder, load, request, show))
    found = judge(path)
    if output is opt.ReportFormat.json:
        opt.print_json(as_dict(found))
    else:
        print_evaluation(found)


def check_suites(names: list[str]) -> None:
    """Raises UsageError on a suite that does not exist, before anything is loaded."""
    from corefeel_tui.suites import find_suite

    for name in names:
        find_suite(name)


def session_path(path: Path | None, resume: bool, names: list[str]) -> Path:
    """Where the session stands.  Raises UsageError where none can."""
    from corefeel_tui.session_writer import free_path, slugify

    if path is not None:
        return path if resume and path.exists() else opt.new_session_path(path) or path
    if resume:
        raise UsageError("--resume needs the --session file to go on with")
    try:
        return free_path(slugify("-".join(names)))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"there is nowhere to write a session ({reason}); name one with --session"
        ) from error


def finished_items(path: Path) -> list[str]:
    """What the session holds already, as "suite/id"."""
    from corefeel_tui.evidence_file import read_evidence

    if not path.exists():
        return []
    try:
        return [f"{item.suite}/{item.id}" for item in read_evidence(path).items]
    except SessionError as error:
        if "no batch" in str(error):
            return []
        raise
