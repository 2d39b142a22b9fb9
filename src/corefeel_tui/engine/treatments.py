"""A variant's spec → the treated model: which module of the engine carries out which treatment.

Knows all treatments by name and none from inside; models that come from a path of their own are
opened elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.utils import get_total_parameters

from corefeel_tui.engine import checkpoints, memory
from corefeel_tui.engine.calibrated import calibrated
from corefeel_tui.engine.calibration import read_segments
from corefeel_tui.engine.emulate import emulate, stored_bytes
from corefeel_tui.engine.kvcache import Width, coverage, with_quantized_cache
from corefeel_tui.engine.loading import Checkpoint, Report, arrays
from corefeel_tui.engine.quantize import (
    Treated,
    as_reference,
    distinct_bytes,
    quantized,
    skipped_modules,
)
from corefeel_tui.engine.weight_cache import UNKEPT, Kept, WeightCache
from corefeel_tui.engine.weight_keys import weight_key
from corefeel_tui.errors import ModelError
from corefeel_tui.events import JSON
from corefeel_tui.variants import VariantSpec

SMOOTHED_ON = 16
"""Segments of the calibration text that SmoothQuant watches."""


def treat(
    reference: Checkpoint,
    spec: VariantSpec,
    tokenizer: Any,
    expand: bool,
    report: Report,
    cache: WeightCache = UNKEPT.cache,
) -> Treated:
    """The reference's weights under `spec`, and its cache where nothing else is treated.

    Quantized weights are kept in `cache`, and read from it.

    Raises ModelError or UsageError where the treatment cannot be carried out on this model.
    """
    if spec.kind == "bf16":
        treated = as_reference(reference)
        if not spec.is_reference:
            treated.resident_bytes = 0
        return treated
    if spec.kind == "emulated":
        return _emulated(reference, spec, tokenizer, report)
    kept = place_kept(reference, spec, cache)
    if spec.kind == "calibrated":
        segments = _segments(reference, tokenizer, spec.source)
        return calibrated(reference, spec, segments, expand, report, kept)
    return quantized(reference, spec, expand, report, kept)


def place_kept(reference: Checkpoint, spec: VariantSpec, cache: WeightCache) -> Kept:
    """Where the weights of `spec` may be kept."""
    slow = spec.kind == "calibrated"
    return Kept(cache, lambda: weight_key(reference.directory, spec), always=slow)


def with_cache(treated: Treated, spec: VariantSpec) -> Treated:
    """The same weights with the cache that `spec` asks for, if it asks for one."""
    if spec.kv is None:
        return treated
    width = Width(*spec.kv)
    try:
        treated.module = with_quantized_cache(treated.module, width)
    except ModelError as error:
        raise ModelError(f"{spec.name}: {error}") from error
    treated.identical = False
    treated.kv_coverage = coverage(treated.module)
    treated.notes.append(
        f"cache: keys in {width.keys} bits, values in {width.values}, in {treated.kv_coverage}; "
        "held expanded, so its memory is that of a plain cache"
    )
    return treated


def described(treated: Treated, spec: VariantSpec) -> JSON:
    """A model as in `events.Loaded.variants`, its speed not known yet."""
    return {
        "name": spec.name,
        "treatment": str(spec),
        "bits_per_weight": round(treated.bits_per_weight, 3),
        "bytes": treated.bytes,
        "resident_bytes": treated.resident_bytes,
        "execution": "expanded" if treated.emulated else memory.execution(),
        "skipped": treated.skipped,
        "identical": treated.identical,
        "emulated": treated.emulated,
        "kv_coverage": treated.kv_coverage,
        "notes": treated.notes,
        "tokens_per_second": None,
        "prefill_tokens_per_second": None,
        "measured": None,
        "disturbed": False,
    }


def last_written(spec: VariantSpec) -> tuple[int, int] | None:
    """(time, size) of the recipe or calibration text that `spec` names; None if it names no file.

    A variant made from a file is made again once the file was edited.
    """
    if spec.source is None:
        return None
    try:
        status = Path(spec.source).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _segments(reference: Checkpoint, tokenizer: Any, source: str | None) -> list[list[int]]:
    return read_segments(tokenizer, source, checkpoints.context_length(reference.config))


def _emulated(reference: Checkpoint, spec: VariantSpec, tokenizer: Any, report: Report) -> Treated:
    method = spec.method or spec.name
    smoothing = method.startswith("smoothquant")
    segments = _segments(reference, tokenizer, None)[:SMOOTHED_ON] if smoothing else []
    made = emulate(reference.module, method, report, segments)
    stored = stored_in_int8(reference, made.layers)
    mx.eval(made.module.parameters())
    return Treated(
        module=made.module,
        bits_per_weight=8 * stored / get_total_parameters(reference.module),
        bytes=stored,
        resident_bytes=distinct_bytes(made.module, beside=reference.module),
        skipped=skipped_modules(reference.module, made.layers),
        emulated=True,
        notes=made.notes,
    )


def stored_in_int8(reference: Checkpoint, paths: Collection[str]) -> int:
    """Bytes of the model as int8 inference would store it, the layers at `paths` in int8."""
    layers = dict(reference.module.named_modules())
    replaced = {f"{path}.{key}" for path in paths for key in ("weight", "bias")}
    return sum(stored_bytes(layers[path]) for path in paths) + sum(
        array.size * reference.dtypes[path].size
        for path, _, _, array in arrays(reference.module)
        if path not in replaced
    )
