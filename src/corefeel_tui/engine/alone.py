"""One model without the reference beside it: read, treated and expanded a module at a time.

Knows treatments and their peak in memory; never holds a model's weights twice.
"""

from __future__ import annotations

from typing import Any

from mlx_lm.utils import compute_bits_per_weight

from corefeel_tui.engine.calibrated import restored
from corefeel_tui.engine.loading import Checkpoint, Report, arrays, materialise
from corefeel_tui.engine.quantize import (
    Treated,
    as_reference,
    distinct_bytes,
    expand_modules,
    quantized,
    skipped_modules,
)
from corefeel_tui.engine.treatments import place_kept, treat
from corefeel_tui.engine.weight_cache import WeightCache
from corefeel_tui.errors import ModelError
from corefeel_tui.variants import VariantSpec


def treat_alone(
    fresh: Checkpoint,
    spec: VariantSpec,
    tokenizer: Any,
    expand: bool,
    report: Report,
    cache: WeightCache,
) -> Treated:
    """`treatments.treat` of a checkpoint nobody has read yet and nobody else reads.

    Raises ModelError where the treatment needs the whole reference, as calibration does, and
    where it cannot be carried out on this model.
    """
    if spec.kind == "bf16":
        materialise(fresh, expand, report)
        return as_reference(fresh)
    kept = place_kept(fresh, spec, cache)
    if spec.kind == "calibrated":
        if entry := kept.find():
            module, notes = restored(fresh.module, entry)
            own = Checkpoint(fresh.directory, fresh.config, module)
            treated = as_it_is(own, expand, report)
            treated.notes += notes
            return treated
        raise ModelError(
            f"{spec.name} is calibrated with the whole model beside it, for which there is no "
            "room; make it where there is and name it as mine=DIRECTORY"
        )
    if spec.kind == "emulated":
        treated = treat(fresh, spec, tokenizer, expand, report)
    else:
        treated = quantized(fresh, spec, expand, report, kept, alone=True)
        own = Checkpoint(fresh.directory, fresh.config, treated.module)
        materialise(own, expand, lambda done, total: None)
    treated.resident_bytes = distinct_bytes(treated.module)
    return treated


def as_it_is(own: Checkpoint, expand: bool, report: Report) -> Treated:
    """A model that was treated before, under this machine's execution."""
    bits = compute_bits_per_weight(own.module)
    stored = sum(array.nbytes for _, _, _, array in arrays(own.module))
    skipped = skipped_modules(own.module, ()) if own.is_quantized else []
    if expand:
        expand_modules(own.module)
    materialise(own, expand, report)
    return Treated(own.module, bits, stored, distinct_bytes(own.module), skipped)
