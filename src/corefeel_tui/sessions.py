"""Session files, read: header, events, and what stands in a directory of them.

Knows the format of the files; nothing of who writes them or shows them.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic_core import from_json

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


class Dated(Protocol):
    """What knows when its session began."""

    @property
    def created(self) -> str: ...


T = TypeVar("T", bound=Dated)


def read_session(path: Path) -> tuple[ev.SessionHeader, Iterator[ev.Event]]:
    """The header, and the events after it.

    A last line cut short by a kill is left out.  Raises SessionError, also while iterating, with
    the line's number for anything else that is not a session's.
    """
    header, timed = read_timed(path)
    return header, (event for _, event in timed)


def read_timed(path: Path) -> tuple[ev.SessionHeader, Iterator[tuple[float | None, ev.Event]]]:
    """Like `read_session`, each event with its seconds since the session began, where stored."""
    from corefeel_tui.session_lines import checked  # slow to import, and a first paint reads none

    lines = _lines(path)
    _, first = next(lines, (0, None))
    if first is None:
        raise SessionError(f"{path} is not a session: it has no complete first line")
    header = checked(first, path, 1)
    if not isinstance(header, ev.SessionHeader):
        raise SessionError(f"{path} is not a session: its first line is no header")
    if header.format != FORMAT:
        raise SessionError(
            f"{path} has session format {header.format}, this version reads {FORMAT}; "
            "update corefeel to open it"
        )
    return header, ((_time(data), checked(data, path, number)) for number, data in lines)


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


TOLD = (
    b'"started"',
    b'"scored"',
    b'"edge_started"',
    b'"event":"margins"',
    b'"session_finished"',
)
"""What the lines that a glance needs hold."""


def list_sessions(directory: Path) -> list[SessionInfo]:
    """The sessions of a directory, newest first; files that are none are left out."""
    return newest_first(directory, session_info)


def newest_first(directory: Path, read: Callable[[Path], T]) -> list[T]:
    """What `read` makes of a directory's sessions; files that it refuses are left out."""
    found = []
    for path in directory.glob("*.jsonl"):
        try:
            found.append(read(path))
        except SessionError:
            continue
    return sorted(found, key=lambda one: one.created, reverse=True)


def session_info(path: Path) -> SessionInfo:
    """A glance at one file.  Raises SessionError if it is not a session."""
    header, _ = read_session(path)
    runs, first_prompt, status = 0, "", "open" if is_open(path) else "cut off"
    edges: set[str] = set()
    for line in _mentioning(path, TOLD):
        match line:
            case {"event": "started", "prompt": str(prompt)}:
                runs, first_prompt = runs + 1, first_prompt or prompt
            case {"event": "scored"}:
                runs += 1
            case {"event": "edge_started" | "margins", "run": str(run), "prompt": str(prompt)}:
                edges.add(run)
                first_prompt = first_prompt or prompt
            case {"event": "session_finished", "status": str(ending)}:
                status = ending
    return SessionInfo(
        path,
        header.created,
        header.model,
        tuple(str(variant.get("name", "?")) for variant in header.variants),
        runs + len(edges),
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
