"""The vocabulary between engine, session file and screen: frozen events, one JSON object a line.

Knows the wire format and nothing about who sends, stores or shows it.  Readers ignore fields
they do not know and keep events they do not know (`Unknown`), so that old and new files mix.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
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


# --- life of the engine -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineStarted(Event):
    """First line of a process; backend: cpu, metal or cuda; execution: native or expanded."""

    name = "engine_started"
    pid: int
    backend: str
    execution: str
    blas: str | None = None
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loading(Event):
    """Progress of one load step; `variant` is "" for what all share (tokenizer, checkpoint)."""

    name = "loading"
    variant: str
    stage: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Loaded(Event):
    """The set of models that answers from now on.

    `variants` holds one description per model, the reference first, with keys: name, treatment,
    bits_per_weight, bytes (stored), resident_bytes, execution, skipped (module names left
    unquantized), identical (bool), emulated (bool: numbers, not speed), kv_coverage ("8 of 32
    layers", or null), notes (sentences), tokens_per_second (solo decode, or null).
    `floors` maps a floor's name ("F0", "F1") to {"kl_mean", "kl_max", "positions"}.
    """

    name = "loaded"
    model: str
    reference: str
    variants: list[JSON]
    vocabulary: int
    context: int
    floors: dict[str, JSON] = field(default_factory=dict)
    fingerprint: JSON = field(default_factory=dict)
    thinking: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PlannedSet(Event):
    """What a load would take, nothing of it read yet.

    `variants` are as in `loaded`, tokens_per_second null, each with "included" (bool) and "failure"
    (why it cannot be made, or null).  All the rest is of those included: `models_bytes` stay
    resident, `making_bytes` are taken while a variant is made; `cache_bytes` and `logits_bytes` are
    those of all `rows` at `length` tokens, every answer forked.  `needed_bytes` is the worst
    moment; `usable_bytes` are what `source` has free less a reserve.  `advice` is the sentence of a
    set that does not fit, or the sentences on what was left out.
    """

    name = "planned_set"
    model: str
    reference: str
    variants: list[JSON]
    length: int
    rows: int
    models_bytes: int
    making_bytes: int
    cache_bytes: int
    logits_bytes: int
    needed_bytes: int
    usable_bytes: int
    reserve_bytes: int
    source: str
    fits: bool
    advice: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EngineDied(Event):
    """Written by the client, never by the engine: the process ended without being asked to."""

    name = "engine_died"
    reason: str
    exit_code: int | None = None
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """One sentence worth a status line: a missing OpenBLAS, an unwritable directory."""

    name = "notice"
    text: str
    severity: str = "information"


@dataclass(frozen=True, slots=True)
class Status(Event):
    """Periodic: bytes in use by the engine, jobs waiting."""

    name = "status"
    memory_bytes: int
    queued: int = 0


# --- one comparison -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started(Event):
    """A run begins.  `prompt` is what the user typed; `messages` the whole chat sent.

    `sampling` holds temperature, top_p, top_k, min_p, seed, max_tokens.  `turn` counts from 0;
    from turn 1 on each model goes on from its own earlier answers (`continues` names the run).
    """

    name = "started"
    run: str
    prompt: str
    variants: list[str]
    reference: str
    messages: list[JSON] = field(default_factory=list)
    sampling: JSON = field(default_factory=dict)
    prompt_tokens: dict[str, int] = field(default_factory=dict)
    thinking: bool = False
    verdict: JSON | None = None
    continues: str | None = None
    turn: int = 0
    item: str | None = None
    suite: str | None = None


@dataclass(frozen=True, slots=True)
class Pieces(Event):
    """Text of token ids, sent before an id first appears; keys are decimal ids.

    A piece that is not valid UTF-8 by itself is given as its replacement-character text; the exact
    text of an answer is in `trajectory_finished`.
    """

    name = "pieces"
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tokens(Event):
    """Some consecutive positions of one trajectory, columnar.

    `scores[MODEL]` holds equally long lists: kl (nats, KL(reference‖MODEL) on this trajectory's
    context), argmax, rank (of the reference's argmax under MODEL, 1 = agreement), token_rank (of
    the token taken), logprob (of the token taken), entropy (nats), gap (log p1 − log p2),
    confidence (p1), flip (bool), and in interactive runs top = {"ids": [[k]], "logprob": [[k]]}.
    With `same_as` the scores are those of the named trajectory at the same positions.
    """

    name = "tokens"
    run: str
    trajectory: str
    start: int
    ids: list[int]
    scores: dict[str, JSON] | None = None
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class Fork(Event):
    """At `position` the models that shared a row chose different tokens; groups share a row on."""

    name = "fork"
    run: str
    position: int
    groups: list[list[str]]


@dataclass(frozen=True, slots=True)
class Verdict(Event):
    """The label an answer carries.  `label` may be "UNPARSED"; `position` is the deciding position.

    `margins[MODEL]` is that model's log-odds between the two labels that matter, at `position` of
    this trajectory's context; `margin` is the trajectory owner's.
    """

    name = "verdict"
    run: str
    trajectory: str
    label: str
    position: int | None = None
    margin: float | None = None
    provisional: bool = False
    margins: dict[str, float | None] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TrajectoryFinished(Event):
    """reason: stop, length or cancelled; `tokens` counts positions, end-of-sequence included."""

    name = "trajectory_finished"
    run: str
    trajectory: str
    reason: str
    text: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ItemFinished(Event):
    """A run is over; status: "finished" | "cancelled" | "failed".

    A batch item carries its `evidence.ItemEvidence` as an object.
    """

    name = "item_finished"
    run: str
    status: str = "finished"
    seconds: float = 0.0
    item: str | None = None
    evidence: JSON | None = None


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """A run, a variant, or (with neither) a command failed; the others go on.

    With `fatal` nothing can be answered until another load.
    """

    name = "failed"
    reason: str
    run: str | None = None
    variant: str | None = None
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Planned(Event):
    """A batch begins: what it will run, in suites (`evidence.SuitePlan` as objects).

    `control` names the positive control among the variants; `run` the `evaluate` command.
    """

    name = "planned"
    items: int
    suites: list[JSON]
    control: str | None = None
    seed: int = 0
    run: str = ""


# --- teacher-forced scoring ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Countable work of a run: `done` of `total` `unit`s."""

    name = "progress"
    run: str
    done: int
    total: int
    unit: str = "positions"


@dataclass(frozen=True, slots=True)
class Scored(Event):
    """Result of a `score` run: the object that `score --format json` prints."""

    name = "scored"
    run: str
    result: JSON


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


# --- the wire -----------------------------------------------------------------------------------


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
