"""Options that several verbs share, and what becomes of them before an engine starts.

Knows the command line's types; imports nothing heavy.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corefeel_tui.errors import UsageError

if TYPE_CHECKING:
    from corefeel_tui.commands import Load
    from corefeel_tui.settings import Settings

Model = Annotated[str | None, typer.Argument(metavar="[MODEL]")]
Variants = Annotated[
    str | None, typer.Option(help="Comma list of variants, such as 8bit,4bit-g32,3bit.")
]
Reference = Annotated[
    str | None, typer.Option(help="The variant that the others are compared with; bf16 if absent.")
]
MaxTokens = Annotated[int | None, typer.Option(help="Longest answer, in tokens; 256 if absent.")]
Temperature = Annotated[float | None, typer.Option(help="0 takes the likeliest token.")]
TopP = Annotated[float | None, typer.Option(help="Sample from this much probability mass.")]
TopK = Annotated[int | None, typer.Option(help="Sample from so many tokens; 0 for all.")]
MinP = Annotated[float | None, typer.Option(help="Drop tokens below this share of the likeliest.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the noise that all variants share.")]
System = Annotated[str | None, typer.Option(help="System message.")]
Thinking = Annotated[bool | None, typer.Option("--thinking", help="Let the models think first.")]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither keep nor read back quantized weights.")
]
NewSession = Annotated[Path | None, typer.Option(help="Session file to make.")]
NoSave = Annotated[bool, typer.Option("--no-save", help="Leave no session file.")]


class Way(StrEnum):
    """How a set that does not fit into memory is measured."""

    auto = "auto"
    pairs = "pairs"
    single = "single"


InTurn = Annotated[
    Way,
    typer.Option(
        help="Load the reference and one variant at a time (pairs), one model at a time (single), "
        "or whatever the memory asks for (auto)."
    ),
]


class ReportFormat(StrEnum):
    """Forms of a result."""

    text = "text"
    json = "json"


ReportForm = Annotated[ReportFormat, typer.Option("--format", help="Form of the result.")]


def print_json(data: object) -> None:
    """One object on stdout, for programs and people alike."""
    from pydantic_core import to_json

    sys.stdout.buffer.write(to_json(data, indent=2, inf_nan_mode="null") + b"\n")


def choose_settings(
    variants: str | None, reference: str | None, no_cache: bool, **given: object
) -> Settings:
    """The user's settings with options on top; those that are None were not given.

    Raises UsageError on a value out of its bounds.
    """
    from corefeel_tui import settings

    return settings.override(
        settings.load_settings(),
        variants=split_variants(variants),
        reference=reference,
        cache_gb=0 if no_cache else None,
        **given,
    )


def load_command(model: str | None, settings: Settings, chosen: bool) -> Load:
    """The load for these settings, the reference first; `chosen` if the user named variants.

    Raises UsageError on a variant that is empty, unknown or named twice.
    """
    from corefeel_tui import variants
    from corefeel_tui.commands import Load

    names = list(settings.variants)
    if not all(name.strip() for name in names):
        raise UsageError("--variants has an empty name; separate names by single commas")
    if settings.reference not in {name.partition("=")[0].strip() for name in names}:
        names = [settings.reference, *names]
    specs = variants.parse_all(names, settings.reference)
    kept = round(settings.cache_gb * 1e9)
    return Load(model, [str(spec) for spec in specs], settings.reference, chosen, kept)


def split_variants(text: str | None) -> list[str] | None:
    """The names of a comma list; None if none was given."""
    return None if text is None else text.split(",")


def utf8(text: str, what: str) -> str:
    """The text, which came from outside.  Raises UsageError if its bytes were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not UTF-8; convert it first") from error
    return text


def read_stdin(what: str) -> str:
    """All of stdin.  Raises UsageError if it is not UTF-8."""
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} on stdin is not UTF-8 (byte {error.start})") from error


def new_session_path(path: Path | None) -> Path | None:
    """A session file to be made.  Raises UsageError if it is there already or cannot be made."""
    if path is None:
        return None
    if path.exists():
        raise UsageError(f"{path} exists already; choose another --session file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be made: its directory does not exist; make it first")
    return path


def existing_file(path: Path | None) -> str | None:
    """An absolute path for the engine.  Raises UsageError if there is no such file."""
    if path is None:
        return None
    if not path.is_file():
        raise UsageError(f"{path} is not a file")
    return str(path.absolute())


def writable_file(path: Path | None) -> str | None:
    """An absolute path for the engine.  Raises UsageError if no file can be made there."""
    if path is None:
        return None
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise UsageError(f"{path} cannot be written: choose a file in a directory you may write to")
    return str(path.absolute())
