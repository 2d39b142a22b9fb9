"""SmoothQuant's migration: the spread of activations moved into the weights behind each norm.

Knows which layers read what a norm wrote, by watching them; quantizes nothing.  Xiao et al. 2022,
arXiv 2211.10438.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten
from mlx_lm.quant.awq import apply_scale

ALPHA = 0.5
"""Migration strength: how much of the difficulty moves into the weights."""
SMALLEST = 1e-5
"""Magnitudes below this count as this, so that no scale is zero or infinite."""
UNCHANGED = 1e-5
"""A migration may move the logits by this fraction of the largest; a wrong one moves far more."""
PROBED = 32


@dataclass(eq=False)
class _Migration:
    """A norm, the linear layers that read its output, and the largest magnitude per feature."""

    norm: Any
    readers: dict[int, Any] = field(default_factory=dict)
    largest: Any = 0.0
    _before: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)

    def saw(self, layer: nn.Module, x: mx.array) -> None:
        """`layer` read `x` (…, features), which the norm wrote."""
        self.readers[id(layer)] = layer
        self.largest = mx.maximum(self.largest, mx.abs(x).reshape(-1, x.shape[-1]).max(axis=0))

    def apply(self, alpha: float) -> None:
        """Divide what the norm writes by s, multiply what reads it: eq. 4 of the paper,
        s = max|x|^α / max|w|^(1−α), with the largest weight over all readers."""
        touched = [self.norm, *self.readers.values()]
        self._before = [(module, dict(module)) for module in touched]
        weights = [mx.abs(r.weight).reshape(-1, r.weight.shape[-1]) for r in self.readers.values()]
        weight = mx.maximum(mx.concatenate(weights).max(axis=0), SMALLEST)
        activation = mx.maximum(self.largest, SMALLEST)
        scales = activation**alpha / weight ** (1 - alpha)
        apply_scale(self.norm, list(self.readers.values()), scales)
        mx.eval([module.parameters() for module in touched])

    def undo(self) -> None:
        """As it was before `apply`."""
        for module, items in self._before:
            module.update(items)


class _Watched(nn.Module):
    """A norm or a linear layer that tells what passes; it computes what it always did."""

    def __init__(self, inner: nn.Module, written: dict[int, tuple[mx.array, _Migration]]) -> None:
        super().__init__()
        self.inner = inner
        self._written = lambda: written
        self._migration = _Migration(inner)

    def __call__(self, x: mx.array, *rest: Any, **options: Any) -> mx.array:
        out: mx.array = self.inner(x, *rest, **options)
        if _is_norm(self.inner):
            self._written()[id(out)] = (out, self._migration)
        elif id(x) in self._written():
            self._written()[id(x)][1].saw(self.inner, x)
        return out


def smooth(
    module: nn.Module, segments: Sequence[list[int]], alpha: float = ALPHA
) -> tuple[int, int]:
    """Migrate behind every norm of the blocks, in place; `segments` are calibration tokens.

    The function computed stays what it was.  Where something else reads the norm as well (experts
    do) it would not, and that norm is left alone; so are layers that read no norm.  Returns how
    many norms were smoothed and how many feed linear layers.
    """
    migrations = _watch(module, segments)
    probe = mx.array([list(segments[0])[:PROBED]])
    before = module(probe)
    for migration in migrations:
        migration.apply(alpha)
    if _same(before, module(probe)):
        return len(migrations), len(migrations)
    for migration in migrations:
        migration.undo()
    moved = 0
    for migration in migrations:
        migration.apply(alpha)
        if _same(before, module(probe)):
            moved += 1
        else:
            migration.undo()
    return moved, len(migrations)


def _watch(module: nn.Module, segments: Sequence[list[int]]) -> list[_Migration]:
    """What was seen over the segments; the module is left as it came."""
    written: dict[int, tuple[mx.array, _Migration]] = {}
    inner = {
        path: leaf
        for path, leaf in module.named_modules()
        if any(part.isdigit() for part in path.split("."))
        and (_is_norm(leaf) or isinstance(leaf, nn.Linear))
    }
    watched = {path: _Watched(leaf, written) for path, leaf in inner.items()}
    module.update_modules(tree_unflatten(list(watched.items())))
    for segment in segments:
        module(mx.array([segment]))
        mx.eval([m.largest for _, m in written.values() if m.readers])
        written.clear()
    module.update_modules(tree_unflatten(list(inner.items())))
    migrations = [w._migration for w in watched.values()]
    return [migration for migration in migrations if migration.readers]


def _is_norm(module: nn.Module) -> bool:
    """The norms whose weight `apply_scale` knows how to divide."""
    known = isinstance(module, nn.RMSNorm | nn.LayerNorm) or type(module).__name__ == "RMSNorm"
    return known and "weight" in module


def _same(before: mx.array, after: mx.array) -> bool:
    largest = mx.abs(before).max()
    return bool(mx.abs(before - after).max() <= UNCHANGED * largest)
