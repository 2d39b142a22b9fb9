"""`corefeel gate` and `corefeel report`: what a session's evidence says, offline.

Knows formats and exit codes; starts no engine and no screen.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.cli import options as opt
from corefeel_tui.cli.sessions import find_session
from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.report.evaluation import Evaluation


class GateFormat(StrEnum):
    """Forms of a judgement."""

    text = "text"
    json = "json"
    junit = "junit"


class EvaluationFormat(StrEnum):
    """Forms of a report."""

    text = "text"
    json = "json"
    md = "md"


Session = Annotated[str, typer.Argument(help="A file, a name from the list, or “last”.")]
PolicyFile = Annotated[Path | None, typer.Option(help="TOML file; the default policy if absent.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write here, not to stdout.")]


def gate(
    session: Session,
    policy: PolicyFile = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Judge only this variant; may be repeated.")
    ] = None,
    form: Annotated[GateFormat, typer.Option("--format", help="Form of the answer.")] = (
        GateFormat.text
    ),
    output: Output = None,
) -> None:
    """Ship (exit 0), do not ship (1), or cannot tell yet (3): judged from stored evidence."""
    evaluation = _evaluate(session, policy, tuple(variant or ()))
    from corefeel_tui.report import evaluation_text, junit

    judgement = evaluation.judgement
    match form:
        case GateFormat.json:
            _write(_json({**judgement.as_dict(), "paragraph": judgement.paragraph}), output)
        case GateFormat.junit:
            _write(junit.render(judgement).encode(), output)
        case GateFormat.text if output:
            _write(f"{judgement.paragraph}\n".encode(), output)
        case GateFormat.text:
            evaluation_text.print_gate(judgement)
    sys.stdout.flush()
    raise typer.Exit(judgement.exit_code)


def report(
    session: Session,
    policy: PolicyFile = None,
    form: Annotated[EvaluationFormat, typer.Option("--format", help="Form of the report.")] = (
        EvaluationFormat.text
    ),
    output: Output = None,
) -> None:
    """Tell what a batch showed: profile, confusions, telling items, claims, the gate's answer."""
    evaluation = _evaluate(session, policy)
    from corefeel_tui.report import evaluation_text, markdown
    from corefeel_tui.report.evaluation import as_dict

    if form is EvaluationFormat.text and output and output.suffix == ".md":
        form = EvaluationFormat.md
    match form:
        case EvaluationFormat.json:
            _write(_json(as_dict(evaluation)), output)
        case EvaluationFormat.md:
            _write(markdown.render(evaluation).encode(), output)
        case EvaluationFormat.text if output:
            raise UsageError("a text report goes to the terminal; choose --format md or json")
        case EvaluationFormat.text:
            evaluation_text.print_evaluation(evaluation)


def _evaluate(session: str, policy: Path | None, only: tuple[str, ...] = ()) -> Evaluation:
    # The products here are small: threads that wait for each other would cost more than they save.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from corefeel_tui.policy import load_policy
    from corefeel_tui.report.evaluation import evaluate

    return evaluate(find_session(session), load_policy(policy), only)


def _json(data: object) -> bytes:
    from pydantic_core import to_json

    return to_json(data, indent=2, inf_nan_mode="null") + b"\n"


def _write(data: bytes, output: Path | None) -> None:
    """To stdout, or whole to a file.  Raises UsageError where none can be made."""
    if output is None:
        sys.stdout.buffer.write(data)
        return
    opt.writable_file(output)
    output.write_bytes(data)
