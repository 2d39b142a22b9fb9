"""A variant's pass over a batch once the reference is gone: its own answers, and how it reads those
that the reference left.

Knows works, one model and stored responses; passes and their logs are `in_turn`'s.  How the
reference reads what the variant wrote is `read_back`'s to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import mlx.nn as nn
import numpy as np

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.engine.batch.asking import Asking, Question, hear, opening
from corefeel_tui.engine.batch.harvest import Arrays, Readout, evidence
from corefeel_tui.engine.batch.labels import read_labels
from corefeel_tui.engine.batch.plan import Work
from corefeel_tui.engine.batch.responses import Along, Responses, read_along
from corefeel_tui.engine.batch.runner import asks_control
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.prefill import Prefixes
from corefeel_tui.engine.sampling import Sampling
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.evidence import CONTROL, ArrayPart
from corefeel_tui.folding import Record, Run, apply

Steps = Iterator[ev.Event | None]
Runs = dict[str, list[Run]]
""""suite/id" → its samples or turns in order."""


class AloneRunner:
    """One `evaluate` command for one variant of `models`, whose reference is gone."""

    def __init__(
        self,
        command: commands.Evaluate,
        models: ModelSet,
        variant: tuple[str, nn.Module],
        batches: Sequence[Sequence[Work]],
        responses: Responses,
        own: Responses,
        pieces: PieceTexts,
        cancelled: Callable[[], bool],
    ) -> None:
        self._command = command
        self._models = models
        self._name, self._module = variant
        self._batches = batches
        self._responses = responses
        self._own = own
        self._heard: dict[str, list[ev.Event]] = {}
        self._pieces = pieces
        self._cancelled = cancelled
        self._asking = Asking(command.run, models)
        self._broken: dict[str, str] = {}
        self._done = set(command.done)

    def steps(self) -> Steps:
        """As `BatchRunner.steps`, without the plan and the end."""
        total, finished = sum(map(len, self._batches)), 0
        for number, works in enumerate(self._batches):
            if self._cancelled():
                return
            if any(work.key not in self._done for work in works):
                yield from self._batch(number, works)
            finished += len(works)
            yield ev.Progress(self._command.run, finished, total, "items")
            yield None

    def _batch(self, number: int, works: Sequence[Work]) -> Steps:
        fitting = yield from self._asking.fitting(works, self._done)
        if not fitting:
            return
        prefixes = Prefixes(max_size=8 * len(works), max_bytes=1 << 29)
        modules = self._modules_for(works)
        readouts = yield from read_labels(self._asking, fitting, modules, prefixes)
        runs: Runs = {work.key: [] for work in fitting}
        names = [self._models.reference, *modules]
        said = {work.key: opening(work, names) for work in fitting}
        stored = {work.key: self._responses.runs(work.key) for work in fitting}
        for turn in range(len(fitting[0].turns)):
            asked = self._asking.questions(fitting, said, turn, self._broken)
            record = yield from self._answer(asked, prefixes, turn)
            for work, question in asked:
                run = record.runs[question.run]
                kept = stored[work.key][question.run].reference
                run.trajectories[self._models.reference] = kept
                runs[work.key].append(run)
            if self._cancelled():
                return
            for work in fitting:
                mine = [run for run in runs[work.key] if run.started.turn == turn]
                hear(said[work.key], mine[0], work)
        missing = yield from self._read(fitting, runs, prefixes)
        if not self._cancelled():
            yield from self._keep(fitting, runs)
            yield from self._tell(number, fitting, runs, readouts, missing)

    def _keep(self, works: Sequence[Work], runs: Runs) -> Steps:
        """Store what the variant wrote, for the reference to read."""
        for work in works:
            mine = [self._heard.pop(run.started.run) for run in runs[work.key]]
            sound = self._name not in self._broken
            if sound and all(self._name in run.trajectories for run in runs[work.key]):
                yield from self._own.write(work.key, mine, self._module)

    def _modules_for(self, works: Sequence[Work]) -> dict[str, nn.Module]:
        """The variant, unless it broke; the control only where the runner would ask it."""
        asks = self._name != CONTROL or asks_control(works)
        return {self._name: self._module} if asks and self._name not in self._broken else {}

    def _answer(
        self, asked: Sequence[tuple[Work, Question]], prefixes: Prefixes, turn: int
    ) -> Generator[ev.Event | None, None, Record]:
        """What the variant says for itself."""
        record, name = Record(), self._name
        head = asked[0][0].suite.suite
        sampling = Sampling(temperature=head.temperature, seed=self._command.seed)
        for started in self._asking.started(asked, sampling, turn):
            apply(record, started)
            self._heard[started.run] = [started]
        own = [
            replace(question, prompts={name: question.prompts[name]})
            for _, question in asked
            if name in question.prompts
        ]
        if own:
            for event in compare(
                {name: self._module},
                self._models.tokenizer,
                own,
                sampling,
                self._pieces,
                prefixes,
                self._cancelled,
            ):
                if event is None:
                    yield None
                    continue
                apply(record, event)
                if (run := getattr(event, "run", None)) in self._heard:
                    self._heard[run].append(event)
                if isinstance(event, ev.Failed):
                    yield from self._fail(event.reason)
        return record

    def _fail(self, reason: str) -> Iterator[ev.Failed]:
        """The variant is asked no more; told once."""
        if self._name not in self._broken:
            self._broken[self._name] = reason
            yield ev.Failed(reason, variant=self._name)

    def _read(
        self, works: Sequence[Work], runs: Runs, prefixes: Prefixes
    ) -> Generator[ev.Event | None, None, dict[str, list[float]]]:
        """Put the variant's track beside every stored answer; key → what each run's KL can miss."""
        missing: dict[str, list[float]] = {work.key: [] for work in works}
        name, reference = self._name, self._models.reference
        for work in works:
            with self._responses.distributions(work.key) as store:
                for run in runs[work.key]:
                    if name not in run.trajectories or name in self._broken:
                        continue
                    run.trajectories[name].tracks.clear()  # without the reference beside it
                    prompt = run.started.prompt_ids[reference]
                    ids, along = run.reference.ids, Along()
                    for part in read_along(
                        self._module, prompt, ids, self._models.vocabulary, name, prefixes
                    ):
                        if part is None:
                            yield None
                        elif np.isfinite(part[0].confidence).all():
                            along.add(part[0], store, part[1])
                        else:
                            yield from self._fail(f"{name} gave no finite distribution")
                    run.reference.tracks[name] = along.track
                    missing[work.key].append(along.missing)
                    if self._cancelled():
                        return missing
        return missing

    def _tell(
        self,
        number: int,
        works: Sequence[Work],
        runs: Runs,
        readouts: dict[str, Readout],
        missing: dict[str, list[float]],
    ) -> Iterator[ev.Event]:
        arrays = Arrays()
        columns = [] if self._name == CONTROL else [self._name]
        places = {work.key: arrays.add(runs[work.key], columns) for work in works}
        name = f"{number:05}.safetensors"
        written = arrays.write(Path(str(self._command.arrays)), name) if arrays.count else None
        for work in works:
            if work.key in self._done:
                continue
            part = ArrayPart(*written, *places[work.key]) if written else None
            told = asdict(
                evidence(
                    work,
                    runs[work.key],
                    readouts[work.key],
                    self._broken,
                    part,
                    {},
                    self._pieces.text,
                )
            )
            drifts = told["drift"].get(self._name, ())
            for drift, more in zip(drifts, missing[work.key], strict=bool(drifts)):
                drift["kl_missing_sum"] = more
            self._done.add(work.key)
            yield ev.ItemFinished(self._asking.run(work), item=work.id, evidence=told)
