"""The batch on Pocket: `python benchmarks/batch.py [generation|readout|session|core]`.

`generation`: answers of one model without scoring, against `mlx_lm`'s own `batch_generate` on the
same prompts and batch size; then the same with every token scored, as a row of its own.
`readout`: constrained readouts of 300 verdict items by five models, against bare batched forward
passes over the same prompts.  `session`: bytes per token and variant of a session file, arrays
apart, and peak memory and what stays resident at one and at eight times the items.  `core`: seconds
per item of each of its suites, with floors and control and without.  Without a word, all four.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
from pairs import in_turns

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.engine import chat
from corefeel_tui.engine.batch.asking import Asking
from corefeel_tui.engine.batch.labels import read_labels
from corefeel_tui.engine.batch.plan import MOST_ANSWERS, Work, make_batches
from corefeel_tui.engine.batch.runner import CONTROL_ITEMS, BatchRunner
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.control import make_control
from corefeel_tui.engine.lockstep import Lockstep, Start
from corefeel_tui.engine.memory import blas
from corefeel_tui.engine.modelset import ModelSet, load_set
from corefeel_tui.engine.prefill import Prefixes
from corefeel_tui.engine.sampling import Sampling, make_picker
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.suites import Suite, resolve

MODELS = ["bf16", "8bit", "4bit", "3bit", "2bit"]
MOST_TOKENS = 48
ITEMS = 300
BYTES = 150

batch_generate: Callable[..., Any] = importlib.import_module("mlx_lm.generate").batch_generate


def main() -> None:
    """Print what was asked for."""
    models = load_set(commands.Load(None, MODELS), lambda event: None, None)
    (suite,) = resolve("verdicts", pocket=True)
    parts = {"generation": generation, "readout": readout, "session": session, "core": core}
    wanted = sys.argv[1:] or list(parts)
    print(f"Pocket, {len(models.models)} models, BLAS {blas()}")
    for name in wanted:
        parts[name](models, suite)


# --- generation ---------------------------------------------------------------------------------


def generation(models: ModelSet, suite: Suite) -> None:
    """One model's answers to some batches of prompts."""
    asking = Asking("b", models)
    batches = make_batches([suite], 2 * MOST_ANSWERS)
    asked = [[prompt_of(asking, work) for work in works] for works in batches]
    model, tokenizer = models.models["4bit"].model, models.tokenizer
    ours, theirs, ratio = in_turns(
        lambda: seconds(asked, lambda prompts: alone(model, tokenizer, prompts)),
        lambda: seconds(asked, lambda prompts: peer(model, tokenizer, prompts)),
    )
    scored = seconds(asked, lambda prompts: told(model, tokenizer, prompts))
    tokens = sum(alone(model, tokenizer, prompts) for prompts in asked)
    print(f"batch generation, alone   {tokens / ours:8.0f} tokens/s")
    print(
        f"  mlx_lm batch_generate   {tokens / theirs:8.0f} tokens/s   ratio {1 / ratio:.2f} (0.9)"
    )
    print(f"  with every token scored {tokens / scored:8.0f} tokens/s")


def prompt_of(asking: Asking, work: Work) -> list[int]:
    """Tokens of an item's prompt."""
    return asking.render(chat.conversation(work.system, [], work.turns[0]))


def seconds(asked: Sequence[list[list[int]]], work: Callable[[list[list[int]]], object]) -> float:
    """Time of all batches."""
    began = time.perf_counter()
    for prompts in asked:
        work(prompts)
    return time.perf_counter() - began


def alone(model: Any, tokenizer: Any, prompts: list[list[int]]) -> int:
    """Lockstep without measuring; the number of tokens taken."""
    lock = Lockstep({"m": model}, "m", make_picker(Sampling()))
    for _ in lock.read([Start(str(i), {"m": prompt}) for i, prompt in enumerate(prompts)]):
        pass
    ends, tokens = set(tokenizer.eos_token_ids), 0
    while lock.rows:
        step = lock.take()
        tokens += len(step.choice)
        last = step.position + 1 == MOST_TOKENS
        lock.advance(step.choice, {o for o, token in step.choice.items() if last or token in ends})
    return tokens


def peer(model: Any, tokenizer: Any, prompts: list[list[int]]) -> None:
    """mlx_lm's own."""
    size = len(prompts)
    batch_generate(
        model,
        tokenizer,
        prompts,
        max_tokens=MOST_TOKENS,
        completion_batch_size=size,
        prefill_batch_size=size,
    )


