"""The house's tables and lines on a terminal or in a pipe.

Knows rich; nothing of what the tables say.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from corefeel_tui.text.inert import inert, inert_lines
from corefeel_tui.text.numbers import MISSING, short

PIPE_WIDTH = 120
"""Columns where nobody knows the width."""


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with 1, which here means a failed gate


def console() -> Console:
    """Stdout; nothing in what is printed is taken for markup."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return _Stdout(width=width, markup=False, highlight=False, emoji=False)


def line(*parts: str | tuple[str, str]) -> Text:
    """Text in styles, made inert: what a model wrote is shown, never obeyed."""
    safe = [inert(p) if isinstance(p, str) else (inert(p[0]), p[1]) for p in parts]
    return Text.assemble(*safe)


def body(text: str, style: str = "") -> Text:
    """A model's own words, line breaks kept, everything else inert."""
    return Text(inert_lines(text), style=style)


def table(
    headings: Iterable[str], rows: Iterable[Iterable[str]], words: Collection[str] = ()
) -> Table:
    """Numbers to the right; the first column and those named in `words` to the left."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for i, heading in enumerate(headings):
        left = i == 0 or heading in words
        made.add_column(heading, justify="left" if left else "right", overflow="fold")
    for row in rows:
        made.add_row(*(Text(inert(cell)) for cell in row))
    return made


def small_print(out: Console, *parts: str) -> None:
    """What it takes to read a table, on one line however long."""
    shown = " · ".join(part for part in parts if part)
    out.print(Text(inert(shown), style="dim"), soft_wrap=True)


def bytes_short(count: float | None) -> str:
    """Bytes in the unit that keeps three digits."""
    if count is None:
        return MISSING
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def percent(fraction: float | None) -> str:
    """A fraction as per cent with one decimal."""
    return MISSING if fraction is None else f"{100 * fraction:.1f} %"


def above_floor(value: float | None, floor: float | None) -> str:
    """A drift, or that it cannot be told from zero."""
    if value is not None and floor is not None and 0 < value <= floor:
        return f"≤ floor {short(floor)}"
    return short(value)
