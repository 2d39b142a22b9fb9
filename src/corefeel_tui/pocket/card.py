"""Measures the shipped weights by the batch evaluation and writes CARD.md and card.json."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import weights_path
from .card_page import render
from .card_run import evaluate, write_suites
from .evaluation import Figures, cases, figures_of

COUNTS = {
    "judge": 300, "facts": 300, "describe": 60, "reason": 120,
    "recall": 80, "converse": 24, "refuse": 150, "vetoes": 300, "walked": 120,
}  # fmt: skip
REFERENCE = "bf16"
VARIANTS = ("8bit", "6bit", "5bit", "4bit", "3bit", "2bit", "mxfp4", "4bit+kv4")
KL_ITEMS = 20
DOMAIN_ITEMS = 60


def measure(
    weights: Path,
    counts: dict[str, int],
    kl_items: int,
    domain_items: int,
    shares: list[list[str]],
    folder: Path,
) -> list[Figures]:
    """Figures of the reference and of every variant; each share of them is one run in `folder`."""
    chosen = cases(counts, domain_items)
    suites = write_suites(chosen, folder)
    runs = evaluate(weights, suites, shares, folder)
    reference = figures_of(runs[0], REFERENCE, chosen, kl_items)
    prose: Any = importlib.import_module("corefeel_tui.engine.pocket_prose")
    told = [item for item in chosen["describe"] if not item.rule.startswith("explain")]
    reference.prose_bits = prose.bits_per_token(weights, [item.messages for item in told])
    return [
        reference,
        *(
            figures_of(run, variant, chosen, kl_items)
            for run, share in zip(runs, shares, strict=True)
            for variant in share
        ),
    ]


def write_card(weights: Path | None = None, to: Path | None = None, workers: int = 1) -> None:
    """Measure the weights; write CARD.md and card.json beside this module."""
    weights, to = weights or weights_path(), to or Path(__file__).parent
    shares = [list(VARIANTS[worker::workers]) for worker in range(workers)]
    with TemporaryDirectory() as folder:
        found = measure(weights, COUNTS, KL_ITEMS, DOMAIN_ITEMS, shares, Path(folder))
    names = [REFERENCE, *VARIANTS]
    measured = sorted(found, key=lambda figures: names.index(figures.variant))
    training = json.loads((weights / "training.json").read_text("utf-8"))
    content = {"counts": COUNTS, "kl_items": KL_ITEMS, "variants": [f.as_dict() for f in measured]}
    (to / "card.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    (to / "CARD.md").write_text(render(measured, training, KL_ITEMS), "utf-8")
