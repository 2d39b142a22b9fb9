"""A prompt on the screen: wrapped into rows that know their characters, and painted by ranges.

Pure: text and ranges in, lines out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len

from corefeel_tui.text.inert import inert
from corefeel_tui.ui.edge.painting import Line

Range = tuple[int, int]
Tint = tuple[int, int, str]
"""Characters start…end in a style."""


@lru_cache(maxsize=8)
def wrapped(text: str, width: int) -> tuple[Range, ...]:
    """Rows of at most `width` cells, broken at blanks where there are any."""
    rows: list[Range] = []
    at = 0
    for line in text.split("\n"):
        rows += _wrap(text, at, at + len(line), max(4, width))
        at += len(line) + 1
    return tuple(rows)


def _wrap(text: str, start: int, end: int, width: int) -> list[Range]:
    rows: list[Range] = []
    while True:
        stop = _fitting(text, start, end, width)
        if stop >= end:
            return [*rows, (start, end)]
        blank = text.rfind(" ", start, stop + 1)
        stop = blank + 1 if blank > start else stop
        rows.append((start, stop))
        start = stop


def _fitting(text: str, start: int, end: int, width: int) -> int:
    """As many characters as fit, at least one."""
    used = 0
    for at in range(start, end):
        used += cell_len(inert(text[at]))
        if used > width:
            return max(at, start + 1)
    return end


def painted_rows(text: str, rows: Sequence[Range], tints: Sequence[Tint]) -> list[Line]:
    """Rows with their tints; a later tint covers an earlier one."""
    styles = [""] * len(text)
    for start, end, style in tints:
        for at in range(max(0, start), min(end, len(text))):
            styles[at] = style
    return [_painted(text, row, styles) for row in rows]


def _painted(text: str, row: Range, styles: Sequence[str]) -> Line:
    line: Line = [("text", " ")]
    at, end = row
    while at < end:
        stop = at
        while stop < end and styles[stop] == styles[at]:
            stop += 1
        line.append((styles[at] or "quiet", inert(text[at:stop])))
        at = stop
    return line


def window(lines: Sequence[Line], rows: Sequence[Range], height: int, focus: int) -> list[Line]:
    """As many lines as fit, the one that holds character `focus` among them."""
    if len(lines) <= height:
        return list(lines)
    at = next((i for i, (start, end) in enumerate(rows) if start <= focus <= end), 0)
    top = max(0, min(at - height // 2, len(lines) - height))
    return list(lines[top : top + height])
