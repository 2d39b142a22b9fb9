"""What this machine's arithmetic is worth: how exact its kernels are, how fast, and how much fits.

Knows MLX and the execution; no model and no advice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import mlx.core as mx
import numpy as np

from corefeel_tui import events as ev
from corefeel_tui.engine import memory
from corefeel_tui.engine.capacity import capacity
from corefeel_tui.variants import parse

MODES = ("8bit", "6bit", "5bit", "4bit", "3bit", "2bit", "mxfp8", "mxfp4", "nvfp4")
ROWS, WIDTH, TOKENS = 512, 1024, 8
SIDE = 512
"""Of the square product that is timed."""
MATRIX = (4096, 4096)
"""Of the matrix that is read once per token."""
ROUNDS = 5


def examine() -> ev.Examined:
    """Everything, in a second or two."""
    found = capacity()
    return ev.Examined(
        kernels={name: kernel_error(name) for name in MODES},
        gflops=round(2 * SIDE**3 / _seconds(_product) / 1e9, 1),
        tokens_per_second=round(1 / _seconds(_token), 1),
        free_bytes=found.free,
        usable_bytes=found.usable,
        source=found.source,
    )


def kernel_error(name: str) -> ev.JSON:
    """Relative error of a product with weights packed so, `packed` by MLX's own kernel and `here`
    as it is executed on this machine, both against float64; null where MLX has no kernel."""
    spec = parse(name)
    mode = (spec.method or "affine") if spec.kind == "microscaling" else "affine"
    size = {"group_size": spec.group, "bits": spec.bits, "mode": mode}
    w, x = (
        mx.random.normal(shape, key=mx.random.key(seed)).astype(mx.bfloat16)
        for seed, shape in enumerate(((ROWS, WIDTH), (TOKENS, WIDTH)))
    )
    packed, scales, *biases = mx.quantize(w, **size)
    offsets = biases[0].astype(mx.float32) if biases else None
    steps = scales.astype(mx.float32) if biases else scales
    expanded = mx.dequantize(packed, steps, offsets, **size, dtype=mx.float32)
    exact = np.array(x.astype(mx.float32), np.float64) @ np.array(expanded, np.float64).T
    try:
        native = mx.quantized_matmul(x, packed, scales, *biases, **size)
        own = _error(native, exact)
    except (RuntimeError, ValueError):  # no such kernel on this device
        own = None
    if memory.execution() == "native":
        return {"packed": own, "here": own}
    return {"packed": own, "here": _error(x.astype(mx.float32) @ expanded.T, exact)}


def _error(product: mx.array, exact: np.ndarray) -> float:
    found = np.array(product.astype(mx.float32), np.float64)
    return float(f"{np.linalg.norm(found - exact) / np.linalg.norm(exact):.2g}")


def _seconds(work: Callable[[], Callable[[], mx.array]]) -> float:
    """Median time of some rounds, after one that compiles."""
    once = work()
    mx.eval(once())
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        mx.eval(once())
        times.append(time.perf_counter() - began)
    return median(times)


def _product() -> Callable[[], mx.array]:
    square = mx.random.normal((SIDE, SIDE))
    mx.eval(square)
    return lambda: square @ square


def _token() -> Callable[[], mx.array]:
    matrix, vector = mx.random.normal(MATRIX), mx.random.normal((1, MATRIX[0]))
    mx.eval(matrix, vector)
    return lambda: vector @ matrix
