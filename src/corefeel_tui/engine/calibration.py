"""The text that GPTQ, AWQ, DWQ and SmoothQuant look at: the shipped one, or the user's own.

Knows files and a tokenizer; no method and no model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corefeel_tui import tomlfile
from corefeel_tui.errors import UsageError
from corefeel_tui.paths import calibration_text

SEGMENT = 256
"""Tokens read at a time."""
FEWEST, MOST = 8, 128
"""Segments a method needs, and how many of a long text it reads."""

Segments = list[list[int]]


def read_segments(tokenizer: Any, source: str | None, context: int) -> Segments:
    """The shipped calibration text, or the user's own, as equally long runs of tokens.

    Raises UsageError on a file that cannot be read or is too short.
    """
    path = Path(source) if source else calibration_text()
    ids = list(tokenizer.encode(tomlfile.read_text(path), add_special_tokens=False))
    size = min(SEGMENT, context)
    if len(ids) < FEWEST * size:
        raise _too_short(path, f"{len(ids)}", size)
    return [ids[i : i + size] for i in range(0, len(ids) - size + 1, size)][:MOST]


def check_text(source: str, context: int) -> None:
    """What can be known of a text without a tokenizer: it can be read, and has a byte for every
    token it must have.  Raises UsageError where it does not."""
    path, size = Path(source), min(SEGMENT, context)
    held = len(tomlfile.read_text(path).encode())
    if held < FEWEST * size:
        raise _too_short(path, f"at most {held}", size)


def _too_short(path: Path, held: str, size: int) -> UsageError:
    return UsageError(
        f"the calibration text {path} has {held} tokens; at least {FEWEST * size} are needed, so "
        "give a longer one"
    )
