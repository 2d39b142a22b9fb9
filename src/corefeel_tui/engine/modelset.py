"""The set of models that answers: one reference, its variants, what was measured when they came.

Knows loading, treatments and floors, and the order in which they happen; knows no question.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlx_lm.tokenizer_utils import TokenizerWrapper

from corefeel_tui import events as ev
from corefeel_tui import hub
from corefeel_tui.commands import Load, Plan
from corefeel_tui.engine import checkpoints, memory
from corefeel_tui.engine.fitting import announce, choose
from corefeel_tui.engine.kept_figures import KeptFigures
from corefeel_tui.engine.loading import (
    Checkpoint,
    materialise,
    open_checkpoint,
    open_tokenizer,
)
from corefeel_tui.engine.making import Builder, Emit, LoadedModel, reporter
from corefeel_tui.engine.planning import make_plan, refuse_hopeless
from corefeel_tui.engine.resting import Stopwatches
from corefeel_tui.engine.speeds import to_the_end
from corefeel_tui.engine.turn_planning import choose_way, foreseen
from corefeel_tui.engine.turns import Turns
from corefeel_tui.engine.weight_cache import WeightCache
from corefeel_tui.errors import ModelError
from corefeel_tui.lineage import base_model, refusal
from corefeel_tui.paths import figures_directory, weights_directory
from corefeel_tui.variants import REFERENCE, parse_all

POCKET = "Pocket"


@dataclass
class ModelSet:
    """The loaded models, the reference first; `vocabulary` is the width of the logits.

    With `turns` only the reference is loaded, and the variants are made one at a time.  `watches`
    time the models again, None once that was done.
    """

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
    turns: Turns | None = None
    watches: Stopwatches | None = None

    def about(self, name: str) -> dict[str, Any]:
        """A model as in `events.Loaded.variants`, whether it is loaded or waits for its turn."""
        return self.models[name].info if name in self.models else self._waiting[name]

    @property
    def waiting(self) -> list[str]:
        """Names of the variants that come in turn."""
        return [spec.name for spec in self.turns.waiting] if self.turns else []

    @property
    def _waiting(self) -> dict[str, dict[str, Any]]:
        return self.turns.about if self.turns else {}

    def is_of(self, directory: Path, fingerprint: dict[str, Any]) -> bool:
        """Whether these models were made from this directory as it is now."""
        return self.checkpoint.directory == directory and self.fingerprint == fingerprint

    def describe(self) -> ev.Loaded:
        """The event that announces this set."""
        return ev.Loaded(
            model=self.model,
            reference=self.reference,
            variants=[*(model.info for model in self.models.values()), *self._waiting.values()],
            vocabulary=self.vocabulary,
            context=self.context,
            floors=self.floors,
            fingerprint=self.fingerprint,
            thinking=self.tokenizer.has_thinking,
            seconds=self.seconds,
            in_turn=self.turns.way if self.turns else None,
        )


def load_set(load: Load, emit: Emit, previous: ModelSet | None) -> ModelSet:
    """The models that `load` asks for; what `previous` holds of the same directory is kept.

    A variant that fails is announced by `Failed` and left out.  If none is left its reason is
    raised, as is any failure of the reference.  A set that may run in turn and does not fit is
    loaded up to its reference.
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
    refuse_hopeless(plan)
    way, notices = choose_way(plan, load.in_turn, checkpoint)
    if way is None:
        plan, notices = choose(plan, load.explicit, checkpoint)
    specs = [model.spec for model in plan.models]
    for notice in notices:
        emit(notice)
    if old is None:
        expand = memory.execution() == "expanded"
        materialise(checkpoint, expand, reporter(emit, REFERENCE, "reading"))
    tokenizer = old.tokenizer if old else open_tokenizer(directory, checkpoint.config)
    cache = WeightCache(
        weights_directory(), load.cache_bytes or 0, lambda text: emit(ev.Notice(text, "warning"))
    )
    figures = KeptFigures(figures_directory(), cache.cap > 0, load.anew)
    builder = Builder(checkpoint, tokenizer, kept, emit, cache, figures)
    reference = builder.add_reference(specs[0])
    for spec in specs[1:] if way is None else ():
        builder.add(spec)
    if builder.failures and len(builder.models) == 1:
        builder.tell_failures(besides=1)
        raise builder.failures[0]
    watches = builder.watches
    if load.anew:
        to_the_end(watches.steps(builder.models))
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
        turns=Turns(way, specs[1:], foreseen(plan), builder) if way else None,
        watches=None if load.anew else watches,
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
    refuse_hopeless(plan)
    return announce(plan, asked.model or POCKET, asked.explicit, checkpoint)


def open_reference(directory: Path) -> Checkpoint:
    """The reference's checkpoint, nothing read yet.  Raises ModelError."""
    checkpoint = open_checkpoint(directory)
    checkpoints.check_tokenizer(directory)
    if checkpoint.is_quantized:
        name = hub.id_of(directory) or str(directory)
        raise ModelError(refusal(name, base_model(directory, checkpoint.config)))
    return checkpoint
