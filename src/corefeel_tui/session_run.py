"""One item's comparison out of a session file, without parsing the lines of all the others.

Knows the format of lines; nothing of who shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic_core import to_json

from corefeel_tui import events as ev
from corefeel_tui.errors import SessionError
from corefeel_tui.sessions import read_session

HEAD = 400
"""Bytes of a line within which its run is named."""

_SHARED = (b'{"event":"pieces"', b'{"event":"loaded"')


def read_item(path: Path, run: str) -> list[ev.Event]:
    """The models, and every run of the item whose (first) run is `run`, as last told.

    Later turns and samples of an item are called `run/1`, `run#1` and so on.  Raises SessionError
    where the file cannot be read or does not hold the item.
    """
    read_session(path)
    name = to_json(run).removesuffix(b'"')
    wanted = tuple(b'"run":' + name + end for end in (b'"', b"/", b"#"))
    found: list[ev.Event] = []
    begun: dict[str, int] = {}
    for line in _complete_lines(path):
        shared = line.startswith(_SHARED)
        if not shared and not any(mark in line[:HEAD] for mark in wanted):
            continue
        event = _decoded(line, path)
        if isinstance(event, ev.Started):
            _drop(found, event.run, begun)
        found.append(event)
    if not begun:
        raise SessionError(f"{path} does not hold the answers of {run.partition(':')[2]}")
    return _last_models(found)


def _complete_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SessionError(f"{path} cannot be read: {reason}") from error


def _decoded(line: bytes, path: Path) -> ev.Event:
    try:
        return ev.decode(line)
    except ValueError as error:
        raise SessionError(f"{path}: a line of the item cannot be read: {error}") from error


def _drop(found: list[ev.Event], run: str, begun: dict[str, int]) -> None:
    """Forget what was told of a run that begins anew: the engine was killed in its midst."""
    if run in begun:
        found[:] = [event for event in found if getattr(event, "run", None) != run]
    begun[run] = begun.get(run, 0) + 1


def _last_models(events: list[ev.Event]) -> list[ev.Event]:
    """The models as told last, then everything else in order."""
    loaded = [event for event in events if isinstance(event, ev.Loaded)]
    return [*loaded[-1:], *(event for event in events if not isinstance(event, ev.Loaded))]
