"""What a variant and its cache will weigh, before anything is computed or a weight is read.

Knows shapes and types of module trees whose arrays are not evaluated, and mirrors what each
treatment stores and keeps; knows neither how much memory there is nor what is asked of a set.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import compute_bits_per_weight, get_total_parameters

from corefeel_tui.engine import checkpoints, emulate
from corefeel_tui.engine.calibrated import FALLBACK_BITS, awq_config, check_widths
from corefeel_tui.engine.calibration import check_text
from corefeel_tui.engine.loading import Checkpoint, arrays, first_line, share
from corefeel_tui.engine.quantize import (
    Treated,
    as_reference,
    distinct_bytes,
    packed_modules,
    packed_tree,
    skipped_modules,
)
from corefeel_tui.engine.treatments import stored_in_int8, with_cache
from corefeel_tui.errors import ModelError
from corefeel_tui.variants import VariantSpec

AWQ_EMBEDDING = {"bits": 4, "group_size": 32}
"""What mlx-lm's AWQ gives embeddings and output head."""
CACHE_STEP = 256
"""mlx-lm's caches grow by so many positions."""
BLOCK_SCRATCH = 24 << 20
"""What rounding one block of weights takes at most (nvfp4 on a CPU)."""
FLOAT32 = 4


def weigh(
    reference: Checkpoint, spec: VariantSpec, own: Checkpoint | None, expand: bool
) -> Treated:
    """The variant as it would be; its module is good for shapes alone.

    `own` is the opened checkpoint of a variant that comes from a path.  Raises ModelError or
    UsageError where the treatment cannot be carried out on this model.
    """
    if own is not None:
        treated = _from_path(reference, own, expand)
    elif spec.kind == "bf16":
        treated = _reference(reference, spec, expand)
    elif spec.kind == "emulated":
        treated = _emulated(reference, spec.method or spec.name, expand)
    else:
        tree = _calibrated(reference, spec) if spec.kind == "calibrated" else None
        treated = _packed(reference, tree or packed_tree(reference, spec), expand)
    return with_cache(treated, spec)


def reference_bytes(reference: Checkpoint, expand: bool) -> int:
    """Bytes of the reference's distinct arrays as they are held."""
    distinct = {id(array): array for _, _, _, array in arrays(reference.module)}
    return sum(_held(array, expand) for array in distinct.values())


def alone_bytes(reference: Checkpoint, spec: VariantSpec, treated: Treated, expand: bool) -> int:
    """Bytes of one weighed model where no reference shares its arrays."""
    if spec.kind == "emulated":
        return reference_bytes(reference, expand) + treated.resident_bytes
    return reference_bytes(reference, expand) if expand else treated.bytes


def making_bytes(reference: Checkpoint, expand: bool) -> int:
    """Bytes that the making of a variant takes besides its result; `scratch` knows what calibrating
    it takes."""
    largest = max(_held(array, expand) for _, _, _, array in arrays(reference.module))
    return largest + BLOCK_SCRATCH


