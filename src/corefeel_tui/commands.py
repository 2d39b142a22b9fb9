"""What a screen or a command line asks of the engine: frozen commands, one JSON object a line.

Knows the wire format and nothing about how a command is carried out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
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


@dataclass(frozen=True, slots=True)
class Load(Command):
    """Make these models answer.  Arrays already loaded for the same model are kept.

    `model` is a directory, a hub id, or None for Pocket; `variants` are texts of the variant
    grammar, the reference first; `explicit` tells whether the user named them.
    """

    name = "load"
    model: str | None
    variants: list[str]
    reference: str = "bf16"
    explicit: bool = True


@dataclass(frozen=True, slots=True)
class Plan(Command):
    """Tell what `Load` of the same would take, reading no weight, with room for `length` tokens of
    prompt and answer (None: as many as a load asks for)."""

    name = "plan"
    model: str | None
    variants: list[str]
    reference: str = "bf16"
    explicit: bool = True
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Ask(Command):
    """One comparison on the loaded models.

    `history` holds the turns before `prompt` as chat messages that all models share; `continues`
    names an earlier run of this engine whose conversation goes on, each model with its own
    answers.  `verdict` is a `verdicts.VerdictSpec` as a dict, or None.  `top` is k of the stored
    top-k.  `background` runs yield to interactive ones.
    """

    name = "ask"
    run: str
    prompt: str
    system: str | None = None
    history: list[dict[str, str]] = field(default_factory=list)
    continues: str | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    stop: list[str] = field(default_factory=list)
    thinking: bool = False
    verdict: dict[str, Any] | None = None
    variants: list[str] | None = None
    top: int = 8
    background: bool = False


@dataclass(frozen=True, slots=True)
class Score(Command):
    """Teacher-forced drift on given tokens; exactly one of the files `text` and `tokens`."""

    name = "score"
    run: str
    text: str | None = None
    tokens: str | None = None
    context: int | None = None
    per_token: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluate(Command):
    """The batch evaluation of some suites (names or paths) on the loaded models.

    `limit` keeps the first so many items of a suite.  Items named in `done` ("suite/id") stand in
    the session already and are not told again.  Per-position values go to the directory `arrays`.
    """

    name = "evaluate"
    run: str
    suites: list[str]
    limit: int | None = None
    seed: int = 0
    arrays: str | None = None
    done: list[str] = field(default_factory=list)
    control: bool = True


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """Let a run rest, or go on with `paused` false; its place in the queue stays."""

    name = "pause"
    run: str
    paused: bool = True


@dataclass(frozen=True, slots=True)
class Cancel(Command):
    """End a run after the token being computed; what it has so far stays."""

    name = "cancel"
    run: str


@dataclass(frozen=True, slots=True)
class Shutdown(Command):
    """End the engine in order."""

    name = "shutdown"


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
