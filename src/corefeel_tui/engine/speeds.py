"""How fast a model answers and reads alone: one forward pass after the other, each timed.

Knows tokens, caches and clocks; neither which models there are nor where their speeds are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import make_prompt_cache

from corefeel_tui.engine import memory

READ = 32
"""Positions that are read before an answer."""
DECODE_TOKENS = 16
DECODE_SECONDS = 0.05
"""Solo decoding is timed over so many tokens or so long, whichever ends first; the median counts,
for one token that waits for another program would tell of that program."""
PREFILL_SECONDS = 0.025
PREFILL_ROUNDS = 3
"""Where `READ` tokens are read faster than this, prefill is so often timed on the whole text."""
UNDISTURBED = 0.9
"""Of a pass on a CPU at least this share is computed by this process; where it was less, the pass
stood in line behind other programs, and its time tells of them."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Tokens per second of answering and of reading; `disturbed` by other programs or not."""

    decode: float
    prefill: float
    disturbed: bool

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Speeds:
        """Those that a description tells."""
        return cls(told["tokens_per_second"], told["prefill_tokens_per_second"], told["disturbed"])

    def described(self) -> dict[str, Any]:
        """As in `events.Loaded.variants`."""
        return {
            "tokens_per_second": self.decode,
            "prefill_tokens_per_second": self.prefill,
            "disturbed": self.disturbed,
        }


Timing = Generator[None, None, Speeds]
"""Rests after every forward pass; returns the speeds."""


class Stopwatch:
    """Seconds that passes took, and those of them that this process computed."""

    def __init__(self) -> None:
        self._wall = self._computed = 0.0

    def time(self, work: Callable[[], None]) -> float:
        """Wall seconds of `work`."""
        computed, began = time.process_time(), time.perf_counter()
        work()
        seconds = time.perf_counter() - began
        self._wall += seconds
        self._computed += time.process_time() - computed
        return seconds

    @property
    def disturbed(self) -> bool:
        """Whether too little of it was computed; of a GPU's work the CPU's time says nothing."""
        return memory.backend() == "cpu" and self._computed < UNDISTURBED * self._wall


def timing(
    model: nn.Module, tokens: Sequence[int], seconds: float = DECODE_SECONDS, fewest: int = 1
) -> Timing:
    """Times greedy decoding for about `seconds`, of `fewest` tokens or more, and reading.

    More of the text is read where a little takes no time, as one of `fewest` tries may show.  What
    happens between two passes does not count.
    """
    watch = Stopwatch()
    caches = make_prompt_cache(model)
    few, every = mx.array([tokens[:READ]]), mx.array([tokens])
    _read(model, few, caches)
    yield
    token = _next(model, few[:, -1:], caches)  # compiles what the rest then has
    yield
    decodes: list[float] = []

    def decode() -> None:
        nonlocal token
        token = _next(model, token[None], caches)

    while len(decodes) < DECODE_TOKENS and (len(decodes) < fewest or sum(decodes) < seconds):
        decodes.append(watch.time(decode))
        yield
    reading, reads = few, list[float]()
    while len(reads) < min(fewest, PREFILL_ROUNDS) and min(reads, default=1) > PREFILL_SECONDS:
        reads.append(watch.time(lambda: _read(model, few, make_prompt_cache(model))))
        yield
    if min(reads) < PREFILL_SECONDS:
        reading, reads = every, []
        for _ in range(PREFILL_ROUNDS):
            reads.append(watch.time(lambda: _read(model, every, make_prompt_cache(model))))
            yield
    prefill = reading.size / median(reads)
    return Speeds(round(1 / median(decodes), 1), round(prefill, 1), watch.disturbed)


def to_the_end(steps: Generator[None, None, Any]) -> Any:
    """What `steps` return, without a rest."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def alternately(models: Mapping[str, Timing]) -> Generator[None, None, dict[str, Speeds]]:
    """One pass of each model in turn, so that whatever else goes on befalls all alike."""
    found: dict[str, Speeds] = {}
    while len(found) < len(models):
        for name, steps in models.items():
            if name in found:
                continue
            try:
                next(steps)
            except StopIteration as end:
                found[name] = end.value
            yield
    return found


def _read(model: nn.Module, tokens: mx.array, caches: list[Any]) -> None:
    """Fill caches, as mlx-lm does before an answer: no logits are computed."""
    model(tokens, cache=caches)
    mx.eval([cache.state for cache in caches])


def _next(model: nn.Module, tokens: mx.array, caches: list[Any]) -> mx.array:
    token = mx.argmax(model(tokens, cache=caches)[:, -1], axis=-1)
    mx.eval(token)
    return token
