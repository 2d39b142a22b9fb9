"""What every event is, and its line on the wire; knows no event by name.

Readers ignore fields they do not know and keep events they do not know (`Unknown`), so that old
and new files mix.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar

from pydantic_core import from_json, to_json

JSON = dict[str, Any]
"""A decoded JSON object."""

REGISTRY: dict[str, type[Event]] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """Base of every line the engine writes; `name` is the value of the line's "event" key."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super(Event, cls).__init_subclass__(**options)
        if cls.name:
            REGISTRY[cls.name] = cls


@dataclass(frozen=True, slots=True)
class Unknown(Event):
    """An event of a later version, kept as it came."""

    data: JSON


@cache
def _field_names(event: str) -> tuple[str, ...]:
    return tuple(f.name for f in fields(REGISTRY[event]))


def to_dict(event: Event) -> JSON:
    """The event as the JSON object that stands on its line; fields that are None are left out."""
    if isinstance(event, Unknown):
        return event.data
    data: JSON = {"event": event.name}
    for name in _field_names(event.name):
        value = getattr(event, name)
        if value is not None:
            data[name] = value
    return data


def from_dict(data: JSON) -> Event:
    """The event of one decoded line.  Raises ValueError if it is no event or lacks a field."""
    try:
        kind = REGISTRY.get(data["event"])
    except (TypeError, KeyError):
        raise ValueError("not an event: no key “event”") from None
    if kind is None:
        return Unknown(data)
    known = {name: data[name] for name in _field_names(kind.name) if name in data}
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(f"event “{data['event']}” is incomplete: {error}") from None


def encode(event: Event) -> bytes:
    """One line, newline included.  NaN and infinities become null."""
    return to_json(to_dict(event), inf_nan_mode="null") + b"\n"


def decode(line: bytes | str) -> Event:
    """The event on one line.  Raises ValueError on anything else."""
    return from_dict(from_json(line))
