"""Lockstep against the sum of solo decodes: `python benchmarks/lockstep.py [pocket|0.6b]`.

One lockstep step of N models (choose, advance, measure every token, build the event lines) is
compared with N single steps of mlx-lm's `generate_step` on the same module trees and dtype, in
turns within one process.  Medians of five; both sides printed.
"""

from __future__ import annotations

import time
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generate_step
from pairs import chosen_size, in_turns, model_directory, variants_of

from corefeel_tui import commands
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.memory import blas
from corefeel_tui.engine.modelset import load_set
from corefeel_tui.engine.question import Question
from corefeel_tui.engine.sampling import Sampling
from corefeel_tui.engine.trajectories import PieceTexts


def solo(models: dict[str, Any], prompt: list[int], steps: int) -> float:
    """Seconds per step of all models one after the other, prefill left out."""
    spent = 0.0
    for model in models.values():
        stream = generate_step(mx.array(prompt), model, max_tokens=steps + 1)
        next(stream)
        began = time.perf_counter()
        for _ in range(steps):
            next(stream)
        spent += time.perf_counter() - began
    return spent / steps


def lockstep(
    models: dict[str, Any], tokenizer: Any, prompt: list[int], steps: int, sampling: Sampling
) -> tuple[float, int]:
    """Seconds per step of all models together, measurements included; how many forks there were."""
    question = Question("b", dict.fromkeys(models, prompt), 10**6)
    stream = compare(models, tokenizer, [question], sampling, PieceTexts(tokenizer))
    forks = 0

    def advance(count: int) -> None:
        nonlocal forks
        while count:
            event = next(stream)
            count -= event is None
            forks += type(event).__name__ == "Fork"

    advance(4)
    began = time.perf_counter()
    advance(steps)
    return (time.perf_counter() - began) / steps, forks


def report(
    label: str,
    models: dict[str, Any],
    tokenizer: Any,
    prompt: list[int],
    steps: int,
    sampling: Sampling,
) -> None:
    """Measure one case and print its row."""
    forks = []

    def together() -> float:
        seconds, seen = lockstep(models, tokenizer, prompt, steps, sampling)
        forks.append(seen)
        return seconds

    ours, theirs, ratio = in_turns(together, lambda: solo(models, prompt, steps))
    print(
        f"{label:34} lockstep {ours * 1e3:8.2f}  Σ solo {theirs * 1e3:8.2f}"
        f"  ratio {ratio:5.2f}  forks {forks[0]}",
        flush=True,
    )


def main() -> None:
    """Print one row per case."""
    size = chosen_size()
    names = variants_of(size)
    steps = 60 if size == "pocket" else 8
    loaded = load_set(commands.Load(model_directory(size), names), lambda event: None, None)
    models = {name: loaded.models[name].model for name in names}
    tokenizer = loaded.tokenizer
    prompt = tokenizer.encode("Open the east valve? The guard has read the gauge.")
    tokenizer.eos_token_ids = set()
    copies = {f"copy {i}": models["bf16"] for i in range(len(names))}
    print(f"{size}: {len(names)} models, milliseconds per step, BLAS {blas()}")
    warm = Sampling(temperature=1.5, seed=1)
    report("unforked (copies of one model)", copies, tokenizer, prompt, steps, Sampling())
    report("greedy, forks as they come", models, tokenizer, prompt, steps, Sampling())
    report("all forked (temperature 1.5)", models, tokenizer, prompt, steps, warm)


if __name__ == "__main__":
    main()