def told(model: Any, tokenizer: Any, prompts: list[list[int]]) -> None:
    """Answers with columns, text and lines."""
    from corefeel_tui.engine.question import Question

    questions = [Question(str(i), {"m": prompt}, MOST_TOKENS) for i, prompt in enumerate(prompts)]
    for _ in compare({"m": model}, tokenizer, questions, Sampling(), PieceTexts(tokenizer)):
        pass


# --- readout ------------------------------------------------------------------------------------


def readout(models: ModelSet, suite: Suite) -> None:
    """Labels of every item by every model."""
    asking = Asking("b", models)
    batches = make_batches([suite], ITEMS)
    modules = {name: model.model for name, model in models.models.items()}
    asked = [[prompt_of(asking, work) for work in works] for works in batches]

    def ours() -> float:
        began = time.perf_counter()
        for works in batches:
            prefixes = Prefixes(max_size=4 * len(works) * len(modules), max_bytes=1 << 29)
            for _ in read_labels(asking, works, modules, prefixes):
                pass
        return time.perf_counter() - began

    def bare() -> float:
        began = time.perf_counter()
        for prompts in asked:
            ids = padded(prompts)
            for model in modules.values():
                mx.eval(model(ids))
        return time.perf_counter() - began

    mine, theirs, ratio = in_turns(ours, bare, rounds=3)
    count = sum(map(len, batches)) * len(modules)
    print(f"constrained readout       {count / mine:8.1f} items x models/s")
    print(f"  bare batched forwards   {count / theirs:8.1f} items x models/s")
    print(f"  ratio (budget 1.0)      {1 / ratio:8.2f}")


def padded(prompts: list[list[int]]) -> mx.array:
    """(prompts, longest) token ids, zeros on the right."""
    longest = max(map(len, prompts))
    return mx.array([prompt + [0] * (longest - len(prompt)) for prompt in prompts], dtype=mx.int32)


# --- session ------------------------------------------------------------------------------------


def session(models: ModelSet, suite: Suite) -> None:
    """Bytes of lines, and peak memory."""
    few, many = MOST_ANSWERS, 8 * MOST_ANSWERS
    small, _, _ = run(models, suite, few)
    after = resident()
    large, size, tokens = run(models, suite, many)
    print(f"session lines             {size / tokens:8.0f} bytes per token and variant ({BYTES})")
    print(
        f"peak memory               {small / 2**20:8.0f} MiB, 8 x the items {large / 2**20:.0f} MiB"
    )
    print(
        f"resident afterwards       {after / 2**20:8.0f} MiB, 8 x the items "
        f"{resident() / 2**20:.0f} MiB"
    )


def resident() -> int:
    """Bytes of this process in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def run(
    models: ModelSet, suite: Suite, limit: int, done: Sequence[str] = ()
) -> tuple[int, int, int]:
    """Peak bytes of arrays, bytes of lines, and tokens times the variants that scored them."""
    mx.clear_cache()
    mx.reset_peak_memory()
    size = tokens = 0
    with tempfile.TemporaryDirectory() as directory:
        command = commands.Evaluate("b", [], limit=limit, arrays=directory, done=list(done))
        runner = BatchRunner(
            command,
            models,
            make_control(models),
            [suite],
            PieceTexts(models.tokenizer),
            lambda: False,
        )
        for event in runner.steps():
            if event is None:
                continue
            size += len(ev.encode(event))
            if isinstance(event, ev.Tokens):
                scored = max(1, len(event.scores or {}) - 1)
                tokens += scored * len(event.ids)
    return int(mx.get_peak_memory()), size, tokens


# --- core ---------------------------------------------------------------------------------------


def core(models: ModelSet, _: Suite) -> None:
    """Every suite of `core`: its first items, and some behind those that floors are taken of."""
    whole = 0.0
    for suite in resolve("core", pocket=True):
        works = [work for batch in make_batches([suite], None) for work in batch]
        early = timed(models, suite, MOST_ANSWERS, [])
        most = min(len(suite.item), CONTROL_ITEMS + MOST_ANSWERS)
        start = most - MOST_ANSWERS
        late = timed(models, suite, most, [work.key for work in works if work.number < start])
        gauged = min(len(works), CONTROL_ITEMS)
        whole += gauged * early + (len(works) - gauged) * late
        told = f"{suite.suite.name:12} {len(works):4} items"
        print(f"{told}  {early:6.2f} s an item, later {late:6.2f} s, {resident() / 2**20:5.0f} MiB")
    print(f"core, so far as these are typical {whole / 60:6.1f} minutes")


def timed(models: ModelSet, suite: Suite, limit: int, done: Sequence[str]) -> float:
    """Seconds per item under each history."""
    began = time.perf_counter()
    run(models, suite, limit, done)
    return (time.perf_counter() - began) / (MOST_ANSWERS * len(suite.suite.history))


if __name__ == "__main__":
    main()
