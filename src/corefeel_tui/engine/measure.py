"""One step's logits → columns for every trajectory.  Knows divergences and rows, no text."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from corefeel_tui.engine.divergence import Distribution, describe, diverge, taken, top_k
from corefeel_tui.engine.lockstep import Row, Step
from corefeel_tui.engine.trajectories import Scores


class Measured:
    """Every model's distribution on every row at one step, and how far it is from the reference's.

    Columns are computed when first asked for: a row that no trajectory needs costs nothing.
    """

    def __init__(self, step: Step, reference: str) -> None:
        self.reference = reference
        self._distributions: dict[str, dict[Row, Distribution]] = {
            model: _by_row(step.scored[model], logits) for model, logits in step.logits.items()
        }
        self._columns: dict[tuple[str, Row], dict[str, Any]] = {}

    def broken(self) -> list[str]:
        """Models that gave a NaN or an infinity instead of a distribution."""
        return [m for m, rows in self._distributions.items() if not _sound(rows)]

    def scorers(self, row: Row) -> list[str]:
        """The sound models that scored this row, in the order of the comparison."""
        return [m for m, rows in self._distributions.items() if row in rows and _sound(rows)]

    def scores(
        self, row: Row, token: int, models: list[str], top: int, notable: Collection[str]
    ) -> Scores:
        """The columns of `models` on `row` where `token` is taken, and the top-k of `notable`."""
        found: Scores = {}
        for model in models:
            logprob, rank = taken(self._distributions[model][row], [token])
            columns = dict(self._columns_of(model, row))
            columns["token_rank"], columns["logprob"] = int(rank[0]), float(logprob[0])
            if top and model in notable:
                columns["top"] = self._top_of(model, row, top)
            found[model] = columns
        return found

    def flips(self, row: Row, model: str) -> bool:
        """Whether the model's first choice is not the reference's."""
        return bool(self._columns_of(model, row)["flip"])

    def logprobs(self, model: str, row: Row) -> np.ndarray:
        """(V,) log-probabilities of one model on one row."""
        logprobs: np.ndarray = self._distributions[model][row].logprobs[0]
        return logprobs

    def _columns_of(self, model: str, row: Row) -> dict[str, Any]:
        if (model, row) not in self._columns:
            own = self._distributions[model][row]
            drift = diverge(self._distributions[self.reference][row], own)
            self._columns[model, row] = {
                "kl": float(drift["kl"][0]),
                "rank": int(drift["rank"][0]),
                "flip": bool(drift["flip"][0]),
                "argmax": int(own.argmax[0]),
                "entropy": float(own.entropy[0]),
                "gap": float(own.gap[0]),
                "confidence": float(own.confidence[0]),
            }
        return self._columns[model, row]

    def _top_of(self, model: str, row: Row, k: int) -> tuple[list[int], list[float]]:
        ids, logprob = top_k(self._distributions[model][row], k)
        return ids[0].tolist(), logprob[0].tolist()


def _by_row(rows: list[Row], logits: Any) -> dict[Row, Distribution]:
    whole = describe(logits)
    if len(rows) == 1:
        return {rows[0]: whole}
    return {row: whole.row(i) for i, row in enumerate(rows)}


def _sound(rows: dict[Row, Distribution]) -> bool:
    return all(np.isfinite(d.confidence).all() for d in rows.values())
