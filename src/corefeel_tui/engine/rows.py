"""A model's caches over the rows it scores: one plain cache while there is one row, batched after.

Knows mlx-lm's cache classes by their public verbs (merge, filter, extract) and nothing of what a
row means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from corefeel_tui.errors import ModelError


def check_mergeable(caches: Sequence[Any]) -> None:
    """Raises ModelError naming the first cache class that cannot hold several rows."""
    for cache in caches:
        if not hasattr(type(cache), "merge"):
            raise ModelError(
                f"this model's cache class {type(cache).__name__} cannot hold several answers "
                "at once, so its variants cannot be compared in lockstep; use `score` instead"
            )


class RowCaches:
    """The layers' caches of one model over `count` rows, in the order the model sees them."""

    def __init__(self, rows: Sequence[list[Any]]) -> None:
        """`rows` holds one list of plain layer caches per row, filled to whatever length."""
        self.count = len(rows)
        self.layers = list(rows[0]) if len(rows) == 1 else _merge(rows)
        self._plain = len(rows) == 1

    def select(self, indices: Sequence[int]) -> None:
        """Keep these rows in this order; an index named twice is a fork.  Needs at least one."""
        if list(indices) == list(range(self.count)):
            return
        if self._plain:
            self.layers = _merge([self.layers] * len(indices))
            self._plain = False
        elif len(indices) == 1:
            self.layers = self.extract(indices[0])
            self._plain = True
        else:
            chosen = mx.array(list(indices))
            for layer in self.layers:
                layer.filter(chosen)
        self.count = len(indices)

    def extract(self, index: int) -> list[Any]:
        """Plain layer caches of one row (the row itself where there is only one).

        They are cut out at once: waiting to be, they would hold all rows as they stand now.
        """
        if self._plain:
            return self.layers
        found = [layer.extract(index) for layer in self.layers]
        mx.eval([cache.state for cache in found])
        return found

    def forward(self, model: nn.Module, tokens: Sequence[int]) -> mx.array:
        """Logits (rows, V), float32, lazy, after one more token per row."""
        ids = mx.array(tokens, dtype=mx.int32)[:, None]
        logits: mx.array = model(ids, cache=self.layers)
        return logits[:, -1].astype(mx.float32)


def _merge(rows: Sequence[list[Any]]) -> list[Any]:
    check_mergeable(rows[0])
    return [type(layers[0]).merge(list(layers)) for layers in zip(*rows, strict=True)]
