"""Runs a plan: answers, readouts and evidence of one batch after the other, as events.

Knows loaded models and works; neither queue nor session.  A batch is always computed whole, so
that a resumed run has the same shapes; only what is not recorded yet is told.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import mlx.nn as nn

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.early import Glance, Watch, glances
from corefeel_tui.engine import memory
from corefeel_tui.engine.batch.asking import Asking, Question, hear, opening
from corefeel_tui.engine.batch.harvest import Arrays, Readout, evidence
from corefeel_tui.engine.batch.labels import read_labels
from corefeel_tui.engine.batch.plan import Work, describe, make_batches
from corefeel_tui.engine.compare import compare
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.noise import with_roundoff
from corefeel_tui.engine.prefill import Prefixes
from corefeel_tui.engine.sampling import Sampling
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.evidence import CONTROL, FLOOR, ArrayPart, SuitePlan
from corefeel_tui.folding import Record, Run, apply
from corefeel_tui.suites import Suite

F2, F3 = f"{FLOOR}F2", f"{FLOOR}F3"

FLOOR_ITEMS = 24
"""So many items of a suite are also answered by the reference under one roundoff of noise."""

CONTROL_ITEMS = 48
"""So many items of a suite are also answered by the control, which rambles to the token limit; if
these do not show that it fails, more would not."""

ASKED = ("suites", "limit", "quick", "stop_collapsed", "answers")
"""What a batch must be asked for again to make the same plan."""

Steps = Iterator[ev.Event | None]


def asks_control(works: Sequence[Work]) -> bool:
    """Whether the control answers this batch: a suite's first items, if there is a verdict."""
    return works[0].suite.verdict is not None and works[0].number < CONTROL_ITEMS


