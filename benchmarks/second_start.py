"""Kept weights: `python benchmarks/second_start.py [--size 0.6b|tiny] [--variants LIST]`.

The same set loaded twice, each time by a process of its own from its start to the set's
announcement, imports and floors included: the first with an empty cache, which it hashes the
checkpoint for and fills, the second with that cache.  The model's files are in the page cache both
times.  Medians of --rounds pairs, and beside them what either spent on making the variants.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shapes import QWEN3_06B, TINY, arguments, random_model

VARIANTS = "8bit,4bit,3bit,2bit"


def load(directory: str, variants: str, smallest: int) -> None:
    """The child: load, then say how long the making of variants took."""
    from corefeel_tui.commands import Load
    from corefeel_tui.engine import making, weight_cache
    from corefeel_tui.engine.modelset import load_set

    weight_cache.SMALLEST = min(smallest, weight_cache.SMALLEST)
    spent, treat = [], making.treat

    def timed(*given: object) -> object:
        began = time.perf_counter()
        treated = treat(*given)  # type: ignore[arg-type]
        spent.append(time.perf_counter() - began)
        return treated

    making.treat = timed  # type: ignore[assignment]
    command = Load(directory, variants.split(","), cache_bytes=20 * 10**9)
    load_set(command, lambda event: None, None)
    print(json.dumps(sum(spent)))


Start = tuple[float, float, float]
"""Seconds of a whole start, of making its variants, and of CPU."""


def start(directory: Path, variants: str, cache: Path, smallest: int) -> Start:
    """A start by a process of its own."""
    from corefeel_tui.environment import engine_environment

    environment = {**engine_environment(), "XDG_CACHE_HOME": str(cache)}
    words = [sys.executable, __file__, "--load", str(directory), variants, str(smallest)]
    began, cpu = time.perf_counter(), cpu_seconds()
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True)
    seconds = time.perf_counter() - began
    return seconds, float(json.loads(done.stdout.splitlines()[-1])), cpu_seconds() - cpu


def cpu_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print both sides."""
    parser = arguments("0.6b", "tiny")
    parser.add_argument("--variants", default=VARIANTS)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    shape = QWEN3_06B if asked.size == "0.6b" else TINY
    directory = random_model(f"qwen3-{asked.size}", "qwen3", shape)
    smallest = 1 if asked.size == "tiny" else 1 << 60
    pairs = []
    for _ in range(asked.rounds):
        cache = Path(tempfile.mkdtemp(prefix="corefeel-cache-"))
        try:
            first = start(directory, asked.variants, cache, smallest)
            held = sum(path.stat().st_size for path in cache.rglob("*.safetensors"))
            pairs.append((first, start(directory, asked.variants, cache, smallest)))
        finally:
            shutil.rmtree(cache)
    first, second = (
        [statistics.median(pair[side][part] for pair in pairs) for part in (0, 1, 2)]
        for side in (0, 1)
    )
    ratio = statistics.median(a[0] / b[0] for a, b in pairs)
    print(
        f"{asked.size}: bf16,{asked.variants}; {held / 1e6:.0f} MB kept, load {os.getloadavg()[0]}"
    )
    for name, (whole, making, cpu) in (("first", first), ("second", second)):
        print(f"{name:6} start {whole:7.1f} s, of which making {making:7.1f} s; CPU {cpu:7.1f} s")
    print(
        f"ratio {ratio:.2f} (budget: at least 3), of the making {first[1] / second[1]:.1f}, ",
        end="",
    )
    print(f"of CPU {first[2] / second[2]:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
