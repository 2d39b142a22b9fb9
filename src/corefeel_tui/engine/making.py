"""Makes the models of a set, one after the other, and checks each beside the reference.

Knows treatments, the probe and what may be shared; neither which models are wanted nor whether
there is room.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mlx.nn as nn
from mlx_lm.tokenizer_utils import TokenizerWrapper

from corefeel_tui import events as ev
from corefeel_tui.engine import checkpoints, floors, memory
from corefeel_tui.engine.alone import as_it_is, treat_alone
from corefeel_tui.engine.kept_figures import Figures, KeptFigures
from corefeel_tui.engine.loading import (
    Checkpoint,
    Report,
    first_line,
    open_checkpoint,
    open_tokenizer,
)
from corefeel_tui.engine.quantize import Treated, from_checkpoint
from corefeel_tui.engine.resting import Stopwatches, now
from corefeel_tui.engine.speeds import Speeds
from corefeel_tui.engine.treatments import described, last_written, treat, with_cache
from corefeel_tui.engine.weight_cache import WeightCache
from corefeel_tui.engine.weight_keys import figures_key
from corefeel_tui.errors import CorefeelError, ModelError
from corefeel_tui.variants import VariantSpec

Emit = Callable[[ev.Event], None]

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


def _same_twice(found: dict[str, dict[str, Any]]) -> bool:
    """Whether the reference computed the same twice; of a variant nothing is said."""
    return not found or found["F0"]["kl_max"] == 0


class Builder:
    """Adds one model after the other, beside those that are there."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        tokenizer: TokenizerWrapper,
        kept: dict[str, LoadedModel],
        emit: Emit,
        cache: WeightCache,
        figures: KeptFigures,
    ) -> None:
        self.models: dict[str, LoadedModel] = {}
        self.failures: list[CorefeelError] = []
        self._untold: list[ev.Failed] = []
        self.floors: dict[str, dict[str, Any]] = {}
        self._checkpoint = checkpoint
        self._tokenizer = tokenizer
        self._kept = {str(model.spec): model for model in kept.values()}
        self._emit = emit
        self._cache = cache
        self._figures = figures
        self._reference: VariantSpec | None = None
        self._execution = memory.execution()

    def add_reference(self, spec: VariantSpec) -> LoadedModel:
        """The model that all others are compared with; its failure is everybody's."""
        model = self._make(spec)
        self._emit(ev.Loading(spec.name, "floors"))
        context = checkpoints.context_length(self._checkpoint.config)
        with _named(spec):
            self.probe = floors.Probe(model.model, self._tokenizer, context)
            self.watches = Stopwatches(self.probe, self._figures)
        self._check(model)
        self.models[model.name] = model
        self._reference = spec
        return model

    def add(self, spec: VariantSpec) -> None:
        """One variant, or the announcement of why not, once another stands: if none ever does, the
        first reason is raised and need not be told twice."""
        try:
            self.models[spec.name] = self.make(spec)
        except CorefeelError as error:
            self.failures.append(error)
            self._untold.append(ev.Failed(str(error), variant=spec.name))
        if len(self.models) > 1:
            self.tell_failures()

    def tell_failures(self, besides: int = 0) -> None:
        """Announce what failed so far and was not told, except for the first so many."""
        for failed in self._untold[besides:]:
            self._emit(failed)
        self._untold.clear()

    def make(self, spec: VariantSpec) -> LoadedModel:
        """One variant beside the reference.  Raises CorefeelError where it cannot be."""
        model = self._make(spec)
        self._check(model)
        return model

    def make_alone(self, spec: VariantSpec) -> LoadedModel:
        """One variant whose reference is gone.  Raises CorefeelError where it cannot be."""
        report = reporter(self._emit, spec.name, "quantizing" if spec.bits else "reading")
        with _named(spec):
            treated = with_cache(self._treat_alone(spec, report), spec)
        model = LoadedModel(spec.name, spec, treated.module, described(treated, spec))
        self._check(model, alone=True)
        return model

    def make_reference_alone(self) -> LoadedModel:
        """The reference anew after its arrays were let go."""
        assert self._reference is not None
        return self.make_alone(self._reference)

    def give_up_reference(self) -> None:
        """Let go of the reference's arrays; variants are made alone from now on."""
        self.probe.let_go()
        self.models.clear()
        self._kept.clear()
        self._checkpoint.module = open_checkpoint(self._checkpoint.directory).module
        memory.release()

    def _check(self, model: LoadedModel, alone: bool = False) -> None:
        """Check on the calibration text that a model computes what its treatment promises.

        What an earlier load measured of the same logits on this machine is not measured again.
        """
        with _named(model.spec):
            key, witness = self._known_by(model)
            known = self._figures.find(key, witness) if key else None
            found = known or self._measured(model, witness, alone)
        if key and known is None and _same_twice(found.floors):
            self._figures.keep(key, found)
        self.watches.taken[model.name] = key, found
        if self._reference is None:
            self.floors = found.floors
        if alone and model.spec.kind == "path":  # nothing is left to compare its arrays with
            model.info["identical"] = found.kl_max == 0
        if model.info["tokens_per_second"] is None:
            model.info |= found.speeds.described() | {"measured": known.at if known else None}

    def _known_by(self, model: LoadedModel) -> tuple[str, str]:
        """Key and witness of a model's figures; both empty where none are kept."""
        if not self._figures.on:
            return "", ""
        reference = self._reference or model.spec
        key = figures_key(self._checkpoint.directory, reference, model.spec)
        return key, self.probe.witness(model.model)

    def _measured(self, model: LoadedModel, witness: str, alone: bool) -> Figures:
        """A model's figures.  Raises ModelError where it computes what it must not."""
        own_floors = {} if self._reference else self.probe.floors(model.model)
        found = self.probe.check(model.model)
        if found["vocabulary"] != self.probe.vocabulary:
            raise ModelError(
                f"{model.name}: its logits are {found['vocabulary']} wide, the reference's "
                f"{self.probe.vocabulary}; only models of one vocabulary can be compared"
            )
        if not found["finite"]:
            raise ModelError(f"{model.name}: it computes NaN on the calibration text")
        identical = model.info["identical"] or model.spec == self._reference
        identical = identical or (alone and model.spec.kind == "path")
        if self._reference and not identical and found["kl_max"] == 0:
            raise ModelError(
                f"{model.name}: its treatment changes no logit on the calibration text"
            )
        if model.info["tokens_per_second"] is None:
            speeds = self.probe.speeds(model.model)
        else:
            speeds = Speeds.of(model.info)
        at = model.info["measured"] or now()
        return Figures(witness, at, found["kl_max"], speeds, own_floors)

    def _make(self, spec: VariantSpec) -> LoadedModel:
        written, kept = last_written(spec), self._kept.get(str(spec))
        if kept and kept.written == written:
            return LoadedModel(spec.name, spec, kept.model, dict(kept.info), written)
        report = reporter(self._emit, spec.name, "quantizing" if spec.bits else "reading")
        with _named(spec):
            treated = with_cache(self._treat(spec, report), spec)
        return LoadedModel(spec.name, spec, treated.module, described(treated, spec), written)

    def _treat(self, spec: VariantSpec, report: Report) -> Treated:
        expand = self._execution == "expanded"
        if spec.kind != "path":
            return treat(self._checkpoint, spec, self._tokenizer, expand, report, self._cache)
        directory = checkpoints.resolve(spec.source)
        own = open_checkpoint(directory)
        self._check_tokens(spec, own)
        return from_checkpoint(own, self._checkpoint, expand, report)

    def _treat_alone(self, spec: VariantSpec, report: Report) -> Treated:
        expand, tokenizer = self._execution == "expanded", self._tokenizer
        if spec.kind != "path":
            fresh = open_checkpoint(self._checkpoint.directory)
            return treat_alone(fresh, spec, tokenizer, expand, report, self._cache)
        own = open_checkpoint(checkpoints.resolve(spec.source))
        self._check_tokens(spec, own)
        return as_it_is(own, expand, report)

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


@contextlib.contextmanager
def _named(spec: VariantSpec) -> Iterator[None]:
    """One variant's trouble is not the others': whatever goes wrong is told by its name."""
    try:
        yield
    except CorefeelError:
        raise
    except Exception as error:
        raise ModelError(f"{spec.name} could not be made: {first_line(error)}") from error


def reporter(emit: Emit, variant: str, stage: str) -> Report:
    """Progress as events, no more often than a screen can show."""
    told = 0.0

    def report(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if done == total or now - told >= BETWEEN_REPORTS:
            emit(ev.Loading(variant, stage, done, total))
            told = now

    return report