class BatchRunner:
    """One `evaluate` command."""

    def __init__(
        self,
        command: commands.Evaluate,
        models: ModelSet,
        control: nn.Module | None,
        suites: Sequence[Suite],
        pieces: PieceTexts,
        cancelled: Callable[[], bool],
    ) -> None:
        self.command = command
        self.models = models
        self.suites = suites
        self.pieces = pieces
        self.cancelled = cancelled
        self.modules: dict[str, nn.Module] = {n: m.model for n, m in models.models.items()}
        self.control = control
        self.noisy = with_roundoff(self.modules[models.reference])
        self.asking = Asking(command.run, models)
        self.broken: dict[str, str] = {}
        self.batches = make_batches(suites, command.limit, command.answers)
        self.done = set(command.done)
        self.plans = {suite.name: self._describe(suite) for suite in suites}
        self.watch = Watch(models.reference, command.stop_collapsed)
        self.seen = {
            key: {name: Glance(**counts) for name, counts in own.items()}
            for key, own in command.glances.items()
        }

    def steps(self) -> Steps:
        """Every event of the batch, the plan first, `item_finished` of the whole last."""
        yield self._planned()
        total = sum(map(len, self.batches))
        finished = 0
        for number, works in enumerate(self.batches):
            if self.cancelled():
                break
            if any(work.key not in self.done for work in works):
                yield from self._batch(number, works)
                memory.release()
            yield from self._stop_early(works)
            finished += len(works)
            yield ev.Progress(self.command.run, finished, total, "items")
            yield None
        status = "finished" if finished == total else "cancelled"
        yield ev.ItemFinished(self.command.run, status)

    def _planned(self) -> ev.Planned:
        return ev.Planned(
            items=sum(map(len, self.batches)),
            suites=[asdict(plan) for plan in self.plans.values()],
            control=CONTROL if self.control is not None else None,
            seed=self.command.seed,
            run=self.command.run,
            asked={name: getattr(self.command, name) for name in ASKED},
        )

    def _describe(self, suite: Suite) -> SuitePlan:
        works = (work for batch in self.batches for work in batch)
        return describe(suite, sum(work.suite is suite for work in works), self.command.quick)

    def _stop_early(self, works: Sequence[Work]) -> Iterator[ev.VariantStopped]:
        """Let go of variants of which enough is known, if that is wanted at all."""
        for work in works:
            if work.key in self.seen:
                self.watch.add(self.plans[work.suite.name], self.seen.pop(work.key))
        for stop in self.watch.stops():
            yield ev.VariantStopped(self.command.run, **asdict(stop))

    def _batch(self, number: int, works: Sequence[Work]) -> Steps:
        modules = self._modules_for(works)
        prefixes = Prefixes(max_size=4 * len(works) * len(modules), max_bytes=1 << 29)
        fitting = yield from self.asking.fitting(works, self.done)
        if not fitting:
            return
        readouts = yield from read_labels(self.asking, fitting, modules, prefixes)
        record = Record()
        runs: dict[str, list[Run]] = {work.key: [] for work in fitting}
        said = {work.key: opening(work, modules) for work in fitting}
        for turn in range(len(fitting[0].turns)):
            asked = self.asking.questions(fitting, said, turn, self.broken)
            yield from self._answer(asked, modules, prefixes, record, turn)
            if self.cancelled():
                return
            for work in fitting:
                mine = [record.runs[q.run] for w, q in asked if w is work]
                runs[work.key] += mine
                hear(said[work.key], mine[0], work)
            modules = {n: m for n, m in modules.items() if n not in self.broken}
        others = yield from self._other_seed(fitting, modules)
        if not self.cancelled():
            yield from self._tell(number, fitting, runs, readouts, others)

    def _modules_for(self, works: Sequence[Work]) -> dict[str, nn.Module]:
        """Everybody; a suite's first items also a floor and, if there is a verdict, the control."""
        modules, first = dict(self.modules), works[0].number
        if self.control is not None and asks_control(works):
            modules[CONTROL] = self.control
        if first < FLOOR_ITEMS:
            modules[F2] = self.noisy
        suite = works[0].suite.name
        return {
            name: module
            for name, module in modules.items()
            if name not in self.broken and not self.watch.has_stopped(name, suite)
        }

    # --- answers ----------------------------------------------------------------------------

    def _answer(
        self,
        asked: Sequence[tuple[Work, Question]],
        modules: Mapping[str, nn.Module],
        prefixes: Prefixes,
        record: Record,
        turn: int,
    ) -> Steps:
        """Answer all questions side by side; events of unrecorded items pass on."""
        works = {question.run: work for work, question in asked}
        head = asked[0][0].suite.suite
        sampling = Sampling(temperature=head.temperature, seed=self.command.seed)
        for started in self.asking.started(asked, sampling, turn):
            apply(record, started)
            if works[started.run].key not in self.done:
                yield started
        stream = compare(
            dict(modules),
            self.models.tokenizer,
            [question for _, question in asked],
            sampling,
            self.pieces,
            prefixes,
            self.cancelled,
        )
        for event in stream:
            if event is None:
                yield None
                continue
            apply(record, event)
            if isinstance(event, ev.Failed) and event.variant:
                self.broken.setdefault(event.variant, event.reason)
            run = getattr(event, "run", None)
            if run is None or works[run].key not in self.done:
                yield event

    def _other_seed(
        self, works: Sequence[Work], modules: Mapping[str, nn.Module]
    ) -> Generator[None, None, dict[str, list[Run]]]:
        """Floor F3: key → the reference's samples under another seed, where a suite samples."""
        head, reference = works[0].suite.suite, self.models.reference
        if head.temperature == 0 or works[0].number >= FLOOR_ITEMS or len(works[0].turns) > 1:
            return {}
        said = {work.key: opening(work, {reference: modules[reference]}) for work in works}
        asked = self.asking.questions(works, said, 0, self.broken)
        sampling = Sampling(temperature=head.temperature, seed=self.command.seed + 1)
        record = Record()
        for started in self.asking.started(asked, sampling, 0):
            apply(record, started)
        stream = compare(
            {reference: modules[reference]},
            self.models.tokenizer,
            [question for _, question in asked],
            sampling,
            PieceTexts(self.models.tokenizer),
            cancelled=self.cancelled,
        )
        for event in stream:
            if event is None:
                yield None
            else:
                apply(record, event)
        return {w.key: [record.runs[q.run] for x, q in asked if x is w] for w in works}

    def _tell(
        self,
        number: int,
        works: Sequence[Work],
        runs: Mapping[str, list[Run]],
        readouts: Mapping[str, Readout],
        others: Mapping[str, list[Run]],
    ) -> Iterator[ev.Event]:
        arrays = Arrays()
        variants = [name for name in self.modules if name != self.models.reference]
        places = {work.key: arrays.add(runs[work.key], variants) for work in works}
        written = None
        if self.command.arrays and arrays.count:
            written = arrays.write(Path(self.command.arrays), f"{number:05}.safetensors")
        for work in works:
            if work.key in self.done:
                continue
            plan = self.plans[work.suite.name]
            part = ArrayPart(*written, *places[work.key]) if written else None
            item = evidence(
                work,
                runs[work.key],
                readouts[work.key],
                self.broken,
                part,
                {F3: others[work.key]} if work.key in others else {},
                self.pieces.text,
            )
            self.done.add(work.key)
            if self.command.stop_collapsed or plan.sequential:
                self.seen[work.key] = glances(item, plan, self.models.reference)
            told = asdict(item)
            yield ev.ItemFinished(self.asking.run(work), item=work.id, evidence=told)
