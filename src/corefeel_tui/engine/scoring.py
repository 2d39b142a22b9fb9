"""Teacher-forced drift: every model reads the same given tokens, a bounded number at a time.

Knows forward passes and the shape of the result; `windows` reads the tokens, `drift` sums up.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm.models.cache import make_prompt_cache

from corefeel_tui import events as ev
from corefeel_tui.engine.divergence import describe
from corefeel_tui.engine.drift import Drift, Likelihood
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.windows import Window, window_size
from corefeel_tui.errors import EngineError, UsageError

Told = TypeVar("Told")

CHUNK_LOGITS = 1 << 24
"""Logits of one model held at a time (64 MiB): what keeps peak memory flat."""
MOST_POSITIONS = 128
FEWEST_POSITIONS = 64


@dataclass
class Chunk:
    """Some positions that every model reads next.  `fresh` starts new caches; `cached` goes on
    from them, else the chunk is whole windows of one length, side by side.  `targets` is (N,)."""

    inputs: mx.array
    targets: np.ndarray[Any, Any]
    fresh: bool
    cached: bool


def chunks(windows: list[Window], positions: int) -> Iterator[Chunk]:
    """Runs of at most `positions` positions, in the order of the windows."""
    i = 0
    while i < len(windows):
        length = len(windows[i]) - 1
        if length > positions:
            for start in range(0, length, positions):
                part = windows[i][start : min(start + positions, length) + 1]
                yield _chunk([part], fresh=start == 0, cached=True)
            i += 1
            continue
        most = i + max(1, positions // length)
        stop = i + 1
        while stop < min(most, len(windows)) and len(windows[stop]) == length + 1:
            stop += 1
        yield _chunk(windows[i:stop], fresh=True, cached=False)
        i = stop


def _chunk(windows: list[Window], fresh: bool, cached: bool) -> Chunk:
    ids = np.array(windows)
    return Chunk(mx.array(ids[:, :-1]), ids[:, 1:].reshape(-1), fresh, cached)


class Reader:
    """One model reading chunk after chunk."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._caches: list[Any] | None = None

    def start(self, chunk: Chunk) -> mx.array:
        """Begin to compute the logits (N, V) float32 of a chunk; they are there when evaluated."""
        if chunk.fresh:
            self._caches = make_prompt_cache(self._model) if chunk.cached else None
        logits = self._model(chunk.inputs, cache=self._caches)
        logits = logits.reshape(-1, logits.shape[-1]).astype(mx.float32)
        mx.async_eval(logits, [cache.state for cache in self._caches or []])
        return logits


def score_steps(
    run: str,
    models: ModelSet,
    windows: list[Window],
    context: int | None,
    per_token: Path | None,
    cancelled: Callable[[], bool],
) -> Generator[ev.Event | None, None, dict[str, Any] | None]:
    """Score all windows; yields progress and, as None, every place where others may have a turn.

    Returns the object that `score --format json` prints, or None if cancelled.  While one model's
    logits are compared the next model's are already being computed.  Raises EngineError where the
    reference differs from itself.
    """
    prepare(models, per_token)
    total = sum(len(window) - 1 for window in windows)
    names = [models.reference, *(name for name in models.models if name != models.reference)]
    modules = {name: models.models[name].model for name in names}
    reading = read_together(modules, windows, models.vocabulary, per_token is not None, cancelled)
    measured = yield from told(reading, run, total)
    return finished(models, measured, windows, context, per_token) if measured else None


Measured = tuple[Likelihood, dict[str, Drift]]
"""Of the reference, and of every variant."""
Reading = Generator[int | None, None, Measured | None]
"""Yields positions done, and None where others may have a turn."""


def read_together(
    modules: Mapping[str, nn.Module],
    windows: list[Window],
    vocabulary: int,
    keep: bool,
    cancelled: Callable[[], bool],
) -> Reading:
    """All `modules`, the reference first, on the same chunks; None if cancelled."""
    total = sum(len(window) - 1 for window in windows)
    names = list(modules)
    readers = {name: Reader(module) for name, module in modules.items()}
    base = Likelihood(total)
    drifts = {name: Drift(total, base, keep=keep) for name in names[1:]}
    for chunk in chunks(windows, positions_at_once(vocabulary)):
        pending = readers[names[0]].start(chunk)
        for i, name in enumerate(names):
            logits = pending
            if i + 1 < len(names):
                pending = readers[names[i + 1]].start(chunk)
            own = describe(logits)
            if i == 0:
                reference = own
                base.add(reference, chunk.targets)
            else:
                drifts[name].add(reference, own, chunk.targets)
            if i + 1 == len(names):
                yield len(chunk.targets)
            yield None
            if cancelled():
                return None
    return base, drifts


def told(
    reading: Generator[int | None, None, Told], run: str, total: int, before: int = 0
) -> Generator[ev.Event | None, None, Told]:
    """A reading with its progress as events, `before` positions of `total` being done already."""
    done = before
    while True:
        try:
            count = next(reading)
        except StopIteration as end:
            result: Told = end.value
            return result
        if count is not None:
            done += count
            yield ev.Progress(run, done, total)
        else:
            yield None


def prepare(models: ModelSet, per_token: Path | None) -> None:
    """Raises what would make all the work vain."""
    check_floor(models)
    if per_token is not None:
        _check_writable(per_token)


def finished(
    models: ModelSet,
    measured: Measured,
    windows: list[Window],
    context: int | None,
    per_token: Path | None,
) -> dict[str, Any]:
    """The result, once the arrays are written where they are wanted."""
    base, drifts = measured
    if per_token is not None:
        _write_arrays(per_token, models.reference, base, drifts)
    return result(models, base, drifts, windows, window_size(models, context))


def check_floor(models: ModelSet) -> None:
    """Raises EngineError where the reference, run twice, differed from itself."""
    floor = models.floors.get("F0", {}).get("kl_max", 0.0)
    if floor != 0:
        raise EngineError(
            f"the reference differs from itself by up to {floor:.3g} nats when run twice, so "
            "nothing measured with it would mean anything; run “corefeel doctor”"
        )


def positions_at_once(vocabulary: int) -> int:
    """Positions per forward pass."""
    return min(max(CHUNK_LOGITS // vocabulary, FEWEST_POSITIONS), MOST_POSITIONS)


def result(
    models: ModelSet,
    base: Likelihood,
    drifts: dict[str, Drift],
    windows: list[Window],
    context: int,
) -> dict[str, Any]:
    """The object of `score --format json`."""
    about = ("bits_per_weight", "bytes", "resident_bytes", "execution")
    summaries = {models.reference: base.summary()}
    summaries |= {name: drift.summary() for name, drift in drifts.items()}
    return {
        "model": models.model,
        "reference": models.reference,
        "positions": len(base.logprob),
        "context": context,
        "windows": len(windows),
        "floors": models.floors,
        "variants": {
            name: numbers | {key: models.about(name)[key] for key in about}
            for name, numbers in summaries.items()
        },
    }


def _check_writable(path: Path) -> None:
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise UsageError(f"cannot write “{path}”: {error.strerror or error}") from error


def _write_arrays(path: Path, reference: str, base: Likelihood, drifts: dict[str, Drift]) -> None:
    """NAME/COLUMN arrays of shape (positions,), all at once or not at all."""
    named = {reference: base.columns()}
    named |= {name: drift.columns() for name, drift in drifts.items()}
    flat: dict[str, Any] = {
        f"{name}/{key}": array for name, own in named.items() for key, array in own.items()
    }
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, **flat)
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write “{path}”: {error.strerror or error}") from error
