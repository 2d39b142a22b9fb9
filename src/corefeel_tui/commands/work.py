"""Commands that ask the loaded models for something: a comparison, a score, a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .wire import Command


@dataclass(frozen=True, slots=True)
class Ask(Command):
    """One comparison on the loaded models.

    `history` holds the turns before `prompt` as chat messages that all models share; `continues`
    names an earlier run of this engine whose conversation goes on, each model with its own
    answers.  `verdict` is a `verdicts.VerdictSpec` as a dict, or None.  `top` is k of the stored
    top-k.  `background` runs yield to interactive ones.

    Every answer begins with the tokens `forced`.  `prompt_ids`, as in `events.Started`, are read in
    place of the rendered chat.  For a branch `branches_from` tells what it goes on from, `origin`
    which models that was made with (`forks.origin_of`), and `noise` keys its noise as it did there.
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
    forced: list[int] = field(default_factory=list)
    prompt_ids: dict[str, list[int]] = field(default_factory=dict)
    branches_from: dict[str, Any] | None = None
    noise: list[int] = field(default_factory=list)
    origin: dict[str, Any] = field(default_factory=dict)


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
    `stop_collapsed` asks collapsed variants no more, `quick` those whose sequential test answered;
    for both, `glances` holds what the items of `done` said (`early.Glance` by item and variant).
    `answers` of a model are written side by side; None means as many as there is room for.
    """

    name = "evaluate"
    run: str
    suites: list[str]
    limit: int | None = None
    seed: int = 0
    arrays: str | None = None
    done: list[str] = field(default_factory=list)
    control: bool = True
    stop_collapsed: bool = False
    quick: bool = False
    glances: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    answers: int | None = None
