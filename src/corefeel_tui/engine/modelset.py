"""The set of models that answers: one reference, its variants, what was measured when they came.

Knows loading, treatments and floors, and the order in which they happen; knows no question.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.nn as nn
from mlx_lm.tokenizer_utils import TokenizerWrapper

from corefeel_tui import events as ev
from corefeel_tui import hub
from corefeel_tui.commands import Load, Plan
from corefeel_tui.engine import checkpoints, floors, memory
from corefeel_tui.engine.loading import (
    Checkpoint,
    Report,
    materialise,
    open_checkpoint,
    open_tokenizer,
)
from corefeel_tui.engine.planning import announce, choose, make_plan
from corefeel_tui.engine.quantize import Treated, from_checkpoint
from corefeel_tui.engine.treatments import described, last_written, treat, with_cache
from corefeel_tui.errors import CorefeelError, ModelError
from corefeel_tui.lineage import base_model, pairing_command
from corefeel_tui.variants import REFERENCE, VariantSpec, parse_all

Emit = Callable[[ev.Event], None]

POCKET = "Pocket"

BETWEEN_REPORTS = 0.05
"""Seconds between two progress events of one step."""


@dataclass
class LoadedModel:
    """One model that answers; `info` describes it as in `events.Loaded.variants`, `written` tells
    how the file that its spec names stood when it was made."""

    name: str
    spec: VariantSpec
    model: nn.Module
    info: dict[str, Any]
    written: tuple[int, int] | None = None


@dataclass
class ModelSet:
    """The loaded models, the reference first; `vocabulary` is the width of the logits."""

    model: str
    reference: str
    tokenizer: TokenizerWrapper
    models: dict[str, LoadedModel]
    vocabulary: int
    context: int
    checkpoint: Checkpoint
    floors: dict[str, dict[str, Any]] = field(default_factory=dict)
    fingerprint: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def is_of(self, directory: Path, fingerprint: dict[str, Any]) -> bool:
        """Whether these models were made from this directory as it is now."""
        return self.checkpoint.directory == directory and self.fingerprint == fingerprint

    def describe(self) -> ev.Loaded:
        """The event that announces this set."""
        return ev.Loaded(
            model=self.model,
            reference=self.reference,
            variants=[model.info for model in self.models.values()],
            vocabulary=self.vocabulary,
            context=self.context,
            floors=self.floors,
            fingerprint=self.fingerprint,
            thinking=self.tokenizer.has_thinking,
            seconds=self.seconds,
        )


def load_set(load: Load, emit: Emit, previous: ModelSet | None) -> ModelSet:
    """The models that `load` asks for; what `previous` holds of the same directory is kept.

    A variant that fails is announced by `Failed` and left out.  If none is left its reason is
    raised, as is any failure of the reference.
    """
    began = time.monotonic()
    specs = parse_all(load.variants, load.reference)
    emit(ev.Loading("", "checkpoint"))
    directory = checkpoints.resolve(load.model)
    fingerprint = checkpoints.fingerprint(directory)
    old = previous if previous is not None and previous.is_of(directory, fingerprint) else None
    checkpoint = old.checkpoint if old else open_reference(directory)
    kept = old.models if old else {}
    plan = make_plan(
        checkpoint, specs, loaded=[str(m.spec) for m in kept.values()] if old else None
    )
    plan, left_out = choose(plan, load.explicit, checkpoint)
    specs = [model.spec for model in plan.models]
    for notice in left_out:
        emit(notice)
    if old is None:
        expand = memory.execution() == "expanded"
        materialise(checkpoint, expand, _reporter(emit, REFERENCE, "reading"))
    tokenizer = old.tokenizer if old else open_tokenizer(directory, checkpoint.config)
    builder = _Builder(checkpoint, tokenizer, kept, emit)
    reference = builder.add_reference(specs[0])
    for spec in specs[1:]:
        builder.add(spec)
    if builder.failures and len(builder.models) == 1:
        raise builder.failures[0]
    return ModelSet(
        model=load.model or POCKET,
        reference=reference.name,
        tokenizer=tokenizer,
        models=builder.models,
        vocabulary=builder.probe.vocabulary,
        context=checkpoints.context_length(checkpoint.config),
        checkpoint=checkpoint,
        floors=builder.floors,
        fingerprint=fingerprint,
        seconds=round(time.monotonic() - began, 3),
    )


def may_share(previous: ModelSet, load: Load) -> bool:
    """Whether a load is of the directory that these models were made from.

    Raises ModelError where what it names cannot be opened at all.
    """
    directory = checkpoints.resolve(load.model)
    if previous.checkpoint.directory == directory:
        return True
    open_reference(directory)
    return False


def plan_set(asked: Plan) -> ev.PlannedSet:
    """What `load_set` of the same would take.  Raises what that would raise before it reads."""
    specs = parse_all(asked.variants, asked.reference)
    checkpoint = open_reference(checkpoints.resolve(asked.model))
    plan = make_plan(checkpoint, specs, asked.length)
    failures = [model.failure for model in plan.models if model.failure]
    if failures and len(failures) >= len(specs) - 1:
        raise failures[0]
    return announce(plan, asked.model or POCKET, asked.explicit, checkpoint)


def open_reference(directory: Path) -> Checkpoint:
    """The reference's checkpoint, nothing read yet.  Raises ModelError."""
    checkpoint = open_checkpoint(directory)
    checkpoints.check_tokenizer(directory)
    if checkpoint.is_quantized:
        name = hub.id_of(directory) or str(directory)
        command = pairing_command(base_model(directory, checkpoint.config), name)
        raise ModelError(
            f"“{name}” is already quantized; compare it with the model it was made from: {command}"
        )
    return checkpoint


