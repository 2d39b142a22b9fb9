"""Weights under a treatment, sharing every array the treatment does not change.

Knows mlx-lm's quantization and the two executions; knows no file format and no screen.  Under
"native" execution weights stay packed.  Under "expanded" execution they are quantized exactly as
mlx-lm stores them, then expanded in float32 without rounding back (DESIGN 4.6).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten
from mlx_lm.models.mla import MultiLinear, QuantizedMultiLinear
from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear
from mlx_lm.utils import compute_bits_per_weight, quantize_model

from corefeel_tui.engine import recipes
from corefeel_tui.engine.loading import Checkpoint, Report, arrays, share, silence
from corefeel_tui.engine.unpack import unpacked
from corefeel_tui.engine.weight_cache import UNKEPT, Kept, layout_of
from corefeel_tui.errors import ModelError
from corefeel_tui.variants import VariantSpec

PLAIN: dict[type[nn.Module], Any] = {
    nn.QuantizedLinear: nn.Linear,
    nn.QuantizedEmbedding: nn.Embedding,
    QuantizedSwitchLinear: SwitchLinear,
    QuantizedMultiLinear: MultiLinear,
}
"""What computes with the expanded weights of each packed module."""


@dataclass
class Treated:
    """A module tree under one treatment; `bytes` and `bits_per_weight` are those of storage.

    `resident_bytes` counts the arrays that the reference does not hold already; `skipped` names
    modules that could have been quantized and were not; `notes` are sentences worth showing.
    """

    module: nn.Module
    bits_per_weight: float
    bytes: int
    resident_bytes: int
    skipped: list[str] = field(default_factory=list)
    identical: bool = False
    emulated: bool = False
    kv_coverage: str | None = None
    notes: list[str] = field(default_factory=list)


FINEST_GROUP = 16
"""Divides every group there is, so that a recipe alone decides what is too narrow for its own."""


def as_reference(checkpoint: Checkpoint) -> Treated:
    """The reference itself, its arrays already read."""
    module = checkpoint.module
    sizes = [(array.size, checkpoint.dtypes[path]) for path, _, _, array in arrays(module)]
    stored = sum(size * dtype.size for size, dtype in sizes)
    if checkpoint.is_quantized:
        bits = compute_bits_per_weight(module)
    else:
        bits = 8 * stored / sum(size for size, _ in sizes)
    return Treated(module, bits, stored, distinct_bytes(module))


def quantized(
    reference: Checkpoint,
    spec: VariantSpec,
    expand: bool,
    report: Report,
    kept: Kept = UNKEPT,
    alone: bool = False,
) -> Treated:
    """The reference's weights in `spec.bits` bits and groups of `spec.group`, or by a recipe.

    Without a recipe, which modules are quantized is mlx-lm's decision alone.  Arrays are made, or
    read where they were `kept`, one module at a time.  With `alone` nobody else needs the
    reference, so each of its weights is given up as its successor stands.  Raises ModelError where
    the group divides no module's width.
    """
    packed = packed_tree(reference, spec)
    changed = packed_modules(packed)
    treated = Treated(
        module=(reference.module if alone else share(reference.module)) if expand else packed,
        bits_per_weight=compute_bits_per_weight(packed),
        bytes=sum(array.nbytes for _, _, _, array in arrays(packed)),
        resident_bytes=0,
        skipped=skipped_modules(reference.module, changed),
    )
    targets, plain = dict(treated.module.named_modules()), dict(reference.module.named_modules())
    layout = layout_of(
        {f"{path}.{key}": a for path, m in changed.items() for key, a in packed_columns(m).items()}
    )
    entry = kept.find(layout)
    with kept.keep({} if entry else layout) as add:
        for done, (path, module) in enumerate(changed.items(), 1):
            if entry:
                names = packed_columns(module)
                module.update({key: entry.arrays.pop(f"{path}.{key}") for key in names})
            else:
                _pack(module, path, plain[path], reference.dtypes, expand)
                for key, array in packed_columns(module).items():
                    add(f"{path}.{key}", array)
            if alone:
                del plain[path]["weight"]
            if expand:
                targets[path].weight = expanded_weight(module)
            mx.eval(targets[path].parameters())
            report(done, len(changed))
    treated.resident_bytes = distinct_bytes(treated.module, beside=reference.module)
    return treated


def _pack(packed: Any, path: str, plain: Any, dtypes: dict[str, mx.Dtype], expand: bool) -> None:
    """Compute the arrays of one packed module."""
    if expand and packed.mode != "affine":
        pack_by_rows(packed, plain.weight, dtypes[f"{path}.weight"])
    mx.eval(list(packed_columns(packed).values()))


def packed_columns(packed: nn.Module) -> dict[str, mx.array]:
    """The arrays of a packed module that stand for its weights."""
    return {key: packed[key] for key in PACKED if packed.get(key) is not None}


def packed_tree(reference: Checkpoint, spec: VariantSpec) -> nn.Module:
    """The reference's tree with packed modules, shapes and types known, nothing computed yet.

    Raises ModelError where the group divides no module's width.
    """
    packed = share(reference.module)
    for path, holder, key, array in arrays(packed):
        if array.dtype != reference.dtypes[path]:
            holder[key] = array.astype(reference.dtypes[path])
    recipe = spec.source if spec.kind == "recipe" else None
    decide = recipes.predicate(recipe, packed) if recipe else None
    try:
        with silence():
            quantize_model(
                packed,
                {},
                spec.group or FINEST_GROUP,
                spec.bits,
                mode=spec.method if spec.kind == "microscaling" else "affine",
                quant_predicate=decide,
            )
    except ValueError as error:
        raise ModelError(f"{spec.name}: {error}") from error
    if not packed_modules(packed):
        raise ModelError(_nothing_quantized(spec))
    return packed


def skipped_modules(module: nn.Module, changed: Collection[str]) -> list[str]:
    """Paths of modules that could have been quantized and are not among `changed`."""
    return [
        path
        for path, layer in module.named_modules()
        if hasattr(layer, "to_quantized") and path not in changed
    ]


def _nothing_quantized(spec: VariantSpec) -> str:
    if spec.kind == "recipe":
        return f"{spec.name}: the recipe leaves every layer of this model as it is"
    smaller = "nvfp4" if spec.kind == "microscaling" else f"{spec.bits}bit-g32"
    return (
        f"{spec.name}: a group of {spec.group} divides the width of no layer of this model; "
        f"choose a smaller group, as in {smaller}"
    )


def from_checkpoint(
    own: Checkpoint, reference: Checkpoint, expand: bool, report: Report
) -> Treated:
    """A model that was quantized before, from its own directory; arrays equal to the reference's
    are given up for the reference's."""
    bits = compute_bits_per_weight(own.module)
    stored = sum(array.nbytes for _, _, _, array in arrays(own.module))
    skipped = [
        path for path, module in own.module.named_modules() if hasattr(module, "to_quantized")
    ]
    if expand:
        expand_modules(own.module)
    held = {path: array for path, _, _, array in arrays(reference.module)}
    places = [(path, holder, key) for path, holder, key, _ in arrays(own.module)]
    same = 0
    for done, (path, holder, key) in enumerate(places, 1):
        array = holder[key]
        if expand and mx.issubdtype(array.dtype, mx.floating):
            array = array.astype(mx.float32)
        if _equal(array, held.get(path)):
            array, same = held[path], same + 1
        holder[key] = array
        mx.eval(array)
        report(done, len(places))
    identical = same == len(places) == len(held)
    resident = distinct_bytes(own.module, beside=reference.module)
    return Treated(own.module, bits, stored, resident, [] if identical else skipped, identical)


