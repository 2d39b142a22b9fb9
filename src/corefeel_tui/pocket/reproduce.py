"""Every run behind a model's weights once more, in order; knows plans and folders, no tensor."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from . import SUMS
from .export import export_run
from .plan import plan_of, runs
from .trainer import train_run
from .workers import run_workers


def reproduce(
    weights: Path,
    folder: Path,
    workers: int,
    threads: int,
    compiled: bool,
    say: Callable[[str], None],
) -> Path:
    """Train and export every run of `weights` under `folder`; the last one's exported model.

    A run that was interrupted is gone on with, one that was exported is not trained again.  All
    runs read the tokenizer of `weights`.
    """
    training = json.loads((weights / "training.json").read_text("utf-8"))
    exported: Path | None = None
    for number, run in enumerate(runs(training), 1):
        plan = plan_of(run, exported, compiled)
        exported = folder / f"model{number}"
        if (exported / SUMS).exists():
            continue
        say(f"run {number}: {plan.steps:,} steps")
        one = folder / f"run{number}"
        run_workers(workers, train_run, plan, copied_tokenizer(weights, one), one, threads)
        export_run(one, exported)
    assert exported is not None
    return exported


def copied_tokenizer(model: Path, folder: Path) -> Path:
    """A model's tokenizer in a run's folder; its file."""
    path = folder / "tokenizer" / "tokenizer.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(model / name, path.parent / name)
    return path
