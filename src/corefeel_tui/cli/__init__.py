"""The command `corefeel`: which verb is meant, and how every failure ends.

Knows verbs and exit codes.  What a verb needs it imports itself, so that `--help` and the verbs
that read files start without the engine's and the screen's packages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from corefeel_tui import __version__
from corefeel_tui.cli import (
    ask,
    doctor,
    edge,
    evaluate,
    forks,
    judge,
    score,
    sessions,
    suites,
    variants,
)
from corefeel_tui.cli import open as app_verbs
from corefeel_tui.errors import CorefeelError
from corefeel_tui.text.inert import inert

OPEN = "(open)"
"""Name of the verb that nobody types: open the app."""

INTERRUPTED = 130
BROKEN_PIPE = 141

app = typer.Typer(
    name="corefeel",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "What did quantization change in this model, and may I ship it?\n\n"
        "`corefeel [MODEL] [--variants LIST]` opens the app: MODEL is a directory, a hub id, or "
        "absent for the bundled one.  The first word is a verb if it names one of these:"
    ),
)
app.command(OPEN, hidden=True)(app_verbs.open_app)
app.command("ask")(ask.ask)
app.command("score")(score.score)
app.command("eval")(evaluate.evaluate)
app.command("edge")(edge.edge)
app.command("gate")(judge.gate)
app.command("report")(judge.report)
app.command("forks")(forks.forks)
app.command("replay")(app_verbs.replay)
app.command("variants")(variants.variants)
app.command("doctor")(doctor.doctor)
app.add_typer(sessions.app, name="sessions")
app.add_typer(suites.app, name="suites")

VERBS = (
    "ask",
    "score",
    "eval",
    "edge",
    "gate",
    "report",
    "forks",
    "replay",
    "variants",
    "sessions",
    "suites",
    "doctor",
)


def show_version(wanted: bool) -> None:
    """Say which version this is, and nothing else."""
    if wanted:
        typer.echo(f"corefeel {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Say it.")
    ] = False,
) -> None:
    """Every verb starts here; there is nothing to prepare."""


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    if not words or words[0] not in (*VERBS, "-h", "--help", "--version"):
        words = [OPEN, *words]
    try:
        group = typer.main.get_command(app)
        with group.make_context("corefeel", list(words)) as context:
            group.invoke(context)
        sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except CorefeelError as error:
        return fail(str(error), error.exit_code)
    except typer.TyperException as error:
        return fail(usage_sentence(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        return fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; what is still buffered must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    return 0


def fail(sentence: str, code: int) -> int:
    """Say why on stderr, in one line."""
    line = inert(" ".join(sentence.split()))
    sys.stderr.write(f"corefeel: {line}\n")
    return code


def usage_sentence(error: typer.TyperException) -> str:
    """A complaint of the argument parser in the house's manner."""
    message = error.format_message().rstrip(".")
    return message[:1].lower() + message[1:]
