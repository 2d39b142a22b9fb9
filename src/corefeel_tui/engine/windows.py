"""Files of text or tokens → the windows that are scored.

Knows file formats, the tokenizer and the context; runs no model.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic_core import from_json

from corefeel_tui.engine.modelset import ModelSet
from corefeel_tui.errors import UsageError

Window = list[int]

DEFAULT_CONTEXT = 2048


def read_windows(
    models: ModelSet, text: str | None, tokens: str | None, context: int | None
) -> list[Window]:
    """The windows of a text file or of a JSON file of token-id lists; exactly one is given.

    Each text or list is cut after every `context` tokens.  Raises UsageError on anything that
    cannot be scored.
    """
    if (text is None) == (tokens is None):
        raise UsageError("name one of --text and --tokens")
    size = window_size(models, context)
    if text is not None:
        sequences = [_read_text(models, Path(text))]
    else:
        sequences = _read_tokens(Path(str(tokens)), models.vocabulary)
    windows = [ids[i : i + size] for ids in sequences for i in range(0, len(ids), size)]
    windows = [window for window in windows if len(window) > 1]
    if not windows:
        raise UsageError(f"{text or tokens} has fewer than two tokens, so there is none to score")
    return windows


def window_size(models: ModelSet, context: int | None) -> int:
    """Tokens per window.  Raises UsageError where that is more than the model can read."""
    if context is None:
        return min(DEFAULT_CONTEXT, models.context)
    if context < 2:
        raise UsageError(f"--context {context} leaves nothing to predict; it must be at least 2")
    if context > models.context:
        raise UsageError(
            f"--context {context} is {context - models.context} more than the {models.context} "
            "tokens this model was made for"
        )
    return context


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read “{path}”: {error.strerror or error}") from error


def _read_text(models: ModelSet, path: Path) -> Window:
    try:
        text = _read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"“{path}” is not UTF-8 text (byte {error.start}); convert it first"
        ) from error
    if not text.strip():
        raise UsageError(f"“{path}” is empty")
    ids = list(models.tokenizer.encode(text))
    if max(ids, default=0) >= models.vocabulary:
        raise UsageError(
            f"“{path}” holds the token {max(ids)}, for which this model has no row "
            f"(it has {models.vocabulary})"
        )
    return ids


def _read_tokens(path: Path, vocabulary: int) -> list[Window]:
    try:
        lists = from_json(_read_bytes(path))
    except ValueError as error:
        raise UsageError(f"“{path}” is not JSON: {error}") from error
    if not isinstance(lists, list) or not all(isinstance(ids, list) for ids in lists):
        raise UsageError(f"“{path}” must hold a list of lists of token ids, as in [[1, 2, 3]]")
    for number, ids in enumerate(lists):
        for position, token in enumerate(ids):
            if type(token) is not int or not 0 <= token < vocabulary:
                raise UsageError(
                    f"“{path}”: entry {position} of list {number} is {json.dumps(token)[:40]}, "
                    f"not a token id from 0 to {vocabulary - 1}"
                )
    return lists
