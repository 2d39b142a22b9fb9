"""What one model has read of one prompt, and how it goes on from there after an edit.

Knows tokens and mlx-lm's caches; no label and no text.  Caches that can be trimmed are, to the
first changed token; others (recurrent states, windows that have moved on) go back to a snapshot,
or read from the start.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import (
    CacheList,
    RotatingKVCache,
    can_trim_prompt_cache,
    make_prompt_cache,
    trim_prompt_cache,
)

from corefeel_tui.engine.chat import common_prefix
from corefeel_tui.engine.prefill import CHUNK, copies
from corefeel_tui.engine.rows import RowCaches

STRIDE = 64
"""A snapshot every so many tokens, for caches that cannot be trimmed."""
KEPT_SNAPSHOTS = 12


class Reading:
    """One model's caches; they hold exactly `tokens`, also after a reading that was given up."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.tokens: list[int] = []
        self._caches = make_prompt_cache(model)
        self._snapshots: dict[int, list[Any]] = {}
        self._trims = all(map(_always_trims, self._caches))

    def rewind(self, tokens: Sequence[int]) -> int:
        """Forget what is not a beginning of `tokens` less the last; how many tokens stay."""
        held = min(common_prefix(self.tokens, list(tokens)), len(tokens) - 1)
        self._snapshots = {at: kept for at, kept in self._snapshots.items() if at <= held}
        excess = len(self.tokens) - held
        if excess and can_trim_prompt_cache(self._caches):
            trim_prompt_cache(self._caches, excess)
        elif excess:
            held, self._caches = self._restored(held)
        self.tokens = list(tokens[:held])
        return held

    def read(self, tokens: Sequence[int], changed: int = 0) -> Generator[None, None, mx.array]:
        """Read `tokens` behind what is there (`rewind` first); yields between chunks.

        Returns the logits (1, V) float32 after the last, lazy.  `changed` is where the next edit
        is expected: a snapshot is left there, where one is needed.
        """
        logits = mx.zeros((1, 1))
        while len(self.tokens) < len(tokens):
            start = len(self.tokens)
            stop = self._stop(start, len(tokens), changed)
            logits = self.model(_row(tokens[start:stop]), cache=self._caches)[:, -1]
            if stop < len(tokens):
                mx.eval([cache.state for cache in self._caches])
            self.tokens = list(tokens[:stop])
            if not self._trims and stop < len(tokens):
                self._keep(stop)
                yield
            elif stop < len(tokens):
                yield
        return logits.astype(mx.float32)

    @property
    def rows(self) -> RowCaches:
        """The live caches as the one row they are; `select` of several rows copies them."""
        return RowCaches([self._caches])

    def branched(self, cut: int, count: int) -> Generator[None, None, RowCaches]:
        """`count` rows that each hold the first `cut` tokens; nothing of this reading changes."""
        if self._trims:
            layers = [_view(cache, len(self.tokens) - cut) for cache in self._caches]
            layers = copies(layers) if count == 1 else layers
        else:
            layers = yield from self._walked(cut)
        rows = RowCaches([layers])
        rows.select([0] * count)
        return rows

    def _walked(self, cut: int) -> Generator[None, None, list[Any]]:
        """Caches at `cut`, read on from the nearest snapshot; they are left as one themselves."""
        at, layers = self._restored(cut)
        while at < cut:
            stop = min(at + CHUNK, cut)
            self.model(_row(self.tokens[at:stop]), cache=layers)
            mx.eval([cache.state for cache in layers])
            at = stop
            yield
        self._snapshots[cut] = copies(layers)
        self._drop_oldest()
        return layers

    def _stop(self, start: int, end: int, changed: int) -> int:
        """Where this pass ends: at a chunk's end, or earlier where a snapshot is due."""
        stop = min(start + CHUNK, end)
        if self._trims:
            return stop
        due = [at for at in (changed, (start // STRIDE + 1) * STRIDE) if start < at < stop]
        return min(due, default=stop)

    def _keep(self, at: int) -> None:
        self._snapshots[at] = copies(self._caches)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._snapshots) > KEPT_SNAPSHOTS:
            del self._snapshots[next(iter(self._snapshots))]

    def _restored(self, most: int) -> tuple[int, list[Any]]:
        """The furthest snapshot within the first `most` tokens, private; else fresh caches."""
        at = max((at for at in self._snapshots if at <= most), default=0)
        if not at:
            return 0, make_prompt_cache(self.model)
        kept = self._snapshots.pop(at)
        self._snapshots[at] = kept  # used last, dropped last
        return at, copies(kept)


def _row(tokens: Sequence[int]) -> mx.array:
    return mx.array(list(tokens), dtype=mx.int32)[None]


def _always_trims(cache: Any) -> bool:
    """Whether any number of tokens can be taken back at any length."""
    if isinstance(cache, CacheList):
        return all(map(_always_trims, cache.caches))
    return bool(cache.is_trimmable()) and not isinstance(cache, RotatingKVCache)


def _view(cache: Any, excess: int) -> Any:
    """The cache without its last `excess` tokens, sharing arrays with it: to be merged only."""
    view = copy.copy(cache)
    if isinstance(cache, CacheList):
        view.caches = tuple(_view(part, excess) for part in cache.caches)
    else:
        view.trim(excess)
    return view
