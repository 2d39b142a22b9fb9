"""What every command is, and its line on the wire; knows no command by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from pydantic_core import from_json, to_json

REGISTRY: dict[str, type[Command]] = {}


@dataclass(frozen=True, slots=True)
class Command:
    """Base of every line written to the engine; `name` is the value of the line's "command" key."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super(Command, cls).__init_subclass__(**options)
        if cls.name:
            REGISTRY[cls.name] = cls


def encode(command: Command) -> bytes:
    """One line, newline included."""
    return to_json({"command": command.name, **asdict(command)}) + b"\n"


def decode(line: bytes | str) -> Command:
    """The command on one line.  Raises ValueError on anything else."""
    data = from_json(line)
    try:
        kind = REGISTRY[data["command"]]
    except (TypeError, KeyError):
        raise ValueError("not a command of this engine") from None
    names = {f.name for f in fields(kind)}
    try:
        return kind(**{name: value for name, value in data.items() if name in names})
    except TypeError as error:
        raise ValueError(f"command “{kind.name}” is incomplete: {error}") from None
