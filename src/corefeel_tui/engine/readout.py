"""Where an answer decides: finds the deciding position and reads every model's margin there.

Knows verdict rules, a vocabulary and log-probabilities; no model and no cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from corefeel_tui.verdicts import VerdictSpec, provisional, spoken

SPACES = ("", "Ġ", "▁", " ")
"""How vocabularies write a leading space: none, byte-level BPE, sentencepiece, plain."""


class LabelTokens:
    """Which single tokens begin which label, inside the quotes and together with them."""

    def __init__(self, tokenizer: Any, spec: VerdictSpec) -> None:
        vocabulary: dict[str, int] = tokenizer.get_vocab()
        self.inside = _exclusive({x: _beginnings(vocabulary, x, ("",)) for x in spec.labels})
        quotes = tuple(f'{space}"' for space in SPACES)
        self.quoted = _exclusive({x: _beginnings(vocabulary, x, quotes) for x in spec.labels})


def _beginnings(vocabulary: dict[str, int], label: str, heads: tuple[str, ...]) -> set[int]:
    endings = [label[:i] for i in range(1, len(label) + 1)] + [label + '"', label + '",']
    pieces = {head + ending for head in heads for ending in endings}
    return {vocabulary[piece] for piece in pieces if piece in vocabulary}


def _exclusive(tokens: dict[str, set[int]]) -> dict[str, list[int]]:
    return {
        label: sorted(ids - set().union(*(o for x, o in tokens.items() if x != label)))
        for label, ids in tokens.items()
    }


class DecisionReader:
    """Follows one answer's text until its label's first token has been taken."""

    def __init__(self, spec: VerdictSpec) -> None:
        self.spec = spec
        self.position: int | None = None
        self.opened_before = False
        self.label: str | None = None

    def feed(self, before: str, after: str, position: int) -> bool:
        """Look at the token that turned `before` into `after`; True at the deciding position."""
        decided = False
        if self.position is None and self.spec.opening is not None:
            found = self.spec.opening.search(spoken(after))
            if found and found["value"]:
                earlier = self.spec.opening.search(spoken(before))
                self.opened_before = bool(earlier and earlier["quote"])
                self.position = position
                decided = True
        if self.position is not None and self.label is None:
            self.label = provisional(after, self.spec)
        return decided


def margin(
    logprobs: np.ndarray, tokens: dict[str, list[int]], labels: tuple[str, str]
) -> float | None:
    """Log-odds (nats) of the first label's tokens against the second's; None if one has none.

    `logprobs` is (V,).
    """
    first, second = (tokens.get(label) for label in labels)
    if not first or not second:
        return None
    value = np.logaddexp.reduce(logprobs[first]) - np.logaddexp.reduce(logprobs[second])
    return float(value) if np.isfinite(value) else None
