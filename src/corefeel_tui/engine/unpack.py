"""Affine weights of 3, 5 and 6 bits → float32, in numpy.

Knows how MLX packs: a row is one little-endian stream of bits.  MLX's own CPU kernel exists for
powers of two; the other widths fall back on a chain of elementwise operations that takes ten times
as long as this and up to six times the memory of its result.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np

PER_RUN = {3: 8, 5: 8, 6: 4}
"""Bits → how many values fill a whole number of bytes."""

BLOCK = 1 << 18
"""Values expanded at once, so that scratch stays in the cache."""


def unpacked(packed: mx.array, scales: mx.array, biases: mx.array, bits: int) -> mx.array:
    """scale · q + bias, (…, width) float32, of `packed` (…, width · bits / 32) uint32.

    `scales` and `biases` are (…, width / group) float32.
    """
    count = PER_RUN[bits]
    runs = np.asarray(packed).view(np.uint8).reshape(-1, count * bits // 8)
    steps, offsets = (np.asarray(array).reshape(-1, 1) for array in (scales, biases))
    values = np.empty((len(runs), count), np.float32)
    groups = values.reshape(len(steps), -1)
    block = max(1, BLOCK // groups.shape[1])
    for start in range(0, len(steps), block):
        part = slice(start, start + block)
        inside = slice(start * groups.shape[1] // count, (start + block) * groups.shape[1] // count)
        _integers(runs[inside], bits, values[inside])
        groups[part] *= steps[part]
        groups[part] += offsets[part]
    return mx.array(values.reshape(*packed.shape[:-1], -1))


def _integers(runs: np.ndarray, bits: int, values: np.ndarray) -> None:
    """Fill `values` (n, count) with the integers of `bits` bits in `runs` (n, bytes of a run)."""
    kind: Any = np.uint32 if runs.shape[1] <= 4 else np.uint64
    words: Any = np.zeros(len(runs), kind)
    for i in range(runs.shape[1]):
        words |= runs[:, i].astype(kind) << kind(8 * i)
    for i in range(values.shape[1]):
        values[:, i] = (words >> kind(bits * i)) & kind(2**bits - 1)
