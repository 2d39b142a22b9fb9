"""Teacher-forced scoring against bare forward passes: `python benchmarks/score.py [pocket|0.6b]`.

Throughput of `score` (every divergence, rank and likelihood of every position) over that of the
same models' forward passes on the same chunks, evaluated and thrown away; in turns within one
process.  Then the peak memory at one and at sixteen times the text.
"""

from __future__ import annotations

import time

import mlx.core as mx
import numpy as np
from pairs import chosen_size, in_turns, model_directory, variants_of

from corefeel_tui import commands
from corefeel_tui.engine.memory import blas
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.scoring import Reader, chunks, positions_at_once, score_steps


def scored(models: ModelSet, windows: list[list[int]]) -> float:
    """Seconds for a whole `score`."""
    began = time.perf_counter()
    for _ in score_steps("b", models, windows, None, None, lambda: False):
        pass
    return time.perf_counter() - began


def bare(models: ModelSet, windows: list[list[int]]) -> float:
    """Seconds for the forward passes alone."""
    began = time.perf_counter()
    readers = [Reader(model.model) for model in models.models.values()]
    for chunk in chunks(windows, positions_at_once(models.vocabulary)):
        for reader in readers:
            mx.eval(reader.start(chunk))
    return time.perf_counter() - began


def peak(models: ModelSet, windows: list[list[int]]) -> int:
    """Peak bytes of MLX's arrays while scoring."""
    mx.clear_cache()
    mx.reset_peak_memory()
    scored(models, windows)
    return int(mx.get_peak_memory())


def main() -> None:
    """Print both sides."""
    size = chosen_size()
    load = commands.Load(model_directory(size), variants_of(size))
    models = load_set(load, lambda event: None, None)
    random = np.random.default_rng(0)
    length = min(models.context, 256)
    text = random.integers(0, models.vocabulary, (16, length)).tolist()
    count = 8 if size == "pocket" else 1
    windows = text[:count]
    positions = sum(len(window) - 1 for window in windows)
    print(f"{size}: {len(models.models)} models, {positions} positions, BLAS {blas()}")
    ours, theirs, ratio = in_turns(lambda: scored(models, windows), lambda: bare(models, windows))
    print(
        f"score {positions / ours:9.0f} positions/s   bare forwards {positions / theirs:9.0f}"
        f"   ratio {1 / ratio:5.2f}"
    )
    if size == "pocket":
        once, often = peak(models, text[:1]), peak(models, text)
        print(f"peak memory {once / 2**20:.0f} MiB, 16 x the text {often / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
