"""Session files, read: header, events, and what stands in a directory of them.

Knows the format of the files; nothing of who writes them or shows them.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from corefeel_tui import events as ev
from corefeel_tui.errors import SessionError

FORMAT = 1
"""Version of the file format that this code reads and writes."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session at a glance; status: "finished" | "cancelled" | "open" | "cut off"."""

    path: Path
    created: str
    model: str
    variants: tuple[str, ...]
    runs: int
    status: str
    first_prompt: str


def read_session(path: Path) -> tuple[ev.SessionHeader, Iterator[ev.Event]]:
    """The header, and the events after it.

    A last line cut short by a kill is left out.  Raises SessionError, also while iterating, with
    the line's number for anything else that is not a session's.
    """
    header, timed = read_timed(path)
    return header, (event for _, event in timed)


def read_timed(path: Path) -> tuple[ev.SessionHeader, Iterator[tuple[float | None, ev.Event]]]:
    """Like `read_session`, each event with its seconds since the session began, where stored."""
    lines = _lines(path)
    _, first = next(lines, (0, None))
    if first is None:
        raise SessionError(f"{path} is not a session: it has no complete first line")
    header = _validated(first, path, 1)
    if not isinstance(header, ev.SessionHeader):
        raise SessionError(f"{path} is not a session: its first line is no header")
    if header.format != FORMAT:
        raise SessionError(
            f"{path} has session format {header.format}, this version reads {FORMAT}; "
            "update corefeel to open it"
        )
    return header, ((_time(data), _validated(data, path, number)) for number, data in lines)


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Line numbers and decoded lines."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    yield number, from_json(line)
                except ValueError as error:
                    if line.endswith(b"\n"):
                        raise SessionError(f"{path}, line {number}: not JSON ({error})") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SessionError(f"{path} cannot be read: {reason}") from error


def _time(data: Any) -> float | None:
    time = data.get("t") if isinstance(data, dict) else None
    return float(time) if isinstance(time, int | float) else None


class _Top(TypedDict):
    ids: list[list[int] | None]
    logprob: list[list[float] | None]


class _Columns(TypedDict, total=False):
    kl: list[float | None]
    argmax: list[int | None]
    rank: list[int | None]
    token_rank: list[int | None]
    logprob: list[float | None]
    entropy: list[float | None]
    gap: list[float | None]
    confidence: list[float | None]
    flip: list[bool | None]
    top: _Top | None


_SCORES = TypeAdapter(dict[str, _Columns])


@cache
def _adapter(name: str) -> TypeAdapter[ev.Event]:
    return TypeAdapter(ev.REGISTRY[name])


def _validated(data: Any, path: Path, number: int) -> ev.Event:
    """The event of a line that anybody may have edited, with every type checked."""
    try:
        name = data["event"]
        known = name in ev.REGISTRY
        event = _adapter(name).validate_python(data) if known else ev.from_dict(data)
        if isinstance(event, ev.Tokens):
            _check_columns(event)
        if isinstance(event, ev.Pieces) and not all(map(str.isdecimal, event.texts)):
            raise ValueError("pieces has a key that is no token id")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg'].lower()}"
        raise SessionError(f"{path}, line {number}: {reason}") from error
    except (TypeError, KeyError) as error:  # no object, or one without the key
        raise SessionError(f"{path}, line {number}: not an event, no key “event”") from error
    except ValueError as error:
        raise SessionError(f"{path}, line {number}: {error}") from error
    return event


def _check_columns(event: ev.Tokens) -> None:
    """Every column of scores is a list as long as the ids.  Raises ValueError."""
    count = len(event.ids)
    for model, scores in _SCORES.validate_python(event.scores or {}).items():
        for name, column in [*scores.items(), *(scores.get("top") or {}).items()]:
            if isinstance(column, list) and len(column) != count:
                raise ValueError(f"scores.{model}.{name} is not a list of {count} values")


def list_sessions(directory: Path) -> list[SessionInfo]:
    """The sessions of a directory, newest first; files that are none are left out."""
    found = []
    for path in directory.glob("*.jsonl"):
        try:
            found.append(session_info(path))
        except SessionError:
            continue
    return sorted(found, key=lambda info: info.created, reverse=True)


def session_info(path: Path) -> SessionInfo:
    """A glance at one file.  Raises SessionError if it is not a session."""
    header, _ = read_session(path)
    runs, first_prompt, status = 0, "", "open" if is_open(path) else "cut off"
    for line in _mentioning(path, (b'"started"', b'"scored"', b'"session_finished"')):
        match line:
            case {"event": "started", "prompt": str(prompt)}:
                runs, first_prompt = runs + 1, first_prompt or prompt
            case {"event": "scored"}:
                runs += 1
            case {"event": "session_finished", "status": str(ending)}:
                status = ending
    return SessionInfo(
        path,
        header.created,
        header.model,
        tuple(str(variant.get("name", "?")) for variant in header.variants),
        runs,
        status,
        first_prompt,
    )


def _mentioning(path: Path, words: tuple[bytes, ...]) -> Iterator[Any]:
    """Decoded lines that contain one of the words; the others, nearly all, are not parsed."""
    with path.open("rb") as file:
        for line in file:
            if any(word in line for word in words):
                try:
                    yield from_json(line)
                except ValueError:
                    continue


def is_open(path: Path) -> bool:
    """Whether a writer holds the file now."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
