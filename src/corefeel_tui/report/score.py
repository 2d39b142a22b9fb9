"""A teacher-forced result told in text.

Knows the object that `score --format json` prints; measures nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corefeel_tui.report import terminal as t
from corefeel_tui.text.numbers import MISSING, short

HEADINGS = (
    "variant", "bits", "stored", "KL mean", "median", "p99", "max", "agree", "flips", "hard",
    "perplexity", "ratio",
)  # fmt: skip


def print_score(result: dict[str, Any], session: Path | None) -> None:
    """A table over the variants, then what it takes to read it."""
    out = t.console()
    floor = result.get("floors", {}).get("F1", {}).get("kl_mean")
    rows = [_row(name, data, floor) for name, data in result["variants"].items()]
    out.print(t.table(HEADINGS, rows))
    t.small_print(
        out,
        str(result.get("model")),
        f"{result.get('positions')} positions",
        f"windows {result.get('windows')}",
        f"context {result.get('context')}",
        f"floor {short(floor)}",
        "KL in nats",
        *_in_turn(result),
        f"saved as {session}" if session else "not saved",
    )


def _in_turn(result: dict[str, Any]) -> list[str]:
    """In which way, and by how much a mean KL may be too small."""
    way = result.get("in_turn")
    if way is None:
        return []
    bounds = [data.get("kl_bound") for data in result["variants"].values()]
    means = [bound.get("mean") for bound in bounds if bound]
    told = "in turn: one model at a time" if way == "single" else "in turn: in pairs"
    if None in means:
        return [told, "some KL may be too small by any amount"]
    worst = max(means, default=0)
    return [told, f"a mean KL may be up to {short(worst)} more"] if worst else [told]


def _row(name: str, data: dict[str, Any], floor: float | None) -> list[str]:
    kl = data.get("kl") or {}
    return [
        name,
        short(data.get("bits_per_weight")),
        t.bytes_short(data.get("bytes")),
        t.above_floor(kl.get("mean"), floor),
        short(kl.get("median")),
        short(kl.get("p99")),
        short(kl.get("max")),
        t.percent(data.get("top1_agreement")),
        _count(data.get("flips")),
        _count(data.get("hard_flips")),
        short(data.get("perplexity")),
        MISSING if data.get("perplexity_ratio") is None else f"{data['perplexity_ratio']:.3f}",
    ]


def _count(number: int | None) -> str:
    return MISSING if number is None else str(number)
