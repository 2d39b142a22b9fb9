"""Measures the shipped weights and writes CARD.md and card.json; never by hand."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from corefeel_tui.environment import cpu_count, engine_environment

from . import weights_path
from .card_page import render
from .corpus import SKILLS
from .evaluation import Figures, cases, fold_drift, length_ratio, replies, score, transcript

COUNTS = {
    "judge": 300, "facts": 300, "describe": 60, "reason": 120,
    "recall": 80, "converse": 24, "refuse": 150, "vetoes": 300,
}  # fmt: skip
VARIANTS = ("bf16", "8bit", "6bit", "5bit", "4bit", "3bit", "2bit", "mxfp4", "4bit+kv4")
KL_ITEMS = 20
DOMAIN_ITEMS = 60


def measure(
    folder: Path,
    counts: dict[str, int],
    kl_items: int,
    domain_items: int,
    names: Iterable[str] = (),
) -> list[Figures]:
    """Figures of the reference and then of each variant (all of them unless named)."""
    engine: Any = importlib.import_module("corefeel_tui.engine.pocket_card")
    wanted = set(names)
    chosen = cases(counts, domain_items)
    reference = engine.Loaded(folder, engine.TREATMENTS[0])
    theirs = {column: replies(reference, items) for column, items in chosen.items()}
    transcripts = {
        skill: [
            transcript(reference, item, said)
            for item, said in zip(chosen[skill][:kl_items], theirs[skill], strict=False)
        ]
        for skill in SKILLS
    }

    def length(text: str) -> int:
        return len(reference.tokenizer.encode(text))

    measured = []
    for treatment in engine.TREATMENTS:
        if wanted and treatment.name not in wanted:
            continue
        same = treatment.name == "bf16"
        runner = reference if same else engine.Loaded(folder, treatment)
        ours = (
            theirs if same else {column: replies(runner, items) for column, items in chosen.items()}
        )
        figures = Figures(treatment.name)
        score(figures, chosen, ours)
        drifts = {
            s: list(engine.drifts(reference, runner, rows)) for s, rows in transcripts.items()
        }
        fold_drift(figures, drifts)
        figures.length_ratio = length_ratio(theirs, ours, length)
        figures.prose_bits = prose_bits(runner, chosen["describe"])
        measured.append(figures)
        print(f"{treatment.name}: KL {figures.kl_mean:.2g}", flush=True)
    return measured


def prose_bits(runner: Any, items: list[Any]) -> float:
    """Bits per token that the model needs for the held-out descriptions, explanations left out."""
    import math

    total, count = 0.0, 0
    for item in items:
        if item.rule.startswith("explain"):
            continue
        tokens, positions = transcript(runner, item, [item.answer()])
        log_p = runner.log_probabilities(tokens)
        total -= sum(float(log_p[place, tokens[place + 1]]) for place in positions)
        count += len(positions)
    return total / count / math.log(2)


def measure_in_workers(
    folder: Path, counts: dict[str, int], kl_items: int, domain_items: int, shares: list[list[str]]
) -> list[Figures]:
    """`measure` for each share of the variants in its own process, with a fast BLAS if any."""
    run = partial(measure, folder, counts, kl_items, domain_items)
    before = dict(os.environ)
    os.environ.update(
        engine_environment(), OPENBLAS_NUM_THREADS=str(-(-cpu_count() // len(shares)))
    )
    try:
        with ProcessPoolExecutor(len(shares), get_context("spawn")) as pool:
            return [figures for part in pool.map(run, shares) for figures in part]
    finally:
        os.environ.clear()
        os.environ.update(before)


def write_card(folder: Path | None = None, to: Path | None = None, workers: int = 1) -> None:
    """Measure the weights in `folder`; write CARD.md and card.json beside this module."""
    folder, to = folder or weights_path(), to or Path(__file__).parent
    names = list(VARIANTS)
    shares = [names[worker::workers] for worker in range(workers)]
    found = measure_in_workers(folder, COUNTS, KL_ITEMS, DOMAIN_ITEMS, shares)
    measured = sorted(found, key=lambda figures: names.index(figures.variant))
    training = json.loads((folder / "training.json").read_text("utf-8"))
    content = {"counts": COUNTS, "kl_items": KL_ITEMS, "variants": [f.as_dict() for f in measured]}
    (to / "card.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    (to / "CARD.md").write_text(render(measured, training, KL_ITEMS), "utf-8")
