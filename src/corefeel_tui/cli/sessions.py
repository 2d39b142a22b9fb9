"""`corefeel sessions`: what has been recorded.

Knows files only; starts no engine and no screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.sessions import SessionInfo

app = typer.Typer(help="List and show recorded sessions.", rich_markup_mode=None)

Format = Annotated[opt.ReportFormat, typer.Option("--format", help="Form of the result.")]


@app.callback(invoke_without_command=True)
def sessions(context: typer.Context) -> None:
    """Without a further word: list."""
    if context.invoked_subcommand is None:
        list_all()


@app.command("list")
def list_all(output: Format = opt.ReportFormat.text) -> None:
    """List the sessions here, newest first."""
    from corefeel_tui.paths import sessions_directory
    from corefeel_tui.report.sessions import print_sessions
    from corefeel_tui.sessions import list_sessions

    directory = sessions_directory()
    found = list_sessions(directory)
    if output is opt.ReportFormat.json:
        opt.print_json([as_dict(info) for info in found])
    else:
        print_sessions(found, directory)


@app.command("show")
def show(
    session: Annotated[str, typer.Argument(help="A file, a name from the list, or “last”.")],
    output: Format = opt.ReportFormat.text,
) -> None:
    """Show the runs of one session."""
    from corefeel_tui.edge import fold as edges
    from corefeel_tui.folding import fold
    from corefeel_tui.report.edge import print_edges
    from corefeel_tui.report.run import run_as_dict
    from corefeel_tui.report.sessions import print_session
    from corefeel_tui.sessions import read_session, session_info

    path = find_session(session)
    header, stream = read_session(path)
    events = list(stream)
    record = fold(events)
    if output is opt.ReportFormat.json:
        runs = [run_as_dict(record, run, path) for run in record.runs.values()]
        opt.print_json({**as_dict(session_info(path)), "runs": runs, "scored": record.scored})
    else:
        print_session(header, record, path)
        print_edges(edges.fold(events))


def find_session(name: str) -> Path:
    """The file that a word means.  Raises UsageError if there is none."""
    from corefeel_tui.paths import sessions_directory
    from corefeel_tui.sessions import list_sessions

    if Path(name).is_file():
        return Path(name)
    directory = sessions_directory()
    candidates = [info.path for info in list_sessions(directory)]
    if name == "last" and candidates:
        return candidates[0]
    for path in candidates:
        if name in (path.name, path.stem):
            return path
    raise UsageError(f"no session “{name}” here or in {directory}; see `corefeel sessions list`")


def as_dict(info: SessionInfo) -> dict[str, object]:
    """A glance as a JSON object."""
    from dataclasses import asdict

    return asdict(info) | {"path": str(info.path)}
