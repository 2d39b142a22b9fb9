"""Floor F2: the reference with one roundoff of noise after every layer.

Knows module trees; nothing of what is measured with them.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import mlx.nn as nn

from corefeel_tui.engine.loading import share
from corefeel_tui.errors import ModelError

ROUNDOFF = 2.0**-9
"""Relative size of one bfloat16 rounding (METRICS §2)."""


class NoisyLayer(nn.Module):
    """A layer whose output is multiplied by 1 ± 2⁻⁹, the signs drawn once and for all."""

    def __init__(self, layer: nn.Module, seed: int) -> None:
        super().__init__()
        self.layer = layer
        self._seed = seed

    def __call__(self, *arguments: Any, **named: Any) -> mx.array:
        out: mx.array = self.layer(*arguments, **named)
        sign = mx.random.bernoulli(0.5, (out.shape[-1],), key=mx.random.key(self._seed))
        return out * (1 + ROUNDOFF * (2 * sign.astype(out.dtype) - 1))

    def __getattr__(self, name: str) -> Any:
        """What a model asks of its layers (is it linear? does it slide?) is the layer's to say."""
        if name in self or "layer" not in self or name.startswith("_"):
            return super().__getattr__(name)
        return getattr(self["layer"], name)


def with_roundoff(model: nn.Module) -> nn.Module:
    """The same model over the same arrays, every layer noisy."""
    noisy = share(model)
    stack = _stack(noisy)
    stack[:] = [NoisyLayer(layer, seed) for seed, layer in enumerate(stack)]
    return noisy


def _stack(model: nn.Module) -> list[nn.Module]:
    """The very list that holds a model's layers; its `layers` may be a copy."""
    first = model.layers[0]
    for module in model.modules():
        for value in module.values():
            if isinstance(value, list) and value and value[0] is first:
                return value
    raise ModelError(f"the layers of a {type(model).__name__} are not in one list")
