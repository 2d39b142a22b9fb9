"""Events in, a record of what they told out: the one fold behind screen, report and gate.

Pure: no clock, no file, no model.  `fold` replays a whole session; `apply` advances a record by
one event, for a screen that lives with the stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui.costs import retold

COLUMNS = (
    "kl",
    "argmax",
    "rank",
    "token_rank",
    "logprob",
    "entropy",
    "gap",
    "confidence",
    "flip",
)
"""Per-position scores of one model on one trajectory; missing values are None."""


@dataclass(slots=True)
class Track:
    """One model's scores along one trajectory; every list has one value per scored position."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    top_ids: list[list[int] | None] = field(default_factory=list)
    top_logprob: list[list[float] | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.top_ids)

    def extend(self, scores: dict[str, Any], count: int) -> None:
        """Append `count` positions of a `tokens` event's scores."""
        for name in COLUMNS:
            self.columns[name] += scores.get(name) or [None] * count
        top = scores.get("top")
        self.top_ids += top["ids"] if top else [None] * count
        self.top_logprob += top["logprob"] if top else [None] * count

    def extend_from(self, other: Track, start: int, stop: int) -> None:
        """Append positions `start`…`stop` of another track."""
        for name in COLUMNS:
            self.columns[name] += other.columns[name][start:stop]
        self.top_ids += other.top_ids[start:stop]
        self.top_logprob += other.top_logprob[start:stop]


@dataclass(slots=True)
class Trajectory:
    """One model's answer, with every model that scored it."""

    name: str
    ids: list[int] = field(default_factory=list)
    tracks: dict[str, Track] = field(default_factory=dict)
    text: str | None = None
    reason: str | None = None
    verdict: ev.Verdict | None = None
    fork: int | None = None
    """First position where this answer differs from the reference's; None while they agree."""
    thinking: ev.Thought | None = None

    @property
    def thought(self) -> range | None:
        """Positions of the thinking part, up to the end while it goes on; None without one."""
        if self.thinking is None:
            return None
        stop = self.thinking.stop
        return range(self.thinking.start, len(self.ids) if stop is None else stop)


@dataclass(slots=True)
class Run:
    """One comparison: the question and an answer per model."""

    started: ev.Started
    trajectories: dict[str, Trajectory] = field(default_factory=dict)
    forks: list[ev.Fork] = field(default_factory=list)
    failures: list[ev.Failed] = field(default_factory=list)
    finished: ev.ItemFinished | None = None
    loaded: ev.Loaded | None = None
    """The models that answered."""

    @property
    def reference(self) -> Trajectory:
        """The reference's own answer."""
        return self.trajectories[self.started.reference]


@dataclass(slots=True)
class Record:
    """Everything a stream of events has told so far."""

    pieces: dict[int, str] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    loaded: ev.Loaded | None = None
    timed: dict[str, ev.JSON] = field(default_factory=dict)
    engine: ev.EngineStarted | None = None
    died: ev.EngineDied | None = None
    loading: dict[str, ev.Loading] = field(default_factory=dict)
    status: ev.Status | None = None
    notices: list[ev.Notice] = field(default_factory=list)
    failures: list[ev.Failed] = field(default_factory=list)
    scored: dict[str, ev.JSON] = field(default_factory=dict)
    healed: dict[tuple[str, str], ev.Healed] = field(default_factory=dict)
    """What the forks of (run, variant) were."""
    ending: str | None = None

    @property
    def variants(self) -> list[ev.JSON]:
        """Descriptions of the models that answer, with their speeds as taken last."""
        return retold(self.loaded.variants, self.timed) if self.loaded else []

    def text(self, ids: Iterable[int]) -> str:
        """Pieces joined; an id whose piece never came shows as ⟨id⟩."""
        return "".join(self.pieces.get(i, f"⟨{i}⟩") for i in ids)


def fold(events: Iterable[ev.Event]) -> Record:
    """The record of a whole stream."""
    record = Record()
    for event in events:
        apply(record, event)
    return record


def apply(record: Record, event: ev.Event) -> None:
    """Advance `record` by one event.  Events of runs that never started are ignored."""
    match event:
        case ev.Tokens():
            _add_tokens(record, event)
        case ev.Pieces():
            record.pieces.update((int(i), text) for i, text in event.texts.items())
        case ev.Started():
            names = {name: Trajectory(name) for name in event.variants}
            record.runs[event.run] = Run(event, names, loaded=record.loaded)
        case ev.Fork() | ev.Verdict() | ev.Thought() | ev.TrajectoryFinished() | ev.ItemFinished():
            _add_to_run(record, event)
        case ev.Failed():
            run = record.runs.get(event.run or "")
            (run.failures if run else record.failures).append(event)
        case ev.Scored():
            record.scored[event.run] = event.result
        case ev.Healed():
            record.healed[event.of, event.variant] = event
        case ev.SessionFinished():
            record.ending = event.status
        case _:
            _add_engine_life(record, event)


def _add_engine_life(record: Record, event: ev.Event) -> None:
    match event:
        case ev.EngineStarted():
            record.engine, record.died, record.loading = event, None, {}
        case ev.Loading():
            record.loading[event.variant] = event
        case ev.Loaded():
            record.loaded, record.loading, record.timed = event, {}, {}
        case ev.Timed():
            record.timed = event.variants
        case ev.EngineDied():
            record.died = event
        case ev.Status():
            record.status = event
        case ev.Notice():
            record.notices.append(event)


def _add_to_run(
    record: Record,
    event: ev.Fork | ev.Verdict | ev.Thought | ev.TrajectoryFinished | ev.ItemFinished,
) -> None:
    run = record.runs.get(event.run)
    if run is None:
        return
    match event:
        case ev.Fork():
            run.forks.append(event)
            for group in event.groups:
                for name in group:
                    _mark_fork(run, name, group, event.position)
        case ev.Thought(trajectory=name) if name in run.trajectories:
            run.trajectories[name].thinking = event
        case ev.Verdict(trajectory=name) if name in run.trajectories:
            run.trajectories[name].verdict = event
        case ev.TrajectoryFinished(trajectory=name) if name in run.trajectories:
            run.trajectories[name].text = event.text
            run.trajectories[name].reason = event.reason
        case ev.ItemFinished():
            run.finished = event


def _mark_fork(run: Run, name: str, group: list[str], position: int) -> None:
    trajectory = run.trajectories.get(name)
    if trajectory and trajectory.fork is None and run.started.reference not in group:
        trajectory.fork = position


def _add_tokens(record: Record, event: ev.Tokens) -> None:
    run = record.runs.get(event.run)
    trajectory = run.trajectories.get(event.trajectory) if run else None
    if run is None or trajectory is None or event.start != len(trajectory.ids):
        return
    trajectory.ids += event.ids
    stop = event.start + len(event.ids)
    if event.scores is not None:
        for model, scores in event.scores.items():
            trajectory.tracks.setdefault(model, Track()).extend(scores, len(event.ids))
    elif event.same_as in run.trajectories:
        source = run.trajectories[event.same_as]
        for model in (run.started.reference, trajectory.name):
            if model in source.tracks:
                track = trajectory.tracks.setdefault(model, Track())
                track.extend_from(source.tracks[model], event.start, stop)
