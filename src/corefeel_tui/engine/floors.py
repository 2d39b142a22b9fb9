"""What the measurement reads when nothing was quantized, and whether each treatment engaged.

Knows a fixed calibration text and how to run a model over it; no question, no user's text.
"""

from __future__ import annotations

import hashlib
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache

from corefeel_tui.engine.divergence import Distribution, describe, diverge
from corefeel_tui.engine.speeds import DECODE_SECONDS, Speeds, Timing, timing, to_the_end
from corefeel_tui.errors import ModelError

CALIBRATION = (
    "The station keeps two pumps on the north line and one in reserve. At nine the pressure fell "
    "from 41 to 38 bar, and the guard, who had read the gauge twice, closed the east valve before "
    'anyone asked why. {"decision": "VETO", "evidence": ["gauge 7", "log 12"]} is what the panel '
    "answered. Two days later the report said: the seal was worn, the valve was sound, and nobody "
    "was to blame. Is 17 × 23 equal to 391? Yes: 17 × 20 is 340, 17 × 3 is 51, and their sum is "
    "391. def mean(values): return sum(values) / len(values). Es war einmal ein König, der hatte "
    "drei Töchter; la plus jeune aimait les livres plus que l'or. Bring three eggs, a cup of milk "
    "and some patience; stir until it thickens, then wait. "
)
"""Prose, figures, a record, code and two other languages: what a model may meet."""

POSITIONS = 256
ENOUGH_BYTES = 1 << 32
"""A reference of this many resident bytes is measured on one position; smaller ones on more."""
FEWEST = 16
PROBED = 32
"""Positions on which a variant is compared with the reference at load."""
WITNESSED = 2
"""Positions by which a model is known again: few, since they are read at every load, but enough for
one to attend to another."""


class Probe:
    """The calibration text under one reference; `vocabulary` is the width of its logits."""

    def __init__(self, reference: nn.Module, tokenizer: Any, context: int) -> None:
        resident = sum(array.nbytes for _, array in tree_flatten(reference.parameters()))
        count = min(max(FEWEST, ENOUGH_BYTES // max(resident, 1)), POSITIONS, context)
        self.vocabulary = int(reference(mx.array([[0]])).shape[-1])  # not computed
        ids = tokenizer.encode(CALIBRATION, add_special_tokens=False)
        ids = [token for token in ids if token < self.vocabulary]
        if not ids:
            raise ModelError("the tokenizer makes no token that this model has a row for")
        self._tokens = (ids * (count // len(ids) + 1))[:count]
        self._reference: nn.Module | None = reference
        self._first: Distribution | None = None

    @property
    def first(self) -> Distribution:
        """The reference's on the positions where variants are compared with it."""
        if self._first is None:
            assert self._reference is not None
            self._first = forward(self._reference, self._tokens[:PROBED])
        return self._first

    def let_go(self) -> None:
        """Hold no array of the reference any more."""
        self._first, self._reference = self.first, None

    def witness(self, model: nn.Module) -> str:
        """A hash of a model's logits on the first few tokens: equal where it computes the same."""
        logits = np.asarray(forward(model, self._tokens[:WITNESSED]).logits)
        return hashlib.sha256(str(logits.shape).encode() + logits.tobytes()).hexdigest()[:32]

    def floors(self, reference: nn.Module) -> dict[str, dict[str, Any]]:
        """F0, the reference twice in the same shapes, and F1, once in other prefill chunks."""
        probed = len(self._tokens) <= PROBED
        first = self.first if probed else forward(reference, self._tokens)
        again = forward(reference, self._tokens)
        chunked = forward(reference, self._tokens, chunk=max(1, len(self._tokens) // 3))
        return {"F0": _floor(first, again), "F1": _floor(first, chunked)}

    def check(self, model: nn.Module) -> dict[str, Any]:
        """Width of a model's logits, whether all are finite, and the largest KL from the
        reference's (None where that has no meaning)."""
        own = forward(model, self._tokens[:PROBED])
        finite = bool(np.isfinite(own.confidence).all())
        comparable = finite and own.vocabulary == self.vocabulary
        kl = float(diverge(self.first, own)["kl"].max()) if comparable else None
        return {"vocabulary": own.vocabulary, "finite": finite, "kl_max": kl}

    def timing(self, model: nn.Module, seconds: float = DECODE_SECONDS, fewest: int = 1) -> Timing:
        """The steps that time this model alone."""
        return timing(model, self._tokens, seconds, fewest)

    def speeds(self, model: nn.Module) -> Speeds:
        """Tokens per second of this model alone."""
        measured: Speeds = to_the_end(self.timing(model))
        return measured


def forward(model: nn.Module, tokens: list[int], chunk: int | None = None) -> Distribution:
    """Distributions after every token, (N, V); read in runs of `chunk` tokens, or all at once."""
    if chunk is None:
        return describe(model(mx.array([tokens]))[0])
    caches = make_prompt_cache(model)
    parts = []
    for start in range(0, len(tokens), chunk):
        logits = model(mx.array([tokens[start : start + chunk]]), cache=caches)[0]
        parts.append(logits.astype(mx.float32))
        mx.eval(parts[-1])
    return describe(mx.concatenate(parts))


def _floor(p: Distribution, q: Distribution) -> dict[str, Any]:
    kl = diverge(p, q)["kl"]
    return {"kl_mean": float(kl.mean()), "kl_max": float(kl.max()), "positions": len(kl)}