class _Builder:
    """Adds one model after the other, beside those that are there."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        tokenizer: TokenizerWrapper,
        kept: dict[str, LoadedModel],
        emit: Emit,
    ) -> None:
        self.models: dict[str, LoadedModel] = {}
        self.failures: list[CorefeelError] = []
        self.floors: dict[str, dict[str, Any]] = {}
        self._checkpoint = checkpoint
        self._tokenizer = tokenizer
        self._kept = {str(model.spec): model for model in kept.values()}
        self._emit = emit
        self._execution = memory.execution()

    def add_reference(self, spec: VariantSpec) -> LoadedModel:
        """The model that all others are compared with; its failure is everybody's."""
        model = self._make(spec)
        self._emit(ev.Loading(spec.name, "floors"))
        context = checkpoints.context_length(self._checkpoint.config)
        self.probe = floors.Probe(model.model, self._tokenizer, context)
        self.floors = self.probe.floors()
        self._admit(model)
        return model

    def add(self, spec: VariantSpec) -> None:
        """One variant, or the announcement of why not."""
        try:
            self._admit(self._make(spec))
        except CorefeelError as error:
            self.failures.append(error)
            self._emit(ev.Failed(str(error), variant=spec.name))

    def _admit(self, model: LoadedModel) -> None:
        """Check on the calibration text that a model computes what its treatment promises."""
        found = self.probe.check(model.model)
        if found["vocabulary"] != self.probe.vocabulary:
            raise ModelError(
                f"{model.name}: its logits are {found['vocabulary']} wide, the reference's "
                f"{self.probe.vocabulary}; only models of one vocabulary can be compared"
            )
        if not found["finite"]:
            raise ModelError(f"{model.name}: it computes NaN on the calibration text")
        treated = self.models and not model.info["identical"]
        if treated and found["kl_max"] == 0:
            raise ModelError(
                f"{model.name}: its treatment changes no logit on the calibration text"
            )
        if model.info["tokens_per_second"] is None:
            model.info["tokens_per_second"] = self.probe.decode_speed(model.model)
        self.models[model.name] = model

    def _make(self, spec: VariantSpec) -> LoadedModel:
        written, kept = last_written(spec), self._kept.get(str(spec))
        if kept and kept.written == written:
            return LoadedModel(spec.name, spec, kept.model, dict(kept.info), written)
        report = _reporter(self._emit, spec.name, "quantizing" if spec.bits else "reading")
        try:
            treated = with_cache(self._treat(spec, report), spec)
        except CorefeelError:
            raise
        except Exception as error:  # one variant's trouble is not the others'
            raise ModelError(f"{spec.name} could not be made: {error}") from error
        return LoadedModel(spec.name, spec, treated.module, described(treated, spec), written)

    def _treat(self, spec: VariantSpec, report: Report) -> Treated:
        expand = self._execution == "expanded"
        if spec.kind != "path":
            return treat(self._checkpoint, spec, self._tokenizer, expand, report)
        directory = checkpoints.resolve(spec.source)
        own = open_checkpoint(directory)
        self._check_tokens(spec, own)
        return from_checkpoint(own, self._checkpoint, expand, report)

    def _check_tokens(self, spec: VariantSpec, own: Checkpoint) -> None:
        if checkpoints.same_tokenizer(own.directory, self._checkpoint.directory):
            return
        ours = self._tokenizer.get_vocab()
        theirs = open_tokenizer(own.directory, own.config).get_vocab()
        different = [token for token in {**ours, **theirs} if ours.get(token) != theirs.get(token)]
        if different:
            raise ModelError(
                f"{spec.name}: its tokens are not the reference's ({len(different)} differ, as "
                f"{different[0]!r}); only models with the same vocabulary can be compared"
            )


def _reporter(emit: Emit, variant: str, stage: str) -> Report:
    """Progress as events, no more often than a screen can show."""
    told = 0.0

    def report(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if done == total or now - told >= BETWEEN_REPORTS:
            emit(ev.Loading(variant, stage, done, total))
            told = now

    return report
