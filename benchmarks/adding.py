"""A variant added to a loaded reference: `python benchmarks/adding.py [--size 0.6b|tiny]`.

- Time to make a 4-bit variant beside a loaded reference, against mlx-lm's own `quantize_model` of
  the same checkpoint and, where execution is expanded, MLX's own `dequantize` of every layer to
  float32; in turns within one process, medians of five.
- Peak of MLX's memory meanwhile, over the final residency, in largest layers.
- Bytes by which bf16 and 8, 4, 3 and 2 bits packed side by side make the process's arrays grow,
  against the sum of the distinct ones.
"""

from __future__ import annotations

import time
from pathlib import Path

from shapes import QWEN3_06B, TINY, arguments, in_engine_environment, random_model

ADDED = "4bit"
PACKED = ("8bit", "4bit", "3bit", "2bit")


def opened(directory: Path, expand: bool):  # type: ignore[no-untyped-def]
    """The checkpoint, read."""
    from corefeel_tui.engine.loading import materialise, open_checkpoint

    checkpoint = open_checkpoint(directory)
    materialise(checkpoint, expand, silent)
    return checkpoint


def silent(done: int, total: int) -> None:
    """Progress nobody reads."""


def ours(reference, expand: bool) -> float:  # type: ignore[no-untyped-def]
    """Seconds to make the variant, nothing kept on disk."""
    from corefeel_tui.engine.memory import release
    from corefeel_tui.engine.quantize import quantized
    from corefeel_tui.variants import parse

    release()
    began = time.perf_counter()
    quantized(reference, parse(ADDED), expand, silent)
    return time.perf_counter() - began


def theirs(directory: Path, expand: bool) -> float:
    """Seconds of mlx-lm's quantization, reading apart, and of MLX's expansion."""
    import mlx.core as mx
    from mlx_lm.utils import quantize_model

    from corefeel_tui.engine.loading import silence
    from corefeel_tui.engine.memory import release
    from corefeel_tui.engine.quantize import packed_modules

    release()
    plain = opened(directory, False)
    began = time.perf_counter()
    with silence():
        quantize_model(plain.module, {}, 64, 4)
    mx.eval(plain.module.parameters())
    for layer in packed_modules(plain.module).values() if expand else ():
        scales, biases = layer.scales.astype(mx.float32), layer.biases.astype(mx.float32)
        layer.weight = mx.dequantize(layer.weight, scales, biases, 64, 4)
        mx.eval(layer.weight)
    return time.perf_counter() - began


def peak(reference, expand: bool) -> float:  # type: ignore[no-untyped-def]
    """Peak over the final residency while a variant is made, in largest layers."""
    import mlx.core as mx

    from corefeel_tui.engine.loading import arrays
    from corefeel_tui.engine.memory import release
    from corefeel_tui.engine.quantize import quantized
    from corefeel_tui.variants import parse

    release()
    largest = max(array.nbytes for _, _, _, array in arrays(reference.module))
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    treated = quantized(reference, parse(ADDED), expand, silent)
    return float((mx.get_peak_memory() - before - treated.resident_bytes) / largest)


def residency(directory: Path) -> tuple[int, int]:
    """Bytes that arrays grew by, and the sum of the distinct ones, all packed."""
    import mlx.core as mx

    from corefeel_tui.engine.memory import release
    from corefeel_tui.engine.quantize import distinct_bytes, quantized
    from corefeel_tui.variants import parse

    release()
    before = mx.get_active_memory()
    reference = opened(directory, False)
    packed = [quantized(reference, parse(name), False, silent) for name in PACKED]
    release()
    grown = mx.get_active_memory() - before
    total = distinct_bytes(reference.module) + sum(treated.resident_bytes for treated in packed)
    return int(grown), total


def compared(reference, directory: Path, expand: bool) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    """Medians of ours, of theirs and of the ratio, after a round that compiles what is compiled."""
    from pairs import in_turns

    ours(reference, expand), theirs(directory, expand)
    return in_turns(lambda: ours(reference, expand), lambda: theirs(directory, expand))


def main() -> None:
    """Print both sides of each."""
    asked = arguments("0.6b", "tiny").parse_args()
    directory = random_model(
        f"qwen3-{asked.size}", "qwen3", QWEN3_06B if asked.size == "0.6b" else TINY
    )
    in_engine_environment()
    from corefeel_tui.engine.memory import blas, execution

    expand = execution() == "expanded"
    reference = opened(directory, expand)
    own, peer, ratio = compared(reference, directory, expand)
    print(f"{asked.size}: execution {execution()}, BLAS {blas()}")
    print(
        f"adding 4bit {own:.2f} s   quantize_model and expansion {peer:.2f} s   ratio {ratio:.2f}"
    )
    print(f"peak over the final residency {peak(reference, expand):.2f} of the largest layer")
    del reference
    grown, total = residency(directory)
    print(f"co-residency {grown / 1e6:.1f} MB of {total / 1e6:.1f} MB, {grown / total - 1:+.2%}")


if __name__ == "__main__":
    main()