def cache_and_logits(module: nn.Module, length: int, expand: bool) -> tuple[int, int]:
    """Bytes of one row: its cache once `length` tokens are read, and its logits in float32.

    Raises ModelError where the model does not run.
    """
    caches = make_prompt_cache(module)
    try:
        logits = module(mx.zeros((1, 1), dtype=mx.int32), cache=caches)  # shapes only; not computed
    except Exception as error:  # what an odd config says may load and yet not run
        raise ModelError(
            f"the model does not run: {first_line(error)}; is this config.json its own?"
        ) from error
    steps = -(-length // CACHE_STEP) * CACHE_STEP
    held = sum(_cache_bytes(cache, steps, expand) for layer in caches for cache in _parts(layer))
    return held, FLOAT32 * int(logits.shape[-1])


def _parts(layer: Any) -> Iterator[Any]:
    for part in getattr(layer, "caches", (layer,)):
        yield from _parts(part) if hasattr(part, "caches") else (part,)


def _cache_bytes(cache: Any, positions: int, expand: bool) -> int:
    """Keys and values grow with the text, up to a window; a recurrent state does not."""
    keys = getattr(cache, "keys", None)
    if keys is None:
        state = [array for _, array in tree_flatten(getattr(cache, "cache", []))]
        return sum(_held(array, expand) for array in state if isinstance(array, mx.array))
    if getattr(cache, "max_size", None):
        positions = min(positions, cache.max_size)
    both = _held(keys, expand) + _held(cache.values, expand)
    return both * positions // keys.shape[2]


def _held(array: mx.array, expand: bool) -> int:
    """Bytes of an array under this machine's execution."""
    if expand and mx.issubdtype(array.dtype, mx.floating):
        return int(array.size) * FLOAT32
    return int(array.nbytes)


def _reference(reference: Checkpoint, spec: VariantSpec, expand: bool) -> Treated:
    treated = as_reference(reference)
    treated.resident_bytes = reference_bytes(reference, expand) if spec.is_reference else 0
    return treated


def _packed(reference: Checkpoint, packed: nn.Module, expand: bool) -> Treated:
    changed = packed_modules(packed)
    plain = dict(reference.module.named_modules())
    return Treated(
        module=packed,
        bits_per_weight=compute_bits_per_weight(packed),
        bytes=sum(array.nbytes for _, _, _, array in arrays(packed)),
        resident_bytes=(
            sum(_held(plain[path]["weight"], expand) for path in changed)
            if expand
            else distinct_bytes(packed, beside=reference.module)
        ),
        skipped=skipped_modules(reference.module, changed),
    )


def _calibrated(reference: Checkpoint, spec: VariantSpec) -> nn.Module:
    """The modules that each method packs; what it moves besides (norms) is too small to count."""
    if spec.source:
        check_text(spec.source, checkpoints.context_length(reference.config))
    if spec.method == "dwq":
        return packed_tree(reference, spec)
    if spec.method == "awq":
        awq_config(spec, reference.config)
    check_widths(reference.module, spec)
    usual = {"bits": spec.bits, "group_size": spec.group}
    other = AWQ_EMBEDDING if spec.method == "awq" else {**usual, "bits": FALLBACK_BITS}
    watched = set(emulate.block_layers(reference.module, spec.name))
    if spec.method == "gptq":
        watched |= {p for p, m in reference.module.named_modules() if type(m) is nn.Linear}

    def decide(path: str, layer: nn.Module) -> bool | dict[str, Any]:
        return hasattr(layer, "to_quantized") and (usual if path in watched else other)

    module = share(reference.module)
    for path, holder, key, array in arrays(module):
        if array.dtype != reference.dtypes[path]:
            holder[key] = array.astype(reference.dtypes[path])
    nn.quantize(module, class_predicate=decide)
    return module


def _emulated(reference: Checkpoint, method: str, expand: bool) -> Treated:
    layers = emulate.block_layers(reference.module, method)
    stored = stored_in_int8(reference, layers)
    own = sum(FLOAT32 * layer["weight"].size for layer in layers.values())
    resident = own
    if not expand:  # everything is computed in float32, and LLM.int8() keeps the exact weights
        floats = (a for _, _, _, a in arrays(reference.module) if a.dtype != mx.float32)
        resident = sum(_held(array, True) for array in floats)
        resident += own if method == "llmint8" else 0
    return Treated(
        module=reference.module,
        bits_per_weight=8 * stored / get_total_parameters(reference.module),
        bytes=stored,
        resident_bytes=resident,
        skipped=skipped_modules(reference.module, layers),
        emulated=True,
        notes=[emulate.NOTE],
    )


def _from_path(reference: Checkpoint, own: Checkpoint, expand: bool) -> Treated:
    """A model of its own directory.

    Of a quantized one, what was left as it was is taken to equal the reference's, as a conversion
    leaves it; of any other, nothing is.
    """
    same = own.directory == reference.directory
    held = (
        {}
        if not (own.is_quantized or same)
        else {
            path: (array.shape, reference.dtypes[path])
            for path, _, _, array in arrays(reference.module)
        }
    )
    packed = packed_modules(own.module)
    resident = 0
    for path, _, _, array in arrays(own.module):
        layer = packed.get(path.rpartition(".")[0])
        if layer is None or path.endswith(".bias"):
            shared = held.get(path) == (array.shape, array.dtype)
            resident += 0 if shared else _held(array, expand)
        elif not expand:
            resident += array.nbytes
        elif path.endswith(".weight"):
            resident += array.size * 32 // layer.bits * FLOAT32
    return Treated(
        module=own.module,
        bits_per_weight=compute_bits_per_weight(own.module),
        bytes=sum(array.nbytes for _, _, _, array in arrays(own.module)),
        resident_bytes=resident,
        skipped=[] if same else skipped_modules(own.module, ()),
        identical=same,
    )
