"""What the calibration of a variant takes for a while, before anything is computed.

Knows the shapes of layers and what each method holds at its worst moment; mirrors mlx-lm's GPTQ,
AWQ and DWQ and the smoothing here.  Estimates, on the safe side.
"""

from __future__ import annotations

from math import prod
from typing import Any

import mlx.nn as nn

from corefeel_tui.engine import calibrated
from corefeel_tui.engine.calibration import SEGMENT
from corefeel_tui.engine.loading import Checkpoint
from corefeel_tui.engine.quantize import Treated
from corefeel_tui.variants import VariantSpec

FLOAT32 = 4
GPTQ_BATCH = 8
"""Segments that mlx-lm's GPTQ reads at once."""
LIVE = 8
"""So many activations of the widest layer are alive in a forward pass."""
PROBED = 2 * 32
"""Positions of logits that smoothing compares, before and after."""
COPIES = 4
"""So many copies of a block's weights AWQ's search and a smoothing hold."""
LOGITS = 6
"""Arrays of the logits' size in a step of distillation: both models', and their gradients."""


def scratch_bytes(reference: Checkpoint, spec: VariantSpec, treated: Treated, logits: int) -> int:
    """Bytes besides the result, `logits` being those of one position; 0 for a treatment that reads
    no text."""
    method = spec.method or ""
    shapes = _shapes(reference.module)
    if not shapes or method not in ("gptq", "awq", "dwq", "smoothquant-w8a8"):
        return 0
    segment = SEGMENT
    widest = max(sum(shape[-2:]) for shape in shapes)
    weights = FLOAT32 * sum(prod(shape) for shape in shapes)
    block = COPIES * weights // max(len(_blocks(reference.module)), 1)
    if method == "gptq":
        hessians = [FLOAT32 * shape[-1] ** 2 for shape in shapes]
        layer = max(
            COPIES * (FLOAT32 * prod(shape) + h) for shape, h in zip(shapes, hessians, strict=True)
        )
        read = FLOAT32 * LIVE * GPTQ_BATCH * segment * widest
        return max(sum(hessians) + max(layer, read) + treated.bytes - treated.resident_bytes, 0)
    if method == "awq":
        read = FLOAT32 * LIVE * calibrated.AWQ_SEGMENTS * segment * widest
        return block + read + treated.bytes
    if method == "dwq":
        tokens = calibrated.HELD_OUT * segment
        kept = 2 * FLOAT32 * tokens * sum(sum(shape[-2:]) for shape in shapes)
        return 2 * weights + kept + LOGITS * tokens * logits + treated.bytes
    read = FLOAT32 * LIVE * segment * widest
    return block + read + PROBED * logits


def _shapes(module: nn.Module) -> list[tuple[int, ...]]:
    """(…, out, in) of every layer in the blocks."""
    return [tuple(layer["weight"].shape) for layer in _layers(module).values()]


def _layers(module: nn.Module) -> dict[str, Any]:
    return {
        path: layer
        for path, layer in module.named_modules()
        if hasattr(layer, "to_quantized") and any(part.isdigit() for part in path.split("."))
    }


def _blocks(module: nn.Module) -> set[str]:
    """Numbers of the blocks."""
    return {next(part for part in path.split(".") if part.isdigit()) for path in _layers(module)}
