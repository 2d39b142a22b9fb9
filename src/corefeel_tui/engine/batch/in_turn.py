"""A batch whose variants do not fit side by side: one pass per variant, each beside the reference,
or, where not even two models fit, each alone after a pass of the reference's.

Knows passes and how what they leave is put together; answering and harvesting are `runner`'s.  A
pass writes what every item left into a log of its own, so that a killed run goes on where it was;
an item is told once all passes have it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from corefeel_tui import commands
from corefeel_tui import events as ev
from corefeel_tui.engine import memory
from corefeel_tui.engine.batch.alone import AloneRunner
from corefeel_tui.engine.batch.harvest import Arrays
from corefeel_tui.engine.batch.pass_log import Items, PassLog
from corefeel_tui.engine.batch.plan import Work, make_batches
from corefeel_tui.engine.batch.read_back import ReadBack
from corefeel_tui.engine.batch.responses import Responses, storing
from corefeel_tui.engine.batch.runner import BatchRunner, asks_control
from corefeel_tui.engine.control import make_control
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.trajectories import PieceTexts
from corefeel_tui.engine.turns import PAIRS, SINGLE
from corefeel_tui.errors import CorefeelError, EngineError, UsageError
from corefeel_tui.evidence import CONTROL
from corefeel_tui.suites import Suite
from corefeel_tui.variants import VariantSpec

MERGED = ("answers", "readout", "drift", "own_drift", "failures")
"""Parts of an item's evidence that are by model."""
FOLDER = "in-turn"
READ_BACK = "read back"
"""The pass in which the reference reads what variants wrote alone."""


class PassRunner:
    """One `evaluate` command on a set whose variants come in turn."""

    def __init__(
        self,
        command: commands.Evaluate,
        models: ModelSet,
        suites: Sequence[Suite],
        pieces: PieceTexts,
        cancelled: Callable[[], bool],
    ) -> None:
        """Raises UsageError where that cannot be done."""
        self._directory = _folder(command, models)
        self._command = command
        self._models = models
        self._suites = suites
        self._pieces = pieces
        self._cancelled = cancelled
        self._batches = make_batches(suites, command.limit, command.answers)
        works = [work for batch in self._batches for work in batch]
        self._keys = {work.key for work in works}
        turns = models.turns
        assert turns is not None
        self._turns = turns
        control = [CONTROL] if command.control else []
        names = [models.reference, *models.waiting, *control]
        self._answers = {
            name: Responses(
                self._directory / f"answers-{number}", works, name, len(names), models.vocabulary
            )
            for number, name in enumerate(names)
        }

    def steps(self) -> Iterator[ev.Event | None]:
        """As `BatchRunner.steps`, items last."""
        single = self._turns.way == SINGLE
        passes: list[VariantSpec | str] = [self._models.reference] if single else []
        passes += self._turns.waiting
        passes += [CONTROL] if self._command.control else []
        passes += [READ_BACK] if single else []
        told, found, made = False, [], 0
        for number, who in enumerate(passes):
            log = PassLog(self._directory, number)
            missing = self._keys - log.items.keys() - self._needless(who)
            if missing or not told:
                try:
                    yield from self._pass(number, len(passes), who, log, told)
                except CorefeelError as error:
                    if isinstance(who, str):
                        raise
                    yield ev.Failed(str(error), variant=who.name)
                    continue
            told = True
            if self._cancelled():
                yield ev.ItemFinished(self._command.run, "cancelled")
                return
            found.append(log.items)
            made += not isinstance(who, str)
            memory.release()
        if not made:
            raise EngineError("no variant could be made; load fewer or smaller ones")
        yield from self._tell(found)
        shutil.rmtree(self._directory, ignore_errors=True)
        yield ev.ItemFinished(self._command.run, "finished")

    def _needless(self, who: VariantSpec | str) -> set[str]:
        """Items a pass leaves alone: those told already, and those the control is not asked."""
        spared = [works for works in self._batches if who == CONTROL and not asks_control(works)]
        return {*self._command.done, *(work.key for works in spared for work in works)}

    def _pass(
        self, number: int, count: int, who: VariantSpec | str, log: PassLog, told: bool
    ) -> Iterator[ev.Event | None]:
        """One model, beside the reference or alone."""
        command = replace(
            self._command,
            arrays=str(self._directory / str(number)),
            done=[*self._needless(who), *log.items],
        )
        for event in self._run(command, who):
            match event:
                case ev.Planned() if not told:
                    yield replace(event, control=CONTROL if self._command.control else None)
                case ev.Progress(done=done, total=total):
                    before = number * total
                    yield ev.Progress(self._command.run, before + done, count * total, "items")
                case ev.ItemFinished(evidence=dict(item)):
                    log.add(item)
                case None | ev.Failed():
                    yield event

    def _run(self, command: commands.Evaluate, who: VariantSpec | str) -> Iterator[ev.Event | None]:
        """Everything that one pass tells."""
        models, turns = self._models, self._turns
        wanted = bool(self._keys - set(command.done))
        if turns.way == SINGLE and who != models.reference:
            return self._alone(command, who) if wanted else iter(())
        together = dict(models.models)
        if not isinstance(who, str) and wanted:
            together[who.name] = turns.make(who)
        control = make_control(models) if who == CONTROL else None
        pair = replace(models, models=together, turns=None)
        runner = BatchRunner(command, pair, control, self._suites, self._pieces, self._cancelled)
        if turns.way == PAIRS:
            return runner.steps()
        answers = self._answers[models.reference]
        return storing(runner.steps(), answers, runner.modules[models.reference])

    def _alone(
        self, command: commands.Evaluate, who: VariantSpec | str
    ) -> Iterator[ev.Event | None]:
        """One variant, the control, or last the reference again, once the first has made room."""
        models, turns = self._models, self._turns
        if not turns.gave_up_reference:
            turns.give_up_reference()
        if who == READ_BACK:
            reference = turns.reference_again().model
            others = {n: own for n, own in self._answers.items() if n != models.reference}
            return ReadBack(
                command, models, reference, self._batches, others, self._pieces, self._cancelled
            ).steps()
        if isinstance(who, str):
            variant = CONTROL, make_control(models)
        else:
            variant = who.name, turns.make(who).model
        return AloneRunner(
            command,
            models,
            variant,
            self._batches,
            self._answers[models.reference],
            self._answers[variant[0]],
            self._pieces,
            self._cancelled,
        ).steps()

    def _tell(self, passes: Sequence[Items]) -> Iterator[ev.Event]:
        """Every item that is not told yet, with what all passes left of it."""
        order = [self._models.reference, *self._models.waiting, CONTROL]
        for works in self._batches:
            left = [w for w in works if w.key not in self._command.done]
            parts = [[items[w.key] for items in passes if w.key in items] for w in left]
            written = self._arrays([own for item in parts for own in item]) if left else None
            for work, own in zip(left, parts, strict=True):
                item = merged(work, own, order, self._models.reference)
                if written and item.get("arrays"):
                    item["arrays"] |= dict(zip(("file", "sha256"), written, strict=True))
                run = f"{self._command.run}:{work.key}"
                yield ev.ItemFinished(run, item=work.id, evidence=item)

    def _arrays(self, items: Sequence[ev.JSON]) -> tuple[str, str] | None:
        """The positions of one batch from all passes, in one file."""
        parts = [item["arrays"] for item in items if item.get("arrays")]
        if not parts:
            return None
        name, arrays = parts[0]["file"], Arrays()
        for path in sorted(self._directory.glob(f"*/{name}")):
            for key, values in load_file(path).items():
                arrays.columns[key.removeprefix("kl/")] = values.tolist()
        return arrays.write(Path(str(self._command.arrays)), name)


