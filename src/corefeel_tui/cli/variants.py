"""`corefeel variants`: what each treatment of a model weighs on this machine, and what it costs.

Knows its options and output formats; the figures are the engine's.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.cli.fetching import fetch_missing
from corefeel_tui.errors import UsageError


def variants(
    model: opt.Model = None,
    variants: opt.Variants = None,
    reference: opt.Reference = None,
    length: Annotated[
        int | None, typer.Option(help="Tokens of prompt and answer to have room for.")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Load them, and measure speed and floors too.")
    ] = False,
    no_cache: opt.NoCache = False,
    output: opt.ReportForm = opt.ReportFormat.text,
) -> None:
    """Tell what a model's variants weigh and whether they fit, before any weight is read."""
    from corefeel_tui import headless
    from corefeel_tui.cli.progress import Progress
    from corefeel_tui.client import EngineClient
    from corefeel_tui.commands import Plan
    from corefeel_tui.events import Loaded, PlannedSet, to_dict
    from corefeel_tui.report.variants import print_plan, print_variants

    if length is not None and length < 1:
        raise UsageError(f"--length: {length} leaves room for no token; give 1 or more")
    chosen = opt.choose_settings(variants, reference, no_cache)
    load = replace(opt.load_command(model, chosen, variants is not None), anew=measure)
    fetch_missing(load)
    found: Loaded | PlannedSet
    with Progress(quiet=False) as progress:
        if measure:
            found = asyncio.run(headless.load_only(EngineClient(), load, progress.show))
        else:
            plan = Plan(load.model, load.variants, load.reference, load.explicit, length)
            found = asyncio.run(headless.plan_only(EngineClient(), plan, progress.show))
    if isinstance(found, PlannedSet) and length is not None and found.length < length:
        told = f"--length {length:,} is more than the model's context: {found.length:,} are planned"
        typer.echo(told, err=True)
    if output is opt.ReportFormat.json:
        opt.print_json(to_dict(found))
    elif isinstance(found, Loaded):
        print_variants(found)
    else:
        print_plan(found)
