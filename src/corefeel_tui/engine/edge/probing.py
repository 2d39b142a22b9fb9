"""Prompts → every model's label weights, one prompt or many that differ a little from one.

Knows loaded models, how a prompt is rendered and what was read before; no event and no command.
`None` between results marks a point where another job may have a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm.models.cache import make_prompt_cache

from corefeel_tui.edge.readouts import Readout
from corefeel_tui.engine import chat
from corefeel_tui.engine.edge.batching import Batch, batches
from corefeel_tui.engine.edge.endings import Endings, make_endings
from corefeel_tui.engine.edge.reading import Reading
from corefeel_tui.engine.edge.weighing import Weights, weigh
from corefeel_tui.engine.rows import RowCaches
from corefeel_tui.errors import UsageError

PASS = 512
"""Tokens of all rows together per forward pass of a batch."""

Weighed = dict[str, Weights]
"""Model → its weights on one prompt."""


@dataclass(frozen=True)
class Chat:
    """What stands around the prompt."""

    system: str | None = None
    history: list[dict[str, str]] = field(default_factory=list)
    thinking: bool = False


class Probing:
    """One readout on some models (name → module, the reference first)."""

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        tokenizer: Any,
        context: int,
        readout: Readout,
        around: Chat,
    ) -> None:
        self.models = models
        self.readout = readout
        self.endings: Endings = make_endings(tokenizer, readout)
        self._tokenizer = tokenizer
        self._context = context
        self.around = around

    def tokens(self, prompt: str) -> list[int]:
        """The prompt as the models read it, the labels' common beginning included.

        Raises UsageError where it is empty, cannot be written, or leaves no room for the labels.
        """
        messages = chat.conversation(self.around.system, self.around.history, prompt)
        ids = chat.render(self._tokenizer, messages, self.around.thinking)
        excess = len(ids) + self.endings.longest - self._context
        if excess > 0:
            raise UsageError(
                f"the prompt is {len(ids)} tokens long, {excess} more than this model's context of "
                f"{self._context} can take with its labels; shorten it"
            )
        return [*ids, *self.endings.shared]

    def one(
        self, tokens: Sequence[int], readings: dict[str, Reading], cancelled: Callable[[], bool]
    ) -> Generator[None, None, tuple[Weighed, int] | None]:
        """The weights on one prompt, and how many of its tokens were not read again.

        `readings` go on from what they hold, and hold this prompt after; None if cancelled.
        """
        found: Weighed = {}
        pending: dict[str, mx.array] = {}
        reused = len(tokens)
        for name, model in self.models.items():
            reading = readings.setdefault(name, Reading(model))
            changed = chat.common_prefix(reading.tokens, list(tokens))
            reused = min(reused, reading.rewind(tokens))
            logits = yield from _unless(cancelled, reading.read(tokens, changed))
            if logits is None:
                return None
            mx.async_eval(logits)  # computes while the next model's pass is being put together
            pending[name] = logits
        for name, model in self.models.items():
            found[name] = weigh(model, readings[name].rows, pending[name], self.endings)[0]
            yield None
            if cancelled():
                return None
        return found, min(reused, len(tokens) - len(self.endings.shared))

    def many(
        self,
        prompts: Sequence[Sequence[int]],
        readings: dict[str, Reading],
        cancelled: Callable[[], bool],
    ) -> Iterator[tuple[int, Weighed] | None]:
        """The weights of every prompt by index, batch after batch, from what `readings` hold."""
        base = next(iter(readings.values())).tokens
        for batch in batches(base, prompts):
            found: list[Weighed] = [{} for _ in batch.members]
            for name in self.models:
                weights = yield from _batch(readings[name], batch, prompts, self.endings)
                for own, one in zip(found, weights, strict=True):
                    own[name] = one
                yield None
                if cancelled():
                    return
            yield from zip(batch.members, found, strict=True)

    def afresh(self, tokens: Sequence[int]) -> Weighed:
        """The weights on one prompt computed from nothing, nothing shared with anything before."""
        found = {}
        for name, model in self.models.items():
            caches = make_prompt_cache(model)
            logits = model(mx.array(list(tokens), dtype=mx.int32)[None], cache=caches)
            last = logits[:, -1].astype(mx.float32)
            found[name] = weigh(model, RowCaches([caches]), last, self.endings)[0]
        return found


def _batch(
    reading: Reading, batch: Batch, prompts: Sequence[Sequence[int]], endings: Endings
) -> Generator[None, None, list[Weights]]:
    rows = yield from reading.branched(batch.cut, len(batch.members))
    rest = np.array([prompts[i][batch.cut :] for i in batch.members], np.int32)
    width = max(1, PASS // len(rest))
    for start in range(0, rest.shape[1], width):
        logits = reading.model(mx.array(rest[:, start : start + width]), cache=rows.layers)[:, -1]
        if start + width < rest.shape[1]:
            mx.eval([cache.state for cache in rows.layers])
            yield None
    return weigh(reading.model, rows, logits.astype(mx.float32), endings)


def _unless(
    cancelled: Callable[[], bool], steps: Generator[None, None, mx.array]
) -> Generator[None, None, mx.array | None]:
    """The steps' result, or None as soon as it is not wanted any more."""
    while not cancelled():
        try:
            next(steps)
        except StopIteration as end:
            result: mx.array = end.value
            return result
        yield None
    return None
