"""The first and last line of a session file."""

from __future__ import annotations

from dataclasses import dataclass, field

from .wire import JSON, Event


@dataclass(frozen=True, slots=True)
class SessionHeader(Event):
    """First line of a session file: what was compared, where and how; written by the recorder.

    `created` is ISO 8601 with an offset; `variants`, `fingerprint` and `floors` are those of
    `loaded`, `sampling` that of the first run; `machine` holds system, architecture, processor,
    cpus and memory_bytes, and no name.  The other lines carry "t", seconds since `created`.
    """

    name = "session"
    format: int
    created: str
    model: str
    reference: str
    variants: list[JSON]
    fingerprint: JSON = field(default_factory=dict)
    floors: dict[str, JSON] = field(default_factory=dict)
    sampling: JSON = field(default_factory=dict)
    backend: str = ""
    execution: str = ""
    blas: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machine: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionFinished(Event):
    """Last line of a session file that was closed in order."""

    name = "session_finished"
    status: str = "finished"
