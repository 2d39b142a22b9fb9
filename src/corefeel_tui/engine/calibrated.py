"""GPTQ, AWQ and DWQ: quantization that looks at activations, by mlx-lm's own functions.

Knows what each method needs and how its result is stored; the methods themselves are mlx-lm's:
GPTQ (Frantar et al. 2022, arXiv 2210.17323), AWQ (Lin et al. 2023, arXiv 2306.00978) and DWQ,
mlx-lm's distillation of the full model into scales, biases and norms.  All work on a private tree
over the reference's arrays, in the precision of this machine's execution; the result is stored in
the checkpoint's dtype.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx import optimizers
from mlx.utils import tree_unflatten
from mlx_lm.quant.awq import AWQ_MODEL_CONFIGS, awq_quantize
from mlx_lm.quant.dwq import dwq_quantize
from mlx_lm.quant.gptq import gptq_quantize
from mlx_lm.utils import quantize_model

from corefeel_tui.engine.calibration import Segments
from corefeel_tui.engine.loading import Checkpoint, Report, arrays, share
from corefeel_tui.engine.quantize import PLAIN, Treated, from_checkpoint, packed_modules
from corefeel_tui.engine.weight_cache import UNKEPT, Entry, Kept, layout_of
from corefeel_tui.errors import ModelError
from corefeel_tui.variants import VariantSpec

AWQ_SEGMENTS = 8
"""AWQ searches: it passes over its text some sixty times a block."""
HELD_OUT = 4
"""Segments on which DWQ measures itself; also how many it learns from at a time."""
DWQ_PASSES = 4
DWQ_LEARNING_RATE = 5e-5
"""mlx-lm's default of 1e-6 is meant for a thousand times as much text."""
FALLBACK_BITS = 6
"""What mlx-lm's GPTQ gives embeddings, which it does not calibrate."""

_STEP = re.compile(r"(\d+)/(\d+) \[")
_HELD_OUT_LOSS = re.compile(r"Validation: .*loss=([\d.]+)")


def calibrated(
    reference: Checkpoint,
    spec: VariantSpec,
    segments: Segments,
    expand: bool,
    report: Report,
    kept: Kept = UNKEPT,
) -> Treated:
    """The reference under `spec.method` in `spec.bits` bits, calibrated on `segments`, or as it was
    `kept`.

    Raises ModelError where the method does not support the architecture or the group does not
    divide its widths.
    """
    entry = kept.find()
    if entry:
        module, notes = restored(reference.module, entry)
    else:
        module, notes = _calibrate(reference, spec, segments, expand, report)
        _keep(module, notes, kept)
    own = Checkpoint(reference.directory, reference.config, module)
    treated = from_checkpoint(own, reference, expand, report)
    treated.notes += notes
    return treated


def _calibrate(
    reference: Checkpoint, spec: VariantSpec, segments: Segments, expand: bool, report: Report
) -> tuple[nn.Module, list[str]]:
    """The packed module, stored in the checkpoint's types, and what is worth knowing of it."""
    module = share(reference.module)
    with _progress(report) as said:
        if spec.method == "gptq":
            _gptq(module, spec, segments)
        elif spec.method == "awq":
            _awq(module, spec, segments, reference.config)
        else:
            _dwq(module, spec, segments, reference.module, expand)
    _store(module, reference.dtypes)
    read = segments[:AWQ_SEGMENTS] if spec.method == "awq" else segments
    source = spec.source or "the shipped text"
    notes = [f"calibrated on {sum(map(len, read))} tokens of {source}"]
    losses = _HELD_OUT_LOSS.findall(said.getvalue())
    if losses:
        notes.append(f"held-out loss {losses[0]} before and {losses[-1]} after")
    return module, notes


def _keep(module: nn.Module, notes: list[str], kept: Kept) -> None:
    held = {path: array for path, _, _, array in arrays(module)}
    sizes = {
        path: {"bits": layer.bits, "group_size": layer.group_size, "mode": layer.mode}
        for path, layer in packed_modules(module).items()
    }
    with kept.keep(layout_of(held), {"modules": sizes, "notes": notes}) as add:
        for path, array in held.items():
            add(path, array)


def restored(reference: nn.Module, entry: Entry) -> tuple[nn.Module, list[str]]:
    """A module tree with the kept arrays, and what was noted of it."""
    module, sizes = share(reference), entry.notes["modules"]
    nn.quantize(module, class_predicate=lambda path, layer: sizes.get(path, False))
    for path, holder, key, _ in arrays(module):
        holder[key] = entry.arrays[path]
    return module, entry.notes["notes"]


def _gptq(module: nn.Module, spec: VariantSpec, segments: Segments) -> None:
    check_widths(module, spec)
    try:
        gptq_quantize(
            module,
            mx.array(segments),
            spec.bits,
            spec.group,
            fallback_bits=FALLBACK_BITS,
            fallback_group_size=spec.group,
        )
    except (AttributeError, ValueError) as error:  # a layer that is more than x → W x
        raise ModelError(
            f"{spec.name}: GPTQ cannot watch the layers of this architecture ({error}); it works "
            "where all of them are plain linear layers or experts, as in llama and qwen3"
        ) from error


