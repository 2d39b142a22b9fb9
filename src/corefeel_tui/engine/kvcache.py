"""Models whose key-value cache is quantized: what is written is quantized, what is read expanded.

Knows mlx-lm's cache classes and `mx.quantize`; nothing of rows, prompts or weights.

mlx-lm's own `QuantizedKVCache` has one bit width for keys and values and cannot hold several rows,
so here the classes that can are subclassed instead.  A token's keys (and values) are quantized
once, when they are written, in groups along the head; attention then reads scale · q + bias.  That
is what `QuantizedKVCache` computes, in the memory of a plain cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import (
    ArraysCache,
    BatchKVCache,
    BatchRotatingKVCache,
    CacheList,
    KVCache,
    RotatingKVCache,
    make_prompt_cache,
)

from corefeel_tui.engine.loading import share
from corefeel_tui.errors import ModelError

GROUPS = (64, 32)
"""The first that divides the width of a head is used."""


@dataclass(frozen=True, slots=True)
class Width:
    """Bits of the keys and bits of the values."""

    keys: int
    values: int

    def written(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Keys and values (B, heads, tokens, width) as they read after being stored."""
        return rounded(keys, self.keys), rounded(values, self.values)


def rounded(array: mx.array, bits: int) -> mx.array:
    """The array quantized along its last axis and expanded again, in its own dtype.

    Raises ModelError where no group divides that axis.
    """
    width = array.shape[-1]
    group = next((group for group in GROUPS if width % group == 0), None)
    if group is None:
        raise ModelError(
            f"its heads are {width} wide, which groups of neither {GROUPS[0]} nor {GROUPS[1]} "
            "divide, so its cache cannot be quantized"
        )
    packed = mx.quantize(array, group_size=group, bits=bits)
    return mx.dequantize(*packed, group_size=group, bits=bits, dtype=array.dtype)


class TreatedKVCache(KVCache):
    """A plain cache whose keys and values are rounded when they are written."""

    width: Width

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> Any:
        """Store the next tokens; all keys and values so far."""
        return super().update_and_fetch(*self.width.written(keys, values))

    @classmethod
    def merge(cls, caches: Sequence[Any]) -> TreatedBatchKVCache:
        """One batched cache of several rows."""
        return _become(TreatedBatchKVCache, BatchKVCache.merge(caches), caches[0].width)


class TreatedBatchKVCache(BatchKVCache):
    """Several rows of `TreatedKVCache`."""

    width: Width

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> Any:
        """Store the next tokens; all keys and values so far."""
        return super().update_and_fetch(*self.width.written(keys, values))

    def extract(self, idx: int) -> TreatedKVCache:
        """The plain cache of one row."""
        return _become(TreatedKVCache, super().extract(idx), self.width)


class TreatedRotatingKVCache(RotatingKVCache):
    """A sliding-window cache whose keys and values are rounded when they are written."""

    width: Width

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> Any:
        """Store the next tokens; the keys and values of the window."""
        return super().update_and_fetch(*self.width.written(keys, values))

    @classmethod
    def merge(cls, caches: Sequence[Any]) -> TreatedBatchRotatingKVCache:
        """One batched cache of several rows."""
        batch = BatchRotatingKVCache.merge(caches)
        return _become(TreatedBatchRotatingKVCache, batch, caches[0].width)


class TreatedBatchRotatingKVCache(BatchRotatingKVCache):
    """Several rows of `TreatedRotatingKVCache`."""

    width: Width

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> Any:
        """Store the next tokens; the keys and values of the window."""
        return super().update_and_fetch(*self.width.written(keys, values))

    def extract(self, idx: int) -> TreatedRotatingKVCache:
        """The plain cache of one row."""
        return _become(TreatedRotatingKVCache, super().extract(idx), self.width)


TREATED: dict[type, Any] = {KVCache: TreatedKVCache, RotatingKVCache: TreatedRotatingKVCache}


def treat(plain: Any, width: Width) -> Any:
    """A fresh layer cache under the treatment; a recurrent state is left as it is.

    Raises ModelError naming a class that cannot be treated.
    """
    kind = type(plain)
    if kind in TREATED:
        return _become(TREATED[kind], plain, width)
    if kind is CacheList:
        return CacheList(*(treat(part, width) for part in plain.caches))
    if kind is ArraysCache or plain is None:
        return plain
    raise ModelError(
        f"its cache class {kind.__name__} cannot be quantized and hold several answers at once; "
        "leave +kv away"
    )


def _become(kind: Any, plain: Any, width: Width) -> Any:
    """A cache of class `kind` in the state of `plain`."""
    treated = kind.__new__(kind)
    vars(treated).update(vars(plain))
    treated.width = width
    return treated


def with_quantized_cache(module: nn.Module, width: Width) -> nn.Module:
    """The same model, sharing its arrays, with a cache of its own making.

    It brings mlx-lm's `make_cache`, which everything that makes caches asks for; called without a
    cache it makes one, so that no pass goes untreated.  Paths and architecture stay what they are.
    Raises ModelError where nothing can be treated.
    """
    treated = share(module)
    architecture: Any = type(module)
    treated.__class__ = _with_width(architecture, width)
    if not any(is_treated(layer) for layer in make_prompt_cache(treated)):
        raise ModelError("this model keeps no keys and values, so +kv would change nothing")
    treated(mx.zeros((1, 1), dtype=mx.int32))  # not computed: shows the width of every head
    return treated


@cache
def _with_width(kind: Any, width: Width) -> type:
    def make_cache(self: Any) -> list[Any]:
        plain = kind.make_cache(self) if hasattr(kind, "make_cache") else _plain_caches(self)
        return [treat(layer, width) for layer in plain]

    def call(self: Any, inputs: mx.array, cache: Any = None, **options: Any) -> mx.array:
        own = self.make_cache() if cache is None else cache
        return kind.__call__(self, inputs, cache=own, **options)

    return type(kind.__name__, (kind,), {"make_cache": make_cache, "__call__": call})


def _plain_caches(module: Any) -> list[Any]:
    return [KVCache() for _ in module.layers]


def is_treated(layer: Any) -> bool:
    """Whether this layer cache, or a part of it, is quantized."""
    parts = layer.caches if isinstance(layer, CacheList) else (layer,)
    return any(hasattr(part, "width") for part in parts)


def coverage(module: nn.Module) -> str:
    """Which layers' caches are quantized, as "8 of 32 layers"."""
    layers = make_prompt_cache(module)
    return f"{sum(is_treated(layer) for layer in layers)} of {len(layers)} layers"
