"""Packed weights → float32, through tables of what every code of a few bits stands for.

Knows how MLX packs: a row is one little-endian stream of bits.  On a CPU a look-up of several
values at once is seven times as fast as MLX's own kernels, where those exist at all (2, 4 and 8
bits), and works in the result's own memory.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import lcm
from typing import Any

import mlx.core as mx
import numpy as np

from corefeel_tui.environment import cpu_count

Array = np.ndarray[Any, Any]

CODES = {2: (8, 4), 3: (12, 4), 4: (8, 2), 5: (10, 2), 6: (12, 2), 8: (8, 1)}
"""Bits of a value → bits of a code, and how many values one code holds."""
ONE = {"mxfp4": (0x22222222, 127), "nvfp4": (0x22222222, 0x38), "mxfp8": (0x38383838, 127)}
"""Small float format → a word of which every value is 1, and the scale that is 1."""
FORMATS = {"mxfp4": (4, 32), "nvfp4": (4, 16), "mxfp8": (8, 32)}
"""Small float format → bits and group."""
BLOCK = 1 << 16
"""Values expanded at once, so that scratch stays in the cache."""
SHARED = 1 << 20
"""From so many values on, the work is shared among the CPUs."""


def unpacked(
    packed: mx.array, scales: mx.array, biases: mx.array | None, bits: int, mode: str = "affine"
) -> mx.array:
    """(…, width) float32 of `packed` (…, width · bits / 32) uint32: scale · q + bias, or of small
    floats scale · value; `scales` and `biases` are (…, width / group)."""
    whole = mx.zeros((*packed.shape[:-1], packed.shape[-1] * 32 // bits))
    mx.eval(whole)
    values = np.asarray(whole).reshape(-1)  # MLX's own memory: nobody else holds it yet
    if mode == "affine":
        levels, steps = _levels(bits), np.asarray(scales.astype(mx.float32)).reshape(-1, 1)
    else:
        levels, steps = _small_floats(mode), _small_scales(mode)[np.asarray(scales)].reshape(-1, 1)
    offsets = None if biases is None else np.asarray(biases.astype(mx.float32)).reshape(-1, 1)
    stream = np.asarray(packed).reshape(-1).view(np.uint8)
    group = values.size // len(steps)
    whole_bytes = mode == "affine" and bits == 8  # a byte is its value, and needs no table

    def fill(part: slice) -> None:
        codes, out = stream[part.start * bits // 8 : part.stop * bits // 8], values[part]
        if whole_bytes:
            np.copyto(out, codes)
        else:
            codes = _codes(codes, CODES[bits][0])
            np.take(levels, codes, out=out.view(levels.dtype), mode="clip")
        groups, own = out.reshape(-1, group), slice(part.start // group, part.stop // group)
        groups *= steps[own]
        if offsets is not None:
            groups += offsets[own]

    _in_parallel(fill, values.size, lcm(group, 8))
    return whole


def _in_parallel(fill: Any, count: int, unit: int) -> None:
    """`fill` on runs of whole units, on all CPUs where there is enough to do."""
    step = max(unit, BLOCK // unit * unit)
    parts = [slice(start, min(start + step, count)) for start in range(0, count, step)]
    if count < SHARED or cpu_count() == 1:
        for part in parts:
            fill(part)
        return
    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(fill, parts))


def _codes(stream: Array, width: int) -> Array:
    """The codes of `width` bits in whole runs of bytes."""
    if width == 8:
        return stream
    run = lcm(width, 8) // 8
    parts = stream.reshape(-1, run)
    codes = np.empty((len(parts), run * 8 // width), np.uint16)
    for i in range(codes.shape[1]):
        at, shift = divmod(i * width, 8)
        pair = parts[:, at].astype(np.uint16) | parts[:, at + 1].astype(np.uint16) << 8
        codes[:, i] = pair >> shift & (2**width - 1)
    return codes.reshape(-1)


@cache
def _levels(bits: int) -> Array:
    """Code → its values, each entry one item of as many float32."""
    width, count = CODES[bits]
    codes = np.arange(2**width, dtype=np.uint32)[:, None]
    return _as_items(codes >> np.arange(0, width, bits, dtype=np.uint32) & (2**bits - 1), count)


@cache
def _small_floats(mode: str) -> Array:
    """Byte → its values in a small float format, by MLX's own expansion."""
    bits, group = FORMATS[mode]
    words = mx.array(np.arange(256, dtype=np.uint8).view(np.uint32))[None]
    scales = mx.full((1, 256 * 8 // bits // group), ONE[mode][1], mx.uint8)
    values = mx.dequantize(words, scales, None, group, bits, mode, dtype=mx.float32)
    return _as_items(np.array(values).reshape(256, -1), CODES[bits][1])


@cache
def _small_scales(mode: str) -> Array:
    """Byte of a scale → its value, (256,) float32, by MLX's own expansion."""
    bits, group = FORMATS[mode]
    words = mx.full((256, group * bits // 32), ONE[mode][0], mx.uint32)
    scales = mx.arange(256).astype(mx.uint8)[:, None]
    return np.array(mx.dequantize(words, scales, None, group, bits, mode, dtype=mx.float32))[:, 0]


def _as_items(values: Array, count: int) -> Array:
    """(codes, count) → (codes,) items that numpy copies whole."""
    kind = {1: np.float32, 2: np.complex64, 4: np.complex128}[count]
    return np.ascontiguousarray(values, np.float32).view(kind).reshape(-1)
