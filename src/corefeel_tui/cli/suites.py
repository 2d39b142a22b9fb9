"""`corefeel suites`: the prompt suites at hand.

Knows files only; starts no engine and no screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corefeel_tui.cli import options as opt

app = typer.Typer(help="List, show and check prompt suites.", rich_markup_mode=None)

Format = Annotated[opt.ReportFormat, typer.Option("--format", help="Form of the result.")]


@app.callback(invoke_without_command=True)
def suites(context: typer.Context) -> None:
    """Without a further word: list."""
    if context.invoked_subcommand is None:
        list_all()


@app.command("list")
def list_all(output: Format = opt.ReportFormat.text) -> None:
    """List the suites at hand."""
    from corefeel_tui.report.suites import print_suites
    from corefeel_tui.suites import load_suite, suite_files

    found = [load_suite(path) for path in suite_files()]
    if output is opt.ReportFormat.json:
        opt.print_json([{"name": s.name, **s.suite.model_dump(mode="json")} for s in found])
    else:
        print_suites(found)


@app.command("show")
def show(
    suite: Annotated[str, typer.Argument(help="A name, name@dialect, or a .toml file.")],
    output: Format = opt.ReportFormat.text,
) -> None:
    """Show the items of one suite."""
    from corefeel_tui.report.suites import print_suite
    from corefeel_tui.suites import find_suite

    found = find_suite(suite)
    if output is opt.ReportFormat.json:
        shown = found if found.mix else found.made()
        opt.print_json(shown.model_dump(mode="json"))
    else:
        print_suite(found)


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Suite files; all at hand if absent.")
    ] = None,
) -> None:
    """Check suite files; the first fault ends it with file, line and mend."""
    from corefeel_tui.suites import load_suite, suite_files

    paths = files or suite_files()
    for path in paths:
        suite = load_suite(path)
        if not suite.mix:
            suite.made()
        typer.echo(f"{path}: {suite.name}, {suite.size} items")
