"""Reading prompts into caches, in chunks, from the longest prefix a model has already read.

Knows mlx-lm's prompt caches and tokens; no text and no chat.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import LRUPromptCache, can_trim_prompt_cache, make_prompt_cache

CHUNK = 256
"""Prompt tokens per forward pass; between two passes another job may have a turn."""


class Prefixes:
    """What each model has read and may go on from (mlx-lm's own prompt cache, a key per model).

    Caches that can be trimmed serve any common prefix; recurrent ones only their exact length,
    so `fill` also keeps a snapshot at `boundary` for them.
    """

    def __init__(self, max_size: int = 64, max_bytes: int = 2 << 30) -> None:
        self._store = LRUPromptCache(max_size=max_size, max_bytes=max_bytes)

    @property
    def bytes(self) -> int:
        """What all that is remembered takes."""
        return int(self._store.nbytes)

    def fetch(self, model: str, tokens: Sequence[int]) -> tuple[list[Any] | None, int]:
        """A private copy of the best caches for `tokens`, and how many tokens they hold."""
        caches, rest = self._store.fetch_nearest_cache(model, list(tokens))
        return caches, len(tokens) - len(rest)

    def keep(self, model: str, tokens: Sequence[int], caches: list[Any]) -> None:
        """Remember caches that hold exactly `tokens`; they must not be used elsewhere after."""
        if tokens:
            self._store.insert_cache(model, list(tokens), caches)

    def snapshot(self, model: str, tokens: Sequence[int], caches: list[Any]) -> None:
        """Remember a copy of caches that will be read on."""
        self.keep(model, tokens, copies(caches))


def copies(caches: Sequence[Any]) -> list[Any]:
    """The caches as they stand, sharing no array that is written to."""
    return [_copy(cache) for cache in caches]


def _copy(cache: Any) -> Any:
    """The cache as it stands; a copy of its arrays, since caches write theirs in place."""
    copied: Any = object.__new__(type(cache))
    for name, value in vars(cache).items():
        setattr(copied, name, _copy_value(value))
    return copied


def _copy_value(value: Any) -> Any:
    if isinstance(value, mx.array):
        return mx.array(value)
    if isinstance(value, list | tuple):
        return type(value)(_copy_value(item) for item in value)
    if hasattr(value, "update_and_fetch"):
        return _copy(value)
    return value


def fill(
    name: str,
    model: nn.Module,
    prompt: Sequence[int],
    prefixes: Prefixes | None = None,
    boundary: int = 0,
) -> Generator[None, None, list[Any]]:
    """Caches that hold all of `prompt` but its last token; yields between chunks.

    With `prefixes`, reading starts behind the longest known prefix, and caches that cannot be
    trimmed leave a snapshot at `boundary` tokens.
    """
    head = list(prompt[:-1])
    caches, done = prefixes.fetch(name, head) if prefixes else (None, 0)
    if caches is None:
        caches, done = make_prompt_cache(model), 0
    while done < len(head):
        stop = min(done + CHUNK, len(head))
        if done < boundary < stop:
            stop = boundary
        model(mx.array(head[done:stop], dtype=mx.int32)[None], cache=caches)
        mx.eval([cache.state for cache in caches])
        done = stop
        if prefixes and done == boundary and not can_trim_prompt_cache(caches):
            prefixes.snapshot(name, head[:done], caches)
        yield
    return caches
