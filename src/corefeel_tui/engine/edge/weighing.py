"""Rows that have read their prompts → how likely every label is on each, by full strings.

Knows caches over rows, logits and tokens; no prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from corefeel_tui.engine.edge.endings import Endings
from corefeel_tui.engine.prefill import copies
from corefeel_tui.engine.rows import RowCaches

Weights = dict[str, float | None]
"""Label → log of its summed probability (nats); None where it is not finite."""

DIGITS = 6
"""Significant digits of what is told."""


def weigh(model: nn.Module, rows: RowCaches, logits: mx.array, endings: Endings) -> list[Weights]:
    """One `Weights` a row.

    `rows` have read the endings' shared tokens and are used up unless there is one; `logits`
    (rows, V) float32 come after those.
    """
    count = rows.count
    first = _logprobs(logits, [ids[0] for own in endings.texts.values() for ids in own])
    beginnings, later = _later(model, rows, endings)
    mx.eval(first, later)
    firsts, values = (np.array(found).astype(np.float64) for found in (first, later))
    found = []
    for row in range(count):
        after = dict(zip(beginnings, values[:, row], strict=True))
        column = 0
        weights: Weights = {}
        for label, own in endings.texts.items():
            sums = []
            for ids in own:
                rest = (after[tuple(ids[: i + 1])] for i in range(1, len(ids)))
                sums.append(firsts[row, column] + sum(rest))
                column += 1
            total = float(np.logaddexp.reduce(sums))
            weights[label] = total if np.isfinite(total) else None
        found.append(weights)
    return found


def _later(
    model: nn.Module, rows: RowCaches, endings: Endings
) -> tuple[list[tuple[int, ...]], mx.array]:
    """Beginnings of texts, and (beginnings, rows) log-probabilities of the last token of each.

    Every token of every text but its first is the last of one beginning.
    """
    inputs, count = endings.inputs, rows.count
    if not inputs:
        return [], mx.zeros((0, count))
    width = max(map(len, inputs))
    chosen = [row for row in range(count) for _ in inputs]
    if len(chosen) == 1:  # nothing would be copied, and the row is not ours to write to
        rows = RowCaches([copies(rows.layers)])
    rows.select(chosen)
    tokens = np.zeros((len(inputs), width), np.int32)
    for i, row_ids in enumerate(inputs):
        tokens[i, : len(row_ids)] = row_ids
    logits = model(mx.array(np.tile(tokens, (count, 1))), cache=rows.layers).astype(mx.float32)
    return _steps(logits, inputs, endings, count)


def _steps(
    logits: mx.array, inputs: list[list[int]], endings: Endings, count: int
) -> tuple[list[tuple[int, ...]], mx.array]:
    """As `_later`, from logits (rows · inputs, width, V)."""
    wanted = {
        tuple(ids[: i + 1]): i
        for own in endings.texts.values()
        for ids in own
        for i in range(1, len(ids))
    }
    places = []
    for beginning, step in wanted.items():
        place = next(k for k, ids in enumerate(inputs) if tuple(ids[:step]) == beginning[:-1])
        places += [(row * len(inputs) + place, step - 1, beginning[-1]) for row in range(count)]
    flat, steps, tokens = (mx.array(list(column)) for column in zip(*places, strict=True))
    normal = mx.logsumexp(logits, axis=-1)
    values = logits[flat, steps, tokens] - normal[flat, steps]
    return list(wanted), values.reshape(len(wanted), count)


def _logprobs(logits: mx.array, tokens: Sequence[int]) -> mx.array:
    """(rows, tokens) log-probabilities, lazy."""
    chosen = logits[:, mx.array(list(tokens))]
    return chosen - mx.logsumexp(logits, axis=-1, keepdims=True)


def margin(weights: Weights, labels: Sequence[str]) -> float | None:
    """Log-odds (nats) of the first label against the second."""
    first, second = (weights[label] for label in labels)
    return None if first is None or second is None else told(first - second)


def probabilities(weights: Weights) -> dict[str, float | None]:
    """Every label's share of the mass of all labels."""
    known = [value for value in weights.values() if value is not None]
    total = float(np.logaddexp.reduce(known)) if known else 0.0
    return {
        label: None if value is None else told(float(np.exp(value - total)))
        for label, value in weights.items()
    }


def told(value: float) -> float:
    """The value with as many digits as events carry."""
    return float(f"{value:.{DIGITS}g}")


def margins(
    weighed: Mapping[str, Weights], labels: Sequence[str]
) -> tuple[dict[str, float | None], dict[str, dict[str, float | None]]]:
    """The two columns of an event: every model's margin and probabilities."""
    return (
        {name: margin(weights, labels) for name, weights in weighed.items()},
        {name: probabilities(weights) for name, weights in weighed.items()},
    )
