"""Activation quantization, emulated: the numbers of int8 inference, not its speed or its memory.

Knows the arithmetic of three methods on linear layers; nothing of files or of weights alone.
Everything is computed in float32: integers below 2**24 are exact in it, so a product of rounded
operands is what an int8 kernel with a wide accumulator gives.

- w8a8: weights per output channel, activations per token, both symmetric int8 (absmax / 127).
- llmint8: LLM.int8(), Dettmers et al. 2022, arXiv 2208.07339: features of large magnitude are left
  out of the int8 product and multiplied as they are.
- smoothquant-w8a8: Xiao et al. 2022, arXiv 2211.10438: `smoothing` first, then w8a8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten
from mlx_lm.models.switch_layers import SwitchLinear

from corefeel_tui.engine.loading import Report, arrays, share
from corefeel_tui.engine.smoothing import smooth
from corefeel_tui.errors import ModelError

OUTLIER = 6.0
"""LLM.int8()'s threshold: a feature of at least this magnitude is kept in high precision."""
LEVELS = 127
NOTE = "emulated: numbers, not speed; computed in float32"


def int8(array: mx.array) -> mx.array:
    """The array rounded to 255 symmetric levels along its last axis, one scale per vector."""
    scale = mx.maximum(mx.abs(array).max(axis=-1, keepdims=True), 1e-30) / LEVELS
    return mx.round(array / scale) * scale


class Int8Linear(nn.Linear):
    """A linear layer with int8 weights that rounds each token it reads to int8 (w8a8)."""

    def __call__(self, x: mx.array) -> mx.array:
        """(…, in) → (…, out)."""
        return super().__call__(int8(x))


class Int8SwitchLinear(SwitchLinear):
    """The experts' counterpart of `Int8Linear`."""

    def __call__(self, x: mx.array, indices: mx.array, sorted_indices: bool = False) -> mx.array:
        """As the layer of experts it stands for."""
        return super().__call__(int8(x), indices, sorted_indices)


class MixedInt8Linear(nn.Linear):
    """LLM.int8(): W₈·int8(x without its outliers) + W·(its outliers).

    A feature is an outlier token by token.  The paper takes a feature out for all tokens of a batch
    once it is one for any; then a token's result would depend on who is computed beside it.  In
    decoding, one token at a time, both are the same.
    """

    def __call__(self, x: mx.array) -> mx.array:
        """(…, in) → (…, out)."""
        kept = mx.abs(x) >= self.threshold
        out = super().__call__(int8(mx.where(kept, 0, x)))
        return out + mx.where(kept, x, 0) @ self["exact"].T


class MixedInt8SwitchLinear(SwitchLinear):
    """The experts' counterpart of `MixedInt8Linear`."""

    def __call__(self, x: mx.array, indices: mx.array, sorted_indices: bool = False) -> mx.array:
        """As the layer of experts it stands for."""
        kept = mx.abs(x) >= self.threshold
        out = super().__call__(int8(mx.where(kept, 0, x)), indices, sorted_indices)
        return out + mx.gather_mm(
            mx.where(kept, x, 0),
            self["exact"].swapaxes(-1, -2),
            rhs_indices=indices,
            sorted_indices=sorted_indices,
        )


LAYERS: dict[type, tuple[Any, Any]] = {
    nn.Linear: (Int8Linear, MixedInt8Linear),
    SwitchLinear: (Int8SwitchLinear, MixedInt8SwitchLinear),
}
"""What stands for each kind of layer under w8a8, and under LLM.int8()."""


def emulated_layer(layer: Any, threshold: float | None = None) -> Any:
    """The layer in int8; with a `threshold` as LLM.int8() has it."""
    plain, mixed = LAYERS[type(layer)]
    kind = plain if threshold is None else mixed
    own = kind.__new__(kind)
    nn.Module.__init__(own)
    own.weight = int8(layer.weight)
    if "bias" in layer:
        own.bias = layer.bias
    if threshold is not None:
        own.exact = layer.weight
        own.threshold = threshold
    return own


@dataclass(frozen=True, slots=True)
class Emulated:
    """A model under emulation; `layers` are the paths of what was replaced."""

    module: nn.Module
    layers: list[str]
    notes: list[str]


def emulate(
    reference: nn.Module,
    method: str,
    report: Report,
    segments: Sequence[list[int]] = (),
    threshold: float = OUTLIER,
) -> Emulated:
    """The reference under `method`; only SmoothQuant reads the calibration `segments`.

    The layers of the blocks are replaced; the output head and the embeddings are not, as in both
    papers.  Raises ModelError where there is no linear layer to replace.
    """
    module = share(reference)
    for _, holder, key, array in arrays(module):
        if mx.issubdtype(array.dtype, mx.floating) and array.dtype != mx.float32:
            holder[key] = array.astype(mx.float32)
    notes = [NOTE]
    if method == "smoothquant-w8a8":
        moved, norms = smooth(module, segments)
        notes.append(f"smoothed behind {moved} of {norms} norms")
    targets = block_layers(module, method)
    for done, path in enumerate(targets, 1):
        own = emulated_layer(targets[path], threshold if method == "llmint8" else None)
        mx.eval(own.parameters())
        module.update_modules(tree_unflatten([(path, own)]))
        report(done, len(targets))
    return Emulated(module, list(targets), notes)


def stored_bytes(layer: nn.Module) -> int:
    """Bytes of a layer as int8 inference stores it: a byte a weight, a float32 per row, the bias
    in two bytes an element."""
    weight = layer["weight"]
    bias = layer["bias"].size if "bias" in layer else 0
    return int(weight.size + 4 * weight.size // weight.shape[-1] + 2 * bias)


def block_layers(module: nn.Module, method: str) -> dict[str, nn.Module]:
    """Path → every layer that an emulation replaces.  Raises ModelError where there is none."""
    layers = {
        path: layer
        for path, layer in module.named_modules()
        if type(layer) in LAYERS and any(part.isdigit() for part in path.split("."))
    }
    if not layers:
        raise ModelError(f"{method}: this model has no linear layers in its blocks")
    return layers