def _awq(module: nn.Module, spec: VariantSpec, segments: Segments, config: dict[str, Any]) -> None:
    known = awq_config(spec, config)
    check_widths(module, spec)
    inputs = mx.array(segments[:AWQ_SEGMENTS])
    awq_quantize(module, inputs, known, group_size=spec.group, bits=spec.bits)


def awq_config(spec: VariantSpec, config: dict[str, Any]) -> Any:
    """What mlx-lm's AWQ knows of this architecture.  Raises ModelError where it knows nothing."""
    kind = config["model_type"]
    if kind not in AWQ_MODEL_CONFIGS:
        known = ", ".join(sorted(AWQ_MODEL_CONFIGS))
        raise ModelError(
            f"{spec.name}: mlx-lm's AWQ does not know the architecture {kind}; it knows {known}"
        )
    return AWQ_MODEL_CONFIGS[kind]


def _dwq(
    module: nn.Module, spec: VariantSpec, segments: Segments, teacher: nn.Module, expand: bool
) -> None:
    quantize_model(module, {}, spec.group, spec.bits)
    packed = packed_modules(module)
    if not packed:
        raise ModelError(
            f"{spec.name}: a group of {spec.group} divides the width of no layer of this model"
        )
    if not expand:
        packed = {}
    open_layers = {path: OpenLayer(layer) for path, layer in packed.items()}
    module.update_modules(tree_unflatten(list(open_layers.items())))
    data = [(segment, 0) for segment in segments]
    dwq_quantize(
        module,
        lambda batch, index, split: teacher(batch),
        optimizers.Adam(learning_rate=DWQ_LEARNING_RATE, bias_correction=True),
        data[HELD_OUT:] * DWQ_PASSES,
        data[:HELD_OUT],
        batch_size=HELD_OUT,
        max_seq_length=len(segments[0]),
        seed=0,
        dtype=_compute_dtype(teacher),
    )
    module.eval()
    for path, layer in packed.items():
        layer.scales, layer.biases = open_layers[path].scales, open_layers[path].biases
    module.update_modules(tree_unflatten(list(packed.items())))


class OpenLayer(nn.Module):
    """A packed layer computed as scale · q + bias in float32, with a gradient in both.

    MLX's CPU kernels for packed weights are slow and less exact than the quantization itself.
    """

    def __init__(self, packed: Any) -> None:
        super().__init__()
        self.bits, self.group_size, self.mode = packed.bits, packed.group_size, packed.mode
        ones, zeros = mx.ones_like(packed.scales), mx.zeros_like(packed.biases)
        levels = mx.dequantize(packed.weight, ones, zeros, self.group_size, self.bits)
        self.weight = mx.unflatten(levels.astype(mx.float32), -1, (-1, self.group_size))
        self.scales, self.biases = packed.scales, packed.biases
        if "bias" in packed:
            self.bias = packed.bias
        self._kind = PLAIN[type(packed)]
        self.freeze()

    def __call__(self, *inputs: Any, **options: Any) -> mx.array:
        """As the packed layer."""
        out: mx.array = self._plain()(*inputs, **options)
        return out

    def as_linear(self, x: mx.array) -> mx.array:
        """As the packed embedding."""
        out: mx.array = self._plain().as_linear(x)
        return out

    def _plain(self) -> Any:
        layer = self._kind.__new__(self._kind)
        nn.Module.__init__(layer)
        layer.weight = (self.weight * self.scales[..., None] + self.biases[..., None]).flatten(-2)
        if "bias" in self:
            layer.bias = self.bias
        return layer


def _compute_dtype(module: nn.Module) -> mx.Dtype:
    return next(a.dtype for _, _, _, a in arrays(module) if mx.issubdtype(a.dtype, mx.floating))


def check_widths(module: nn.Module, spec: VariantSpec) -> None:
    """GPTQ and AWQ quantize every layer, so the group must divide every width."""
    for path, layer in module.named_modules():
        if hasattr(layer, "to_quantized") and layer.weight.shape[-1] % (spec.group or 1):
            raise ModelError(
                f"{spec.name}: a group of {spec.group} does not divide the width of {path} "
                f"({layer.weight.shape[-1]}), and {spec.method} leaves no layer out; try "
                f"{spec.method}-{spec.bits}bit-g32"
            )


def _store(module: nn.Module, dtypes: dict[str, mx.Dtype]) -> None:
    """Round floating arrays to what the checkpoint stores; scales to what their weights had."""
    for path, holder, key, array in arrays(module):
        stored = dtypes.get(re.sub(r"\.(scales|biases)$", ".weight", path))
        if stored is not None and mx.issubdtype(array.dtype, mx.floating):
            holder[key] = array.astype(stored)


@contextlib.contextmanager
def _progress(report: Report) -> Iterator[io.StringIO]:
    """mlx-lm shows its progress on the terminal; here it is read from there and told on.

    What it prints comes back as text.
    """
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(_ProgressBar(report)):
        yield said


class _ProgressBar(io.TextIOBase):
    """A stream that understands the bars drawn on it: "7/28 [00:03<…]"."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def write(self, text: str) -> int:
        """Tell how far the bar is."""
        if found := _STEP.search(text):
            self._report(int(found[1]), int(found[2]))
        return len(text)
