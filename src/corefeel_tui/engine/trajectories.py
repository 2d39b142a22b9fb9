"""What a comparison says about its answers: columns per position, pieces of text, lines of ~40 ms.

Knows events and a tokenizer's detokenizer; no model and no cache.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from corefeel_tui import events as ev

FLUSH_SECONDS = 0.04
"""Positions are collected this long before they become a line."""

Scores = dict[str, dict[str, Any]]
"""Model → column → value at one position; "top" → (ids, logprobs)."""


@dataclass(slots=True)
class Position:
    """One position of one trajectory, waiting for its line."""

    id: int
    scores: Scores
    shared: bool


@dataclass(slots=True)
class Answer:
    """One model's answer while it grows."""

    name: str
    detokenizer: Any
    ids: list[int] = field(default_factory=list)
    pending: list[Position] = field(default_factory=list)
    sent: int = 0
    reason: str | None = None

    def take(self, id: int, end: bool) -> None:
        """Append a token; an end-of-sequence token adds no text."""
        self.ids.append(id)
        if not end:
            self.detokenizer.add_token(id)

    @property
    def text(self) -> str:
        """Text so far."""
        return str(self.detokenizer.text)


class Lines:
    """Collects positions of all answers of a run and turns them into lines."""

    def __init__(self, run: str, reference: str, piece: PieceTexts) -> None:
        self.run = run
        self.reference = reference
        self.piece = piece
        self._due = time.monotonic() + FLUSH_SECONDS

    def due(self) -> bool:
        """Whether the oldest waiting position has waited long enough."""
        return time.monotonic() >= self._due

    def flush(self, answers: list[Answer]) -> Iterator[ev.Event]:
        """Lines for everything that waits, the reference's before those that repeat it."""
        self._due = time.monotonic() + FLUSH_SECONDS
        ordered = sorted(answers, key=lambda answer: answer.name != self.reference)
        fresh = self.piece.fresh(_ids_in(ordered))
        if fresh:
            yield ev.Pieces(fresh)
        for answer in ordered:
            yield from self._lines(answer)

    def _lines(self, answer: Answer) -> Iterator[ev.Event]:
        while answer.pending:
            shared = answer.pending[0].shared
            count = next(
                (i for i, p in enumerate(answer.pending) if p.shared != shared),
                len(answer.pending),
            )
            positions, answer.pending = answer.pending[:count], answer.pending[count:]
            yield ev.Tokens(
                run=self.run,
                trajectory=answer.name,
                start=answer.sent,
                ids=[p.id for p in positions],
                scores=None if shared else _columns([p.scores for p in positions]),
                same_as=self.reference if shared else None,
            )
            answer.sent += count


class PieceTexts:
    """Text of single tokens, each told once."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._told: set[int] = set()
        self._texts: dict[int, str] = {}

    def fresh(self, ids: set[int]) -> dict[str, str]:
        """Texts of those ids that were not told before."""
        new = sorted(ids - self._told)
        self._told.update(new)
        return {str(id): self.text(id) for id in new}

    def text(self, id: int) -> str:
        """What this token adds to a text."""
        if id not in self._texts:
            self._texts[id] = str(self._tokenizer.decode([id]))
        return self._texts[id]


def _ids_in(answers: list[Answer]) -> set[int]:
    found: set[int] = set()
    for answer in answers:
        for position in answer.pending:
            found.add(position.id)
            if position.shared:
                continue
            for columns in position.scores.values():
                found.add(columns["argmax"])
                if "top" in columns:
                    found.update(columns["top"][0])
    return found


def _columns(positions: list[Scores]) -> dict[str, ev.JSON]:
    """Model → column → values of some consecutive positions, floats rounded all at once."""
    columns = {model: _columns_of([p[model] for p in positions]) for model in positions[0]}
    lists = [values for own in columns.values() for values in _float_lists(own)]
    rounded = significant([value for values in lists for value in values])
    at = 0
    for values in lists:
        values[:] = rounded[at : at + len(values)]
        at += len(values)
    return columns


def _columns_of(values: list[dict[str, Any]]) -> ev.JSON:
    columns: ev.JSON = {name: [v[name] for v in values] for name in values[0] if name != "top"}
    if any("top" in v for v in values):
        columns["top"] = {
            "ids": [v["top"][0] if "top" in v else None for v in values],
            "logprob": [list(v["top"][1]) if "top" in v else None for v in values],
        }
    return columns


def _float_lists(columns: ev.JSON) -> Iterator[list[float]]:
    """The lists of a model's columns that hold floats, in place."""
    for values in columns.values():
        if isinstance(values, dict):
            yield from (own for own in values["logprob"] if own is not None)
        elif isinstance(values[0], float):
            yield values


def significant(values: list[float], digits: int = 6) -> list[float]:
    """Floats rounded to `digits` significant digits."""
    x = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(np.abs(x)))
    exponent = np.where(np.isfinite(exponent), exponent, 0)
    scale = 10.0 ** (digits - 1 - exponent)
    rounded: list[float] = (np.round(x * scale) / scale).tolist()
    return rounded
