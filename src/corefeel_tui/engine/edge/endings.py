"""A readout's labels as tokens: what all of them begin with, and what remains of each.

Knows a tokenizer and texts; no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corefeel_tui.edge.readouts import Readout
from corefeel_tui.engine.constrained import shared_length
from corefeel_tui.errors import UsageError


@dataclass(frozen=True)
class Endings:
    """`shared` tokens come first; `texts[label]` are what may follow, none of which begins another.

    Every text has at least one token.
    """

    shared: list[int]
    texts: dict[str, list[list[int]]]

    @property
    def longest(self) -> int:
        """Tokens of the longest whole ending."""
        return len(self.shared) + max(len(ids) for own in self.texts.values() for ids in own)

    @property
    def inputs(self) -> list[list[int]]:
        """Rows of tokens whose passes show every token of every text but its first.

        A row that another one begins with is left out.
        """
        needed = {tuple(ids[:-1]) for own in self.texts.values() for ids in own if len(ids) > 1}
        return [
            list(row)
            for row in sorted(needed)
            if not any(row != other and other[: len(row)] == row for other in needed)
        ]


def make_endings(tokenizer: Any, readout: Readout) -> Endings:
    """The labels' tokens.  Raises UsageError where a label cannot be written or told apart."""
    texts = {
        label: [_encoded(tokenizer, readout, label, text) for text in own]
        for label, own in readout.labels.items()
    }
    texts = {label: _shortest(own) for label, own in texts.items()}
    _check_apart(texts)
    flat = {f"{label}/{i}": ids for label, own in texts.items() for i, ids in enumerate(own)}
    count = shared_length(flat)
    rest = {label: [ids[count:] for ids in own] for label, own in texts.items()}
    return Endings(next(iter(flat.values()))[:count], rest)


def _encoded(tokenizer: Any, readout: Readout, label: str, text: str) -> list[int]:
    """Tokens of opening, text and closing, encoded whole since tokenizers merge across seams."""
    whole = readout.opening + text + readout.closing
    try:
        ids = list(tokenizer.encode(whole, add_special_tokens=False))
    except (TypeError, ValueError):  # lone surrogates and the like
        ids = []
    unknown = getattr(tokenizer, "unk_token_id", None)
    if not ids or (unknown is not None and unknown in ids):
        raise UsageError(
            f"this model's tokenizer cannot write the label “{_shown(label)}”; choose another"
        )
    return ids


def _shortest(own: Sequence[list[int]]) -> list[list[int]]:
    """Texts of one label without those that another of them begins."""
    return [
        ids
        for i, ids in enumerate(own)
        if not any(
            ids[: len(o)] == o and (len(o) < len(ids) or j < i) for j, o in enumerate(own) if j != i
        )
    ]


def _check_apart(texts: dict[str, list[list[int]]]) -> None:
    for one, own in texts.items():
        for other, others in texts.items():
            if one != other and any(b[: len(a)] == a for a in own for b in others):
                raise UsageError(
                    f"“{_shown(one)}” is how “{_shown(other)}” begins, so the two cannot be told "
                    "apart; write what follows as well, such as a full stop"
                )


def _shown(label: str) -> str:
    return label.encode("utf-8", "backslashreplace").decode()
