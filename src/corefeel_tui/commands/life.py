"""Commands about the engine and its runs: load, plan, pause, cancel, end."""

from __future__ import annotations

from dataclasses import dataclass

from .wire import Command


@dataclass(frozen=True, slots=True)
class Load(Command):
    """Make these models answer.  Arrays already loaded for the same model are kept.

    `model` is a directory, a hub id, or None for Pocket; `variants` are texts of the variant
    grammar, the reference first; `explicit` tells whether the user named them.  Quantized weights
    are kept for the next start in at most `cache_bytes`, 0 for not at all, None as in the load
    before (at first not at all).  `in_turn` lets `score`
    and `evaluate` do with less memory: "auto" if all do not fit, "pairs" (the reference and one
    variant at a time), "single" (one model at a time), or None, never.  What an earlier load
    measured on this machine is kept with the weights and told again, unless `anew`.
    """

    name = "load"
    model: str | None
    variants: list[str]
    reference: str = "bf16"
    explicit: bool = True
    cache_bytes: int | None = None
    in_turn: str | None = None
    anew: bool = False


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
class Examine(Command):
    """Measure how exact and how fast this machine computes; loads nothing."""

    name = "examine"


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