def merged(work: Work, parts: Sequence[ev.JSON], order: Sequence[str], reference: str) -> ev.JSON:
    """One item's evidence out of all passes'.

    Raises EngineError where the reference's answer was not the same in each, since then the
    variants were not measured on one text.
    """
    item: dict[str, Any] = dict(parts[0])
    if item.get("status") == "skipped":
        return item
    for other in parts[1:]:
        answers = other["answers"]
        if answers and answers.get(reference) != item["answers"].get(reference):
            raise EngineError(
                f"{work.key}: the reference answered differently beside another variant, so the "
                "variants cannot be put side by side; evaluate fewer at once"
            )
    for name in MERGED:
        values = {model: own for part in parts for model, own in part[name].items()}
        item[name] = {model: values[model] for model in sorted(values, key=_place(order))}
    return item


def _place(order: Sequence[str]) -> Callable[[str], int]:
    """Where a model stands; floors behind all others."""
    places: Mapping[str, int] = {name: at for at, name in enumerate(order)}
    return lambda name: places.get(name, len(places))


def _folder(command: commands.Evaluate, models: ModelSet) -> Path:
    """Where passes write, emptied of what another plan left."""
    if command.stop_collapsed or command.quick:
        raise UsageError(
            "--stop-collapsed and --quick compare all variants as they go, and in turn they are "
            "not loaded together; leave them out or name fewer variants"
        )
    if command.arrays is None:
        raise UsageError("a set that runs in turn needs a session to write to")
    folder = Path(command.arrays) / FOLDER
    way = models.turns.way if models.turns else None
    asked = [command.suites, command.limit, command.seed, command.control, command.answers]
    plan = json.dumps([*asked, way, models.fingerprint, models.waiting])
    known = folder / "plan.json"
    if not known.exists() or known.read_text() != plan:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        known.write_text(plan)
    return folder
