"""The card as a page: tables and sentences made from figures; measures nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .corpus import DOMAINS, SKILLS
from .evaluation import Figures, Share
from .plan import runs
from .world import WORLD_SEED, handbook

GOALS = {
    "judge": 0.95, "valid JSON": 0.99, "facts": 0.95, "reason": 0.90,
    "recall": 0.98, "converse": 0.90, "refuse": 0.97,
}  # fmt: skip


def render(measured: list[Figures], training: dict[str, Any], kl_items: int) -> str:
    """The whole card in Markdown."""
    template = (Path(__file__).parent / "card_template.md").read_text("utf-8")
    world = handbook()
    return template.format(
        facts=world.fact_count(),
        world_seed=WORLD_SEED,
        training=_training(training),
        goals=_goals(measured[0]),
        drift=_drift(measured),
        sensitivity=_sensitivity({figures.variant: figures for figures in measured}),
        accuracy=_accuracy(measured),
        kl=_kl(measured),
        curve=_curve(training),
        shortfalls=_shortfalls(measured[0]),
        kl_items=kl_items,
        tokens=f"{sum(run['tokens'] for run in runs(training)) / 1e6:.1f}",
        hours=f"{sum(run['seconds'] for run in runs(training)) / 3600:.1f}",
        phases=_phases(training),
    )


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: Share) -> str:
    return f"{100 * share.right / share.count:.1f}" if share.count else "–"


def _training(training: dict[str, Any]) -> str:
    done = runs(training)
    rows = [
        ["seed", *(str(run["plan"]["seed"]) for run in done)],
        ["steps", *(f"{run['step']:,}" for run in done)],
        ["tokens", *(f"{run['tokens']:,}" for run in done)],
        ["hours", *(f"{run['seconds'] / 3600:.2f}" for run in done)],
        ["share in which the rate falls", *(str(run["decay"]) for run in done)],
        ["peak rates, matrices and others", *(_rates(run["plan"]) for run in done)],
        ["whole shards read", *(str(run["position"][0]) for run in done)],
        ["SHA-256 over them", *(f"`{run['position'][2]}`" for run in done)],
    ]
    return _table(["what", *(f"run {number + 1}" for number in range(len(done)))], rows)


def _rates(plan: dict[str, Any]) -> str:
    return f"{plan['matrix_rate']} and {plan['other_rate']}"


def _phases(training: dict[str, Any]) -> str:
    rows = [
        [str(number), f"{p[0]:,}", f"`{p[1]}`", f"{p[2]:,}"]
        for number, run in enumerate(runs(training), 1)
        for p in run["plan"]["schedule"]
    ]
    return _table(["run", "from token", "mixture", "tokens a step"], rows)


def _curve(training: dict[str, Any]) -> str:
    """Loss in nats per learned token, a dozen points of each run's logged curve."""
    rows = []
    for number, run in enumerate(runs(training), 1):
        points = [p for p in run["curve"] if not any(math.isnan(p[skill]) for skill in SKILLS)]
        chosen = points[:: max(1, len(points) // 12)]
        if chosen[-1] is not points[-1]:
            chosen.append(points[-1])
        rows += [
            [str(number), f"{p['tokens'] / 1e6:.1f}", *(f"{p[skill]:.3f}" for skill in SKILLS)]
            for p in chosen
        ]
    return _table(["run", "tokens, millions", *SKILLS], rows)


def _goals(reference: Figures) -> str:
    rows = []
    for column, goal in GOALS.items():
        share = reference.accuracy[column]
        interval = f"{100 * share.low:.1f} to {100 * share.high:.1f}"
        met = "yes" if share.right >= goal * share.count else "**no**"
        rows.append([column, _percent(share), interval, f"{100 * goal:.0f}", met])
    critical = reference.critical
    rows.append(
        [
            "VETO answered APPROVE",
            f"{critical.right} of {critical.count}",
            f"< {100 * reference.critical_bound:.1f}",
            "0 of 300",
            "yes" if not critical.right else "**no**",
        ]
    )
    bits = reference.prose_bits
    rows.append(
        [
            "bits per token of held-out prose",
            f"{bits:.2f}",
            "",
            "1.5",
            "yes" if bits >= 1.5 else "**no**",
        ]
    )
    return _table(["BF16, greedy", "%", "95 % interval", "goal", "met"], rows)


def _drift(measured: list[Figures]) -> str:
    rows = [
        [
            f.variant,
            f"{f.kl_mean:.2g}",
            f"{f.kl_p99:.2g}",
            f"{100 * f.flips:.2f}",
            f"{f.critical.right} of {f.critical.count} (< {100 * f.critical_bound:.1f} %)",
            _percent(f.accuracy["valid JSON"]),
            f"{f.length_ratio:.2f}",
        ]
        for f in measured
    ]
    return _table(
        ["variant", "mean KL", "p99 KL", "flips, %", "VETO → APPROVE", "valid JSON, %", "length"],
        rows,
    )


def _sensitivity(by_name: dict[str, Figures]) -> str:
    """The three questions asked of a model worth measuring, answered from the numbers."""
    four, eight = by_name["4bit"].kl_mean, by_name["8bit"].kl_mean
    inside = "inside" if 0.01 <= four <= 0.3 else "outside"
    lines = [
        f"- 4-bit drifts by {four:.2g} nats, {inside} the 0.01 to 0.3 that small models show.",
        f"- 8-bit drifts {four / eight:.0f} times less than 4-bit.",
    ]
    reference = by_name["bf16"]
    for name in ("4bit", "3bit", "2bit"):
        lost = [skill for skill in SKILLS if _fell(reference, by_name[name], skill)]
        named = ", ".join(lost) or "no skill"
        lines.append(f"- {name} loses more than a fifth of its right answers in: {named}.")
    return "\n".join(lines)


def _fell(reference: Figures, variant: Figures, skill: str) -> bool:
    ours, theirs = variant.accuracy[skill], reference.accuracy[skill]
    return ours.right < 0.8 * theirs.right


def _accuracy(measured: list[Figures]) -> str:
    columns = [*SKILLS, "tracking", "walked", *DOMAINS]
    rows = [[f.variant, *(_percent(f.accuracy[column]) for column in columns)] for f in measured]
    return _table(["variant", *columns], rows)


def _kl(measured: list[Figures]) -> str:
    rows = [[f.variant, *(f"{f.kl_by_skill[skill]:.2g}" for skill in SKILLS)] for f in measured]
    return _table(["variant", *SKILLS], rows)


def _shortfalls(reference: Figures) -> str:
    """One line per goal that was missed."""
    lines = []
    for column, goal in GOALS.items():
        share = reference.accuracy[column]
        if share.right < goal * share.count:
            met = f"{_percent(share)} % of {share.count} items"
            lines.append(f"- {column}: {met}, goal {100 * goal:.0f} %.")
    return "\n".join(lines) or "Every goal above was met."