def expand_modules(module: nn.Module) -> None:
    """Replace every packed module by a plain one with float32 weights, not computed yet.

    Raises ModelError on a packed module that has no plain counterpart.
    """
    plain = []
    for path, packed in packed_modules(module).items():
        kind = PLAIN.get(type(packed))
        if kind is None:
            name = type(packed).__name__
            raise ModelError(f"{path} is a {name}, which cannot be computed with on this machine")
        layer = kind.__new__(kind)
        nn.Module.__init__(layer)
        if "bias" in packed:
            layer.bias = packed["bias"]
        layer.weight = expanded_weight(packed)
        plain.append((path, layer))
    if plain:
        module.update_modules(tree_unflatten(plain))


def expanded_weight(packed: nn.Module) -> mx.array:
    """The float32 weights that packed ones stand for, in float32 throughout: scale · q + bias, or
    of small floats scale · value.  The packed arrays are given up."""
    columns = packed_columns(packed)
    packed.clear()
    mx.eval(columns)
    weight, scales, biases = columns["weight"], columns["scales"], columns.get("biases")
    if "global_scale" not in columns:
        return unpacked(weight, scales, biases, packed.bits, packed.mode)
    size = {"group_size": packed.group_size, "bits": packed.bits, "mode": packed.mode}
    return mx.dequantize(**_named(columns), **size, dtype=mx.float32)


def _named(columns: dict[str, mx.array]) -> dict[str, mx.array]:
    """A packed module's arrays as `mx.dequantize` calls them."""
    return {"w" if key == "weight" else key: array for key, array in columns.items()}


def pack_by_rows(packed: Any, weight: mx.array, stored: mx.Dtype) -> None:
    """Compute the arrays of a packed module from `weight`, a block of rows at a time.

    MLX's CPU quantizes to small floats by comparing with all of them, in twenty times the memory
    of the weight; so here nothing is quantized whole.
    """
    size = {"group_size": packed.group_size, "bits": packed.bits, "mode": packed.mode}
    step = max(1, BLOCK * weight.shape[0] // weight.size)
    parts = []
    for start in range(0, weight.shape[0], step):
        parts.append(mx.quantize(weight[start : start + step].astype(stored), **size))
        mx.eval(parts[-1])
    packed.weight, packed.scales = (mx.concatenate(column) for column in zip(*parts, strict=True))
    mx.eval(packed.weight, packed.scales)


PACKED = ("weight", "scales", "biases", "global_scale")
BLOCK = 1 << 18
"""Weights quantized to small floats at once."""


def packed_modules(module: nn.Module) -> dict[str, Any]:
    """Path → every module whose weights are packed."""
    return {path: m for path, m in module.named_modules() if hasattr(m, "bits") and "scales" in m}


def _equal(array: mx.array, other: mx.array | None) -> bool:
    if other is None or array.shape != other.shape or array.dtype != other.dtype:
        return False
    return bool(mx.array_equal(array, other))


def distinct_bytes(module: nn.Module, beside: nn.Module | None = None) -> int:
    """Bytes of the arrays below `module` that are not also below `beside`."""
    held = {id(array) for _, _, _, array in arrays(beside)} if beside is not None else set()
    own = {id(array): array.nbytes for _, _, _, array in arrays(module)}
    return sum(size for key, size in own.items() if key not in held)
