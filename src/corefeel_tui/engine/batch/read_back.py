"""The last pass of a batch with one model at a time: the reference, loaded again, reads what every
variant wrote.

Knows stored responses and one model; passes and their logs are `in_turn`'s.  Each KL is over the
variant's stored choices and one bin for all others, so at most what it is with both models there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

import mlx.nn as nn
import numpy as np

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.engine.batch.asking import Asking
from corefeel_tui.engine.batch.harvest import evidence
from corefeel_tui.engine.batch.plan import Work
from corefeel_tui.engine.batch.responses import Responses, columns_of, read_along, rounded
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.reference_store import ReferenceStore
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.folding import Run, Track

Steps = Iterator[ev.Event | None]


class ReadBack:
    """One `evaluate` command's answers by variant, and the reference's module to read them."""

    def __init__(
        self,
        command: commands.Evaluate,
        models: ModelSet,
        module: nn.Module,
        batches: Sequence[Sequence[Work]],
        answers: Mapping[str, Responses],
        pieces: PieceTexts,
        cancelled: Callable[[], bool],
    ) -> None:
        self._done = set(command.done)
        self._run = command.run
        self._models = models
        self._module = module
        self._works = [work for works in batches for work in works]
        self._answers = answers
        self._pieces = pieces
        self._cancelled = cancelled
        self._asking = Asking(command.run, models)

    def steps(self) -> Steps:
        """As `BatchRunner.steps`, without the plan and the end; evidence holds drift alone."""
        for finished, work in enumerate(self._works, 1):
            if self._cancelled():
                return
            if work.key not in self._done:
                yield from self._item(work)
            yield ev.Progress(self._run, finished, len(self._works), "items")
            yield None

    def _item(self, work: Work) -> Steps:
        found = {}
        for name, responses in self._answers.items():
            if not responses.holds(work.key):
                continue
            runs = list(responses.runs(work.key).values())
            with responses.distributions(work.key) as store:
                for run in runs:
                    yield from self._read(run, name, store)
            item = evidence(work, runs, {}, {}, None, {}, self._pieces.text)
            found[name] = [asdict(drift) for drift in item.own_drift[name]]
        told = {"id": work.id, "suite": work.suite.name, "status": "finished", "own_drift": found}
        told |= {name: {} for name in ("answers", "readout", "drift", "failures")}
        yield ev.ItemFinished(self._asking.run(work), item=work.id, evidence=told)

    def _read(self, run: Run, name: str, store: ReferenceStore) -> Steps:
        """Both tracks along what one variant wrote."""
        own, base = run.trajectories[name], Track()
        kl: list[float] = []
        prompts = run.started.prompt_ids
        prompt = prompts.get(name, prompts[self._models.reference])
        for part in read_along(self._module, prompt, own.ids, self._models.vocabulary):
            if part is None:
                yield None
                continue
            reference, ids = part
            kl += rounded(store.diverge(reference)["reverse_kl"])
            base.extend(columns_of(reference, ids), len(ids))
        own.tracks[self._models.reference] = base
        columns = own.tracks[name].columns
        columns["kl"] = kl
        columns["flip"] = np.not_equal(columns["argmax"], base.columns["argmax"]).tolist()
