"""Choosing tokens: greedy, or with Gumbel noise that all models share at a position.

Knows logits and seeds, no model and no text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from mlx_lm.sample_utils import apply_min_p, apply_top_k, apply_top_p

NoiseKey = tuple[int, int]
"""(item, sample): with seed and position, what the noise of a row is a function of."""

Place = tuple[NoiseKey, int]
"""A row's key and the position in its answer."""

Picker = Callable[[mx.array, Sequence[Place]], mx.array]
"""(logits (R, V) float32, a place per row) → lazy token ids (R,)."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn; temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0


def gumbel_noise(seed: int, key: NoiseKey, position: int, vocabulary: int) -> np.ndarray:
    """Standard Gumbel noise (V,), float32, a pure function of its arguments."""
    entropy = np.random.SeedSequence([seed, *key, position])
    random = np.random.Generator(np.random.Philox(entropy))
    exponential = random.standard_exponential(vocabulary, dtype=np.float32)
    np.maximum(exponential, np.finfo(np.float32).tiny, out=exponential)
    return -np.log(exponential)


def make_picker(sampling: Sampling) -> Picker:
    """The picker of these settings.

    Adding the same Gumbel noise to every model's log-probabilities and taking the argmax draws
    each model's token from its own softmax (Gumbel-max trick), and identical distributions draw
    identical tokens: coupled sampling, DESIGN 4.7.  Filters apply in mlx-lm's order.
    """
    if sampling.temperature == 0:
        return lambda logits, places: mx.argmax(logits, axis=-1)

    drawn: dict[NoiseKey, tuple[int, mx.array]] = {}

    def noise(key: NoiseKey, position: int, vocabulary: int) -> mx.array:
        """All models of a step share one draw; those of past positions are let go."""
        if drawn.get(key, (None,))[0] != position:
            drawn[key] = position, mx.array(gumbel_noise(sampling.seed, key, position, vocabulary))
        return drawn[key][1]

    def pick(logits: mx.array, places: Sequence[Place]) -> mx.array:
        vocabulary = logits.shape[-1]
        logprobs = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
        if 0 < sampling.top_p < 1:
            logprobs = apply_top_p(logprobs, sampling.top_p)
        if sampling.min_p > 0:
            logprobs = apply_min_p(logprobs, sampling.min_p)
        if 0 < sampling.top_k < vocabulary:
            logprobs = apply_top_k(logprobs, sampling.top_k)
        shared = mx.stack([noise(key, position, vocabulary) for key, position in places])
        return mx.argmax(logprobs / sampling.temperature + shared, axis=-1)

    return pick
