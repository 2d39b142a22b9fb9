"""Runs → evidence: what one item's answers and their scores leave behind.

Knows folded runs and the evidence contract; no model and no suite file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from corefeel_tui.engine.batch.plan import Work
from corefeel_tui.evidence import Answer, ArrayPart, Drift, ItemEvidence
from corefeel_tui.folding import Run, Track
from corefeel_tui.role_drift import drift_by_role
from corefeel_tui.roles import LABELS, roles_of
from corefeel_tui.summaries import hard_flip

EDGES = (0.25, 0.5, 0.75, 0.95)
"""Between the buckets of reference confidence (METRICS §1)."""

Readout = dict[str, dict[str, float | None]]


@dataclass(slots=True)
class Arrays:
    """KL of every position of a batch's reference answers, by variant."""

    columns: dict[str, list[float]] = field(default_factory=dict)
    count: int = 0

    def add(self, runs: Sequence[Run], variants: Sequence[str]) -> tuple[int, int]:
        """Append the positions of some runs; where they begin and how many they are."""
        start = self.count
        for run in runs:
            tracks = run.reference.tracks
            length = len(run.reference.ids)
            for variant in variants:
                values = tracks[variant].columns["kl"] if variant in tracks else []
                padded = [*values, *[float("nan")] * (length - len(values))]
                self.columns.setdefault(variant, [float("nan")] * start).extend(padded)
            self.count += length
        return start, self.count - start

    def write(self, directory: Path, name: str) -> tuple[str, str]:
        """File name and SHA-256 of the written columns; complete or not there at all."""
        tensors = {f"kl/{v}": np.array(x, np.float32) for v, x in self.columns.items()}
        data = save(tensors)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = directory / f"{name}.partial"
        partial.write_bytes(data)
        partial.replace(directory / name)
        return name, hashlib.sha256(data).hexdigest()


def evidence(
    work: Work,
    runs: Sequence[Run],
    readout: Readout,
    failures: Mapping[str, str],
    part: ArrayPart | None,
    floors: Mapping[str, Sequence[Run]],
    text: Callable[[int], str],
) -> ItemEvidence:
    """What the item leaves behind; `runs` are its samples or turns in order.

    `floors` holds the reference's runs under pseudo variants such as another seed; `text` gives a
    token's.
    """
    reference = runs[0].started.reference
    names = [name for name in runs[0].started.variants if name not in failures]
    sampled = work.suite.suite.samples > 1
    drifts = _Drifts(work, runs, sampled, text)
    return ItemEvidence(
        id=work.id,
        suite=work.suite.name,
        prompt=work.item.first_prompt,
        expected=work.item.expected,
        domain=work.item.domain,
        tags=work.item.tags,
        group={**work.item.group, **_history(work)},
        checks=tuple(check.as_evidence for check in work.item.checks),
        answers={
            **{name: _answers(runs, name, sampled, drifts) for name in names},
            **{floor: _answers(own, reference, sampled, None) for floor, own in floors.items()},
        },
        readout=readout,
        drift={name: drifts.of(name, reference) for name in names},
        own_drift={name: drifts.of(name, name) for name in names if name != reference},
        failures=dict(failures),
        arrays=part,
    )


def _history(work: Work) -> dict[str, str | int | float]:
    return {"history": work.history} if len(work.turns) > 1 else {}


def _answers(
    runs: Sequence[Run], name: str, sampled: bool, drifts: _Drifts | None
) -> tuple[Answer, ...]:
    found = []
    for number, run in enumerate(runs):
        own = run.trajectories[name]
        text = own.text or ""
        found.append(
            Answer(
                text=text,
                reason=own.reason or "cancelled",
                tokens=len(own.ids),
                thinking_tokens=drifts.thinking(number, name) if drifts else 0,
                label=own.verdict.label if own.verdict else None,
                turn=0 if sampled else number,
                sample=number if sampled else 0,
            )
        )
    return tuple(found)


class _Drifts:
    """The drifts of one item's runs; the roles of an answer's tokens are found once."""

    def __init__(
        self, work: Work, runs: Sequence[Run], sampled: bool, text: Callable[[int], str]
    ) -> None:
        self._runs, self._sampled, self._text = runs, sampled, text
        self._labels = work.suite.suite.labels or LABELS
        checks = (check.as_evidence for check in work.item.checks)
        self._needles = [check.value for check in checks if check.kind == "needle"]
        self._roles: dict[tuple[int, str], list[str]] = {}

    def of(self, name: str, trajectory: str) -> tuple[Drift, ...]:
        """How far `name` was from the reference on everybody's or its own answers."""
        found = []
        for number, run in enumerate(self._runs):
            tracks = run.trajectories[trajectory].tracks
            if name in tracks and len(tracks[name]):
                base = tracks[run.started.reference]
                turn = 0 if self._sampled else number
                found.append(_drift(tracks[name], base, turn, self._of_tokens(number, trajectory)))
        return tuple(found)

    def thinking(self, number: int, trajectory: str) -> int:
        """How many tokens of an answer are thinking."""
        if "think>" not in (self._runs[number].trajectories[trajectory].text or ""):
            return 0
        return self._of_tokens(number, trajectory).count("thinking")

    def _of_tokens(self, number: int, trajectory: str) -> list[str]:
        key = (number, trajectory)
        if key not in self._roles:
            pieces = [self._text(i) for i in self._runs[number].trajectories[trajectory].ids]
            self._roles[key] = roles_of(pieces, self._labels, self._needles)
        return self._roles[key]


def _drift(own: Track, base: Track, turn: int, roles: Sequence[str]) -> Drift:
    count = min(len(own), len(base))
    kl = np.array(own.columns["kl"][:count], np.float64)
    confidence = np.array(base.columns["confidence"][:count], np.float64)
    bucket = np.searchsorted(EDGES, confidence, side="right")
    flips = [i for i in range(count) if own.columns["flip"][i]]
    taken = np.array(own.columns["logprob"][:count], np.float64)
    moved = np.exp(taken) - np.exp(np.array(base.columns["logprob"][:count], np.float64))
    entropy = np.array(own.columns["entropy"][:count], np.float64)
    return Drift(
        positions=count,
        kl_sum=float(kl.sum()),
        flips=len(flips),
        hard_flips=sum(hard_flip(base, i) for i in flips),
        buckets=tuple(
            (int((bucket == b).sum()), float(kl[bucket == b].sum())) for b in range(len(EDGES) + 1)
        ),
        entropy_shift_sum=float((entropy - np.array(base.columns["entropy"][:count])).sum()),
        delta_p_square_sum=float((moved**2).sum()),
        nll_sum=float(-taken.sum()),
        roles={
            role: (one.positions, one.kl_sum, one.flips)
            for role, one in drift_by_role(roles, own).items()
        },
        turn=turn,
    )
