"""What a training run is: its mixtures in order, its rates, its end; knows no tensor of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from .shape import Shape


class Phase(NamedTuple):
    """From how many tokens on, which mixture, and how many tokens a step."""

    after: int
    mixture: str
    batch_tokens: int


SCHEDULE = (
    Phase(0, "short", 6144),
    Phase(6_900_000, "dense", 6144),
    Phase(9_344_598, "focus", 2048),
    Phase(15_500_000, "dense", 2048),
)
LOOKING_UP = (
    Phase(0, "lookup", 3072),
    Phase(1_600_000, "dense", 3072),
    Phase(2_900_000, "ripe", 4096),
)
JUDGING = (
    Phase(0, "bench", 4096),
    Phase(2_900_000, "boundary", 4096),
    Phase(5_230_000, "steps", 4096),
    Phase(7_130_000, "risks", 4096),
    Phase(10_030_000, "verdict", 4096),
)
WEIGHING = (
    Phase(0, "ledger", 3072),
    Phase(2_600_000, "matching", 3072),
    Phase(5_000_000, "deciding", 3072),
    Phase(8_400_000, "closing", 4096),
)
RULING = (
    Phase(0, "ruling", 3072),
    Phase(2_600_000, "binding", 3072),
    Phase(3_790_000, "comparing", 3072),
    Phase(7_200_000, "binding", 3072),
    Phase(7_636_000, "flagging", 3072),
    Phase(10_200_000, "ruled", 3072),
    Phase(11_521_000, "aloud", 3072),
    Phase(14_400_000, "bound", 3072),
    Phase(17_200_000, "settling", 4096),
    Phase(23_600_000, "mending", 4096),
)
FRAMING = (Phase(0, "framing", 4096),)
SCHEDULES = {
    "whole": SCHEDULE,
    "looking-up": LOOKING_UP,
    "judging": JUDGING,
    "weighing": WEIGHING,
    "ruling": RULING,
    "framing": FRAMING,
}


@dataclass(frozen=True)
class Plan:
    """What a run is; two runs of one plan read the same data."""

    seed: int = 1
    steps: int | None = None
    deadline: float | None = None
    decay: float = 0.3
    warmup: int = 100
    schedule: tuple[Phase, ...] = SCHEDULE
    matrix_rate: float = 0.02
    other_rate: float = 0.004
    weight_decay: float = 0.02
    checkpoint_every: float = 600.0
    probe_every: int = 500
    compiled: bool = False
    shape: Shape = field(default_factory=Shape)
    begins: str = ""


def continued(plan: Plan, model: Path) -> Plan:
    """A run that begins with an exported model's weights, at gentler rates."""
    return replace(plan, begins=str(model), matrix_rate=0.015, other_rate=0.003)


def runs(training: dict[str, Any]) -> list[dict[str, Any]]:
    """Of what an exported model records: the runs it began from, then the one that wrote it."""
    before = training.get("before")
    return [*(runs(before) if before else []), training]


def plan_of(run: dict[str, Any], begins: Path | None, compiled: bool) -> Plan:
    """The plan that does a recorded run again, from `begins` if it did not begin at random."""
    told = run["plan"]
    return Plan(
        seed=told["seed"],
        steps=run["step"],
        decay=run["decay"],
        warmup=told["warmup"],
        schedule=tuple(Phase(*phase) for phase in told["schedule"]),
        matrix_rate=told["matrix_rate"],
        other_rate=told["other_rate"],
        weight_decay=told["weight_decay"],
        compiled=compiled,
        shape=Shape(**told["shape"]),
        begins=str(begins or ""),
    )
