"""What one model answered in a batch, on disk, for others that come once it is gone.

Knows a run's events and a model's distributions along its answers; asks no model anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from corefeel_tui import events as ev
from corefeel_tui.engine.batch.plan import Work
from corefeel_tui.engine.divergence import Distribution, describe, taken
from corefeel_tui.engine.prefill import Prefixes, fill
from corefeel_tui.engine.reference_store import ReferenceStore
from corefeel_tui.engine.scoring import positions_at_once
from corefeel_tui.engine.trajectories import significant
from corefeel_tui.errors import EngineError
from corefeel_tui.folding import Run, Track, fold

Steps = Iterator[ev.Event | None]

OWN = ("argmax", "entropy", "gap", "confidence")
"""Columns of a track that one distribution has by itself."""


class Responses:
    """The runs of every item of a plan as `speaker` answered them, and its distributions along all
    its answers.

    As many choices of each position are stored as there is room for if all of so many `speakers`
    have every answer cut at its limit, so that this does not depend on what was answered.
    """

    def __init__(
        self, folder: Path, works: Sequence[Work], speaker: str, speakers: int, vocabulary: int
    ) -> None:
        self._folder = folder
        self._numbers = {work.key: number for number, work in enumerate(works)}
        heads = [(work.suite.suite, len(work.turns)) for work in works]
        self._most = speakers * sum(head.samples * n * head.max_tokens for head, n in heads)
        self._speaker = speaker
        self._vocabulary = vocabulary

    def write(self, key: str, runs: Sequence[Sequence[ev.Event]], model: nn.Module) -> Steps:
        """Keep an item's runs, each as its events.  Raises EngineError where that is impossible."""
        choices = self._path(key, "choices")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._store(choices, "wb") as store:
                for events in runs:
                    (run,) = fold(events).runs.values()
                    prompts, ids = run.started.prompt_ids, run.trajectories[self._speaker].ids
                    prompt = prompts.get(self._speaker, prompts[run.started.reference])
                    for part in read_along(model, prompt, ids, self._vocabulary):
                        if part is not None:
                            store.add(part[0])
                        yield None
            lines = b"".join(ev.encode(event) for events in runs for event in events)
            self._path(key, "jsonl").write_bytes(lines)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EngineError(f"“{choices}” cannot be written: {reason}") from error

    def holds(self, key: str) -> bool:
        """Whether there is anything of that item."""
        return self._path(key, "jsonl").is_file()

    def runs(self, key: str) -> dict[str, Run]:
        """The speaker's side of an item, by the names of its runs."""
        lines = self._path(key, "jsonl").read_bytes().splitlines()
        return fold(map(ev.decode, lines)).runs

    def distributions(self, key: str) -> ReferenceStore:
        """The speaker's along an item's answers, to be met in their order."""
        return self._store(self._path(key, "choices"), "rb")

    def _store(self, path: Path, mode: Literal["rb", "wb"]) -> ReferenceStore:
        return ReferenceStore(self._most, self._vocabulary, path.open(mode))

    def _path(self, key: str, suffix: str) -> Path:
        return self._folder / f"{self._numbers[key]:06}.{suffix}"


def storing(events: Steps, responses: Responses, model: nn.Module) -> Steps:
    """The same events; what the reference said of an item is on disk before its evidence comes."""
    heard: dict[str, list[ev.Event]] = {}
    items: dict[str, list[str]] = {}
    for event in events:
        match event:
            case ev.Started():
                heard[event.run] = [event]
                items.setdefault(f"{event.suite}/{event.item}", []).append(event.run)
            case ev.ItemFinished(evidence=dict(item)) if item["status"] != "skipped":
                key = f"{item['suite']}/{item['id']}"
                yield from responses.write(key, [heard.pop(run) for run in items.pop(key)], model)
            case ev.Event() if getattr(event, "run", None) in heard:
                heard[event.run].append(event)  # type: ignore[attr-defined]
        yield event


def read_along(
    model: nn.Module,
    prompt: Sequence[int],
    ids: Sequence[int],
    vocabulary: int,
    name: str = "",
    prefixes: Prefixes | None = None,
) -> Iterator[tuple[Distribution, Sequence[int]] | None]:
    """A model's distributions where each of `ids` was taken, some at a time, and those ids; None
    wherever others may have a turn.  `prefixes` as in `fill`."""
    caches = yield from fill(name, model, prompt, prefixes)
    tokens = [prompt[-1], *ids[:-1]]
    step = positions_at_once(vocabulary)
    for start in range(0, len(ids), step):
        logits = model(mx.array([tokens[start : start + step]]), cache=caches)[0]
        yield describe(logits), ids[start : start + step]
        yield None


def columns_of(own: Distribution, ids: Sequence[int]) -> dict[str, list[Any]]:
    """What a track holds of one model by itself where `ids` were taken, rounded as in events."""
    logprob, token_rank = taken(own, ids)
    columns = {name: getattr(own, name) for name in OWN}
    columns |= {"logprob": logprob, "token_rank": token_rank}
    return {name: rounded(values) for name, values in columns.items()}


def rounded(values: np.ndarray) -> list[Any]:
    """The values; floats with the digits that events have."""
    plain: list[Any] = np.asarray(values).tolist()
    return significant(plain) if plain and isinstance(plain[0], float) else plain


class Along:
    """One variant's track along one of the reference's answers; `missing` is Σ of how much larger
    each KL can be than the stored choices show (nats)."""

    def __init__(self) -> None:
        self.track = Track()
        self.missing = 0.0

    def add(self, own: Distribution, store: ReferenceStore, ids: Sequence[int]) -> None:
        """The next positions."""
        drift = store.diverge(own)
        beside = {name: rounded(drift[name]) for name in ("kl", "rank", "flip")}
        self.track.extend(columns_of(own, ids) | beside, len(ids))
        self.missing += float(np.sum(drift.get("kl_missing", 0.0), dtype=np.float64))
