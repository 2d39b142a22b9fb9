"""A set larger than memory, scored in turn: `python benchmarks/in_turn.py [--size 4b|tiny]`.

Random weights in the shape of Qwen3.5-4B with its real vocabulary, or a tiny one of that class:
bf16 and 4bit score `--tokens` tokens, in the way the planner chooses (`--way` forces one).  Prints
what was planned, the peak of MLX's arrays and of the whole process, and the result.  `--layers`
takes fewer blocks.
"""

from __future__ import annotations

import resource
import time

import numpy as np
from shapes import QWEN35_4B, arguments, in_engine_environment, random_model

TINY_HYBRID = {
    "vocab": 8192,
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "max_position_embeddings": 2048,
}


def main() -> None:
    """Plan, load, score, and say what it took."""
    parser = arguments("4b", "tiny")
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--way", choices=["auto", "pairs", "single"], default="auto")
    asked = parser.parse_args()
    in_engine_environment()
    import mlx.core as mx

    from corefeel_tui import events as ev
    from corefeel_tui.commands import Load
    from corefeel_tui.engine.memory import blas, execution
    from corefeel_tui.engine.modelset import load_set
    from corefeel_tui.engine.scoring import score_steps
    from corefeel_tui.engine.scoring_in_turn import score_in_turn

    big = asked.size == "4b"
    shape = QWEN35_4B | {"num_hidden_layers": asked.layers} if big else TINY_HYBRID
    name = f"qwen3_5-4b-{asked.layers}" if big else "qwen3_5-tiny"
    directory = random_model(name, "qwen3_5", shape)
    print(f"{asked.size}: {directory}, execution {execution()}, BLAS {blas()}", flush=True)

    def show(event: ev.Event) -> None:
        if isinstance(event, ev.Notice):
            print(event.text, flush=True)

    began = time.perf_counter()
    load = Load(str(directory), ["bf16", "4bit"], in_turn=asked.way)
    models = load_set(load, show, None)
    loaded = time.perf_counter()
    ids = np.random.default_rng(0).integers(0, models.vocabulary, asked.tokens).tolist()
    way = models.turns.way if models.turns else "side by side"
    score = score_in_turn if models.turns else score_steps
    steps = score("b", models, [ids], None, None, lambda: False)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result = end.value
            break
    print(
        f"{way}: loaded in {loaded - began:.0f} s, scored in {time.perf_counter() - loaded:.0f} s"
    )
    entry = result["variants"]["4bit"]
    print(f"{result['positions']} positions, vocabulary {models.vocabulary}, KL {entry['kl']}")
    print(f"bound {entry.get('kl_bound')}, agreement {entry['top1_agreement']:.3f}")
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"peak {mx.get_peak_memory() / 2**30:.2f} GiB of arrays, {process / 2**30:.2f} GiB resident"
    )


if __name__ == "__main__":
    main()
