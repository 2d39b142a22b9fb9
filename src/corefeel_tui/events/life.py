"""Events of the engine and of what it has loaded; nothing of any run."""

from __future__ import annotations

from dataclasses import dataclass, field

from .wire import JSON, Event


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
    layers", or null), notes (sentences), tokens_per_second (solo decode, or null) and
    prefill_tokens_per_second (solo, reading a prompt, or null); measured is when an earlier load
    of the same models on this machine took these speeds, null where this one did; disturbed (bool)
    that other programs slowed the model meanwhile.
    `floors` maps a floor's name ("F0", "F1") to {"kl_mean", "kl_max", "positions"}.
    `in_turn` is "pairs" or "single" where the variants are as planned, and made one at a time.
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
    in_turn: str | None = None


@dataclass(frozen=True, slots=True)
class Timed(Event):
    """The speeds of loaded models, taken once more while nothing was asked.

    `variants` maps a name to what `Loaded.variants` tells of speeds, which this takes the place of.
    No session keeps it: what is begun after it has these speeds in its `loaded`.
    """

    name = "timed"
    variants: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class PlannedSet(Event):
    """What a load would take, nothing of it read yet.

    `variants` are as in `loaded`, speeds null, each with "included" (bool) and "failure"
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
class Examined(Event):
    """What the engine measured of its machine; no model was read.

    `kernels` maps a treatment to the relative errors of its products, "packed" by MLX's kernel
    (null where there is none) and "here" as executed.  `gflops` is of a square product,
    `tokens_per_second` of reading one matrix of 64 MiB; bytes as in `planned_set`.
    """

    name = "examined"
    kernels: dict[str, JSON]
    gflops: float
    tokens_per_second: float
    free_bytes: int
    usable_bytes: int
    source: str


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
