"""`corefeel score`: teacher-forced drift on given text, without a screen.

Knows its options and output formats; the measuring is the engine's.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.cli.fetching import fetch_missing
from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.commands import Load, Score


def score(
    model: opt.Model = None,
    text: Annotated[Path | None, typer.Option(help="Text file to score.")] = None,
    tokens: Annotated[Path | None, typer.Option(help="JSON list of lists of token ids.")] = None,
    context: Annotated[
        int | None, typer.Option(help="Window length; min(2048, the model's) if absent.")
    ] = None,
    per_token: Annotated[
        Path | None, typer.Option(help="Also write every position's numbers to this .npz file.")
    ] = None,
    variants: opt.Variants = None,
    reference: opt.Reference = None,
    session: opt.NewSession = None,
    no_save: opt.NoSave = False,
    no_cache: opt.NoCache = False,
    in_turn: opt.InTurn = opt.Way.auto,
    output: opt.ReportForm = opt.ReportFormat.text,
) -> None:
    """Let all variants read the same text; how far they stray from the reference."""
    from corefeel_tui import commands

    if (text is None) == (tokens is None):
        raise UsageError("score reads either --text FILE or --tokens FILE.json; give one of them")
    if context is not None and context < 2:
        raise UsageError(f"--context: {context} leaves nothing to predict; use 2 or more")
    chosen = opt.choose_settings(variants, reference, no_cache)
    load = opt.load_command(model, chosen, variants is not None)
    load = replace(load, in_turn=in_turn.value)
    fetch_missing(load)
    request = commands.Score(
        run="1",
        text=opt.existing_file(text),
        tokens=opt.existing_file(tokens),
        context=context,
        per_token=opt.writable_file(per_token),
    )
    path, saving = opt.new_session_path(session), chosen.save and not no_save
    measure(load, request, path, saving, output)


def measure(
    load: Load, request: Score, path: Path | None, saving: bool, output: opt.ReportFormat
) -> None:
    """Let an engine score, and print the result."""
    from corefeel_tui import events as ev
    from corefeel_tui import headless
    from corefeel_tui.cli.progress import Progress
    from corefeel_tui.client import EngineClient
    from corefeel_tui.recording import Recorder
    from corefeel_tui.report.score import print_score

    recorder = Recorder(EngineClient(), path, saving)
    results: list[ev.JSON] = []
    with Progress(quiet=False) as progress:

        def show(event: ev.Event) -> None:
            progress.show(event)
            if isinstance(event, ev.Scored):
                results.append(event.result)

        asyncio.run(headless.converse(recorder, load, request, show))
    if output is opt.ReportFormat.json:
        opt.print_json(results[0])
    else:
        print_score(results[0], recorder.path)
