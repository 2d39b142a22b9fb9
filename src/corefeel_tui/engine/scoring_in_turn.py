"""`score` of a set that does not fit: the reference and one variant at a time, or one model alone.

Knows the order of models and what stays between them; the reading itself is `scoring`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from corefeel_tui import events as ev
from corefeel_tui.engine import memory
from corefeel_tui.engine.divergence import describe
from corefeel_tui.engine.drift import Drift, Likelihood
from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.engine.reference_store import ReferenceStore
from corefeel_tui.engine.scoring import (
    Measured,
    Reader,
    chunks,
    finished,
    positions_at_once,
    prepare,
    read_together,
    told,
)
from corefeel_tui.engine.turns import PAIRS, Turns
from corefeel_tui.engine.windows import Window
from corefeel_tui.errors import CorefeelError

Cancelled = Callable[[], bool]
InTurn = Generator[ev.Event | None, None, Measured | None]


def score_in_turn(
    run: str,
    models: ModelSet,
    windows: list[Window],
    context: int | None,
    per_token: Path | None,
    cancelled: Cancelled,
) -> Generator[ev.Event | None, None, dict[str, Any] | None]:
    """As `scoring.score_steps`; the result says in which way, and of one model at a time how much
    larger each KL can be (`kl_bound`, 0 where the reference was stored whole)."""
    assert models.turns is not None
    prepare(models, per_token)
    keep = per_token is not None
    way = _in_pairs if models.turns.way == PAIRS else _one_by_one
    measured = yield from way(run, models, models.turns, windows, keep, cancelled)
    if measured is None:
        return None
    result = finished(models, measured, windows, context, per_token)
    return result | {"in_turn": models.turns.way}


def _in_pairs(
    run: str,
    models: ModelSet,
    turns: Turns,
    windows: list[Window],
    keep: bool,
    cancelled: Cancelled,
) -> InTurn:
    """The reference reads along with every variant."""
    positions = sum(len(window) - 1 for window in windows)
    total = positions * len(turns.waiting)
    reference = models.models[models.reference].model
    base: Likelihood | None = None
    drifts: dict[str, Drift] = {}
    failures: list[CorefeelError] = []
    for number, spec in enumerate(turns.waiting):
        try:
            pair = {models.reference: reference, spec.name: turns.make(spec).model}
        except CorefeelError as error:
            failures.append(error)
            yield ev.Failed(str(error), variant=spec.name)
            continue
        reading = read_together(pair, windows, models.vocabulary, keep, cancelled)
        measured = yield from told(reading, run, total, number * positions)
        if measured is None:
            return None
        base = base or measured[0]
        drifts |= measured[1]
        pair.clear()
        del reading
        memory.release()
    return _some(base, drifts, failures)


def _one_by_one(
    run: str,
    models: ModelSet,
    turns: Turns,
    windows: list[Window],
    keep: bool,
    cancelled: Cancelled,
) -> InTurn:
    """The reference reads first and is stored; then it makes room for one variant after another."""
    positions = sum(len(window) - 1 for window in windows)
    total = positions * (1 + len(turns.waiting))
    at_once = positions_at_once(models.vocabulary)
    base = Likelihood(positions)
    with ReferenceStore(positions, models.vocabulary) as store:
        reading = _store(models, base, store, windows, at_once, cancelled)
        if not (yield from told(reading, run, total)):
            return None
        del reading
        turns.give_up_reference()
        drifts: dict[str, Drift] = {}
        failures: list[CorefeelError] = []
        for number, spec in enumerate(turns.waiting, 1):
            drift = Drift(positions, base, keep)
            try:
                reader = Reader(turns.make(spec).model)
            except CorefeelError as error:
                failures.append(error)
                yield ev.Failed(str(error), variant=spec.name)
                continue
            comparing = _compare(reader, drift, store, windows, at_once, cancelled)
            if not (yield from told(comparing, run, total, number * positions)):
                return None
            drift.bounded = True
            drifts[spec.name] = drift
            del reader, comparing
            memory.release()
    return _some(base, drifts, failures)


def _store(
    models: ModelSet,
    base: Likelihood,
    store: ReferenceStore,
    windows: list[Window],
    at_once: int,
    cancelled: Cancelled,
) -> Generator[int | None, None, bool]:
    """Whether the reference came to the end of the windows."""
    reader = Reader(models.models[models.reference].model)
    for chunk in chunks(windows, at_once):
        own = describe(reader.start(chunk))
        base.add(own, chunk.targets)
        store.add(own)
        yield len(chunk.targets)
        yield None
        if cancelled():
            return False
    return True


def _compare(
    reader: Reader,
    drift: Drift,
    store: ReferenceStore,
    windows: list[Window],
    at_once: int,
    cancelled: Cancelled,
) -> Generator[int | None, None, bool]:
    """Whether a variant came to the end of the windows."""
    store.rewind()
    for chunk in chunks(windows, at_once):
        own = describe(reader.start(chunk))
        drift.add_measured(store.diverge(own), own, chunk.targets)
        yield len(chunk.targets)
        yield None
        if cancelled():
            return False
    return True


def _some(
    base: Likelihood | None, drifts: dict[str, Drift], failures: list[CorefeelError]
) -> Measured:
    """What was measured.  Raises the first failure where no variant could be."""
    if base is None or not drifts:
        raise failures[0]
    return base, drifts
