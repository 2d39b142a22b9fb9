"""The constrained readout: how likely each label is after the prompt and a forced beginning.

Knows label texts, tokens and one model at a time; full label strings are scored, so labels that
share their first token are told apart (METRICS §3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from corefeel_tui.engine.chat import common_prefix
from corefeel_tui.engine.rows import RowCaches
from corefeel_tui.verdicts import VerdictSpec


def opening(spec: VerdictSpec, prefill: str | None) -> str | None:
    """The forced beginning of an answer, or None where the rule knows none."""
    if prefill is not None:
        return prefill
    return f'{{"{spec.json_key}": "' if spec.json_key is not None else None


def label_tokens(tokenizer: Any, start: str, spec: VerdictSpec) -> dict[str, list[int]]:
    """Label → tokens of `start`, the label and what closes it.

    The text is encoded whole, since tokenizers merge across the seam.
    """
    close = '"' if spec.json_key is not None else ""
    return {
        label: list(tokenizer.encode(start + label + close, add_special_tokens=False))
        for label in spec.labels
    }


def shared_length(endings: Mapping[str, Sequence[int]]) -> int:
    """How many tokens all endings begin with."""
    first, *rest = (list(ids) for ids in endings.values())
    return min(common_prefix(first, ids) for ids in rest)


def score_labels(
    model: nn.Module, caches: list[Any], last: int, endings: Mapping[str, Sequence[int]]
) -> dict[str, float | None]:
    """Label → Σ log-probability (nats) of the tokens in which the labels differ.

    `caches` hold the prompt without its `last` token and are used up.
    """
    shared = shared_length(endings)
    longest = max(len(ids) for ids in endings.values())
    inputs = np.zeros((len(endings), longest), np.int32)
    for row, ids in enumerate(endings.values()):
        inputs[row, : len(ids)] = [last, *ids[:-1]]
    rows = RowCaches([caches])
    rows.select([0] * len(endings))
    logits = model(mx.array(inputs), cache=rows.layers)[:, shared:].astype(mx.float32)
    logprobs = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    found: dict[str, float | None] = {}
    for row, (label, ids) in enumerate(endings.items()):
        steps = mx.arange(len(ids) - shared)
        total = logprobs[row, steps, mx.array(list(ids[shared:]))].sum().item()
        found[label] = float(total) if np.isfinite(total) else None
    return found
