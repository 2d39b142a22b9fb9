"""The reference's distributions on disk, so that each variant can be scored without it.

Knows METRICS §1's stored top-K: ids and float32 log-probabilities of the K likeliest tokens, and
what the rest weighs.  K is as large as the room allows; where that is the whole vocabulary, logits
are stored as they came and nothing is lost.  Runs no model.
"""

from __future__ import annotations

import tempfile
from typing import Any, BinaryIO, Self

import mlx.core as mx
import numpy as np

from corefeel_tui.engine import divergence_cpu
from corefeel_tui.engine.divergence import Distribution, describe, diverge_fully, rank, top_k
from corefeel_tui.errors import EngineError

Array = np.ndarray[Any, Any]

FEWEST = 1024
"""Choices that are always stored."""
ROOM = 1 << 31
"""Bytes of a store whose positions have more."""
CHOICE = 8
"""Bytes of an id and its log-probability."""


class ReferenceStore:
    """What the reference made of so many positions, written in order, then read in order as often
    as there are variants."""

    def __init__(self, positions: int, vocabulary: int, file: BinaryIO | None = None) -> None:
        """Space for `positions` decides how much is stored of each; `file` is closed in the end,
        and a temporary one where none is given."""
        self.whole = 4 * positions * vocabulary <= ROOM
        self.choices = min(vocabulary, max(FEWEST, ROOM // (CHOICE * max(positions, 1))))
        self._place = tempfile.gettempdir() if file is None else file.name
        self._file: Any = file or tempfile.TemporaryFile()  # noqa: SIM115 (closed with the store)
        if self.whole:
            self._row = np.dtype([("logits", np.float32, vocabulary)])
        else:
            own = (self.choices,)
            self._row = np.dtype(
                [("ids", np.int32, own), ("log_p", np.float32, own), ("tail", np.float64, (2,))]
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def add(self, own: Distribution) -> None:
        """The next positions.  Raises EngineError where they cannot be written."""
        rows = np.empty(len(own), self._row)
        if self.whole:
            rows["logits"] = np.asarray(own.logits)
        else:
            rows["ids"], rows["log_p"] = top_k(own, self.choices)
            rows["tail"] = [
                _tail(row, ids)[:2] for row, ids in zip(_rows(own), rows["ids"], strict=True)
            ]
        try:
            self._file.write(rows.data)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EngineError(
                f"the reference's distributions cannot be stored in “{self._place}”: "
                f"{reason}; make room there, or score a shorter text"
            ) from error

    def rewind(self) -> None:
        """Read from the first position again."""
        self._file.seek(0)

    def diverge(self, own: Distribution) -> dict[str, Array]:
        """As `divergence.diverge_fully` of the stored and the variant's distributions at the next
        positions; with fewer choices than tokens each divergence is a lower bound, and
        `kl_missing` (N,) the most that KL can be above it."""
        data = self._file.read(len(own) * self._row.itemsize)
        rows = np.frombuffer(data, self._row)
        if self.whole:
            logits: Any = rows["logits"]
            on_gpu = isinstance(own.logits, mx.array)
            return diverge_fully(describe(mx.array(logits) if on_gpu else logits), own)
        log_p, tail = rows["log_p"].astype(float), rows["tail"]
        return _diverge_reduced(rows["ids"], log_p, tail[:, 0], tail[:, 1], own)


def _rows(own: Distribution) -> Any:
    """(V,) float64 log-probabilities, position by position."""
    for i in range(len(own)):
        yield own.row(i).logprobs[0].astype(float)


def _tail(logprobs: Array, ids: Array) -> tuple[float, float, float]:
    """Of the tokens that are not among `ids`: their mass, Σ p·log p, and the least log p."""
    rest = logprobs.copy()
    rest[ids] = -np.inf
    weights = np.exp(rest)
    energy = float(np.sum(weights[weights > 0] * rest[weights > 0]))
    rest[ids] = np.inf
    return float(weights.sum()), energy, float(rest.min())


@np.errstate(divide="ignore", invalid="ignore")  # an empty tail has a log of −inf
def _diverge_reduced(
    ids: Array, log_p: Array, p_tail: Array, p_energy: Array, own: Distribution
) -> dict[str, Array]:
    """The divergences over the stored choices and one bin for all the others.

    KL − KL_K = Σ_tail p·log p − Σ_tail p·log q − p_tail·log(p_tail/q_tail), of which the middle
    term is at most p_tail·(−log of the tail's least q).
    """
    rows = list(_rows(own))
    log_q = np.stack([row[own_ids] for row, own_ids in zip(rows, ids, strict=True)])
    tails = np.array([_tail(row, own_ids) for row, own_ids in zip(rows, ids, strict=True)])
    q_tail, least = tails[:, 0], tails[:, 2]
    kl, reverse_kl, jsd, tv = divergence_cpu.in_float64(
        np.column_stack([log_p, np.log(p_tail)]), np.column_stack([log_q, np.log(q_tail)])
    )
    missing = p_energy - p_tail * least - p_tail * np.log(p_tail / q_tail)
    named = {"kl": kl, "reverse_kl": reverse_kl, "jsd": jsd, "tv": tv}
    first = ids[:, 0].astype(np.int64)
    return {name: values.astype(np.float32) for name, values in named.items()} | {
        "rank": rank(own, first),
        "flip": own.argmax != first,
        "kl_missing": np.where(p_tail > 0, np.maximum(missing, 0), 0).astype(np.float32),
    }
