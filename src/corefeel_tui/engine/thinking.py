"""Which tokens of an answer are thinking, by the tags that mlx-lm finds in a tokenizer.

Knows token ids and the tags; no text, no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ThinkingPart:
    """Follows one answer; thinking are its positions `start`…`stop` − 1, both tags included.

    `start` is None while nothing was thought, `stop` while the thinking goes on.  An answer thinks
    once, first: what stands in tags later is a part of what it says.  `said_from` is where in the
    answer's text its own words begin.
    """

    def __init__(self, tokenizer: Any, prompt: Sequence[int]) -> None:
        self._begins: tuple[int, ...] = ()
        self._ends: tuple[int, ...] = ()
        self.start: int | None = None
        self.stop: int | None = None
        self.said_from = 0
        if tokenizer.has_thinking:
            self._begins = tuple(tokenizer.think_start_tokens)
            self._ends = tuple(tokenizer.think_end_tokens)
            opened = tokenizer.rfind_think_start(prompt) > tokenizer.rfind_think_end(prompt)
            self.start = 0 if opened else None
        self._spoke = False

    @property
    def open(self) -> bool:
        """Whether the thinking has begun and not ended."""
        return self.start is not None and self.stop is None

    def take(self, ids: Sequence[int], text: str) -> bool:
        """Look at an answer grown by a token; whether its thinking began or ended there."""
        if self.stop is not None or not self._begins:
            return False
        if self.start is None:
            return self._take_beginning(ids, text)
        if not _ends_with(ids, self._ends):
            return False
        self.stop, self.said_from = len(ids), len(text)
        return True

    def _take_beginning(self, ids: Sequence[int], text: str) -> bool:
        if self._spoke or not _ends_with(ids, self._begins):
            self._spoke = self._spoke or (len(ids) > len(self._begins) and bool(text.strip()))
            return False
        self.start = len(ids) - len(self._begins)
        return True


def _ends_with(ids: Sequence[int], tag: Sequence[int]) -> bool:
    return tuple(ids[-len(tag) :]) == tuple(tag)
