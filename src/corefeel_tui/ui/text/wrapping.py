"""Cells flowed into rows of a given width, word by word, growing at the end only.

Knows cell widths; nothing of what a cell means or how it is drawn.  Appending gives the same rows
as laying out everything at once, so a stream never re-flows what a reader already read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len

from corefeel_tui.ui.text.cells import Cell

_CHUNKS = re.compile(r"\n|[^\S\n]+|[^\s]+")


class Fragment(NamedTuple):
    """The part of a cell that stands on one row; `width` in terminal columns."""

    text: str
    cell: Cell
    width: int


Row = list[Fragment]


class Flow:
    """Rows of at most `width` columns."""

    def __init__(self, width: int) -> None:
        self.width = max(2, width)
        self.rows: list[Row] = [[]]
        self._used = 0
        self._break: int | None = None

    def add(self, cells: Iterable[Cell]) -> int:
        """Append cells; returns the first row that changed."""
        first = len(self.rows) - 1
        for cell in cells:
            for chunk in _CHUNKS.findall(cell.text):
                self._add_chunk(chunk, cell)
        return first

    # --- where things stand -----------------------------------------------------------------------

    def row_of(self, position: int) -> int:
        """The row where a position's word stands; its blank may hang on the row above."""
        for number in range(len(self.rows) - 1, -1, -1):
            row = self.rows[number]
            if not row or row[0].cell.position > position:
                continue
            if row[0].cell.covers(position) and number and _readable(self.rows[number - 1], row[0]):
                continue
            inside = any(fragment.cell.covers(position) for fragment in row)
            return number if inside else min(number + 1, len(self.rows) - 1)
        return 0

    def hit(self, number: int, column: int) -> int:
        """The position at a column of a row; the nearest before it where there is none."""
        number = min(number, len(self.rows) - 1)
        while number > 0 and not self.rows[number]:
            number -= 1
        position = 0
        for fragment in self.rows[number]:
            position = fragment.cell.position
            column -= fragment.width
            if column < 0:
                break
        return position

    def beside(self, position: int, step: int) -> int:
        """The nearest other position in the rows below (step 1) or above (−1)."""
        number, column = self.row_of(position), 0
        for fragment in self.rows[number]:
            if fragment.cell.covers(position):
                break
            column += fragment.width
        target = position
        while target == position and 0 <= number + step < len(self.rows):
            number += step
            target = self.hit(number, column)
        return target

    # --- growing ----------------------------------------------------------------------------------

    def _add_chunk(self, chunk: str, cell: Cell) -> None:
        if chunk == "\n":
            if self._used < self.width:
                self._put(" ", cell, 1)
            self._new_row()
        elif chunk.isspace():
            self._add_blanks(chunk, cell)
        elif cell_len(chunk) == len(chunk):
            self._add_word(chunk, cell)
        else:
            for narrow, wide in _split_wide(chunk):
                self._add_word(narrow, cell)
                self._add_wide(wide, cell)

    def _add_blanks(self, text: str, cell: Cell) -> None:
        """Blanks before a word may hang over a row's end; a cell of nothing else stays visible."""
        if self._used + len(text) <= self.width or not cell.text.strip():
            self._add_letters(text, cell)
        self._break = len(self.rows[-1])

    def _add_wide(self, text: str, cell: Cell) -> None:
        """A wide character: a line may break on either side of it."""
        if text:
            self._break = len(self.rows[-1])
            self._add_word(text, cell)
            self._break = len(self.rows[-1])

    def _add_word(self, text: str, cell: Cell) -> None:
        width = cell_len(text)
        if self._used + width > self.width and self._break is not None and self.rows[-1]:
            self._carry_word()
        if self._used + width > self.width:
            self._add_letters(text, cell)
        elif text:
            self._put(text, cell, width)

    def _add_letters(self, text: str, cell: Cell) -> None:
        """Break anywhere: a word longer than a row, or blanks."""
        start, used = 0, 0
        for at, letter in enumerate(text):
            width = cell_len(letter)
            if self._used + used + width > self.width:
                if at > start:
                    self._put(text[start:at], cell, used)
                self._new_row()
                start, used = at, 0
            used += width
        if start < len(text):
            self._put(text[start:], cell, used)

    def _put(self, text: str, cell: Cell, width: int) -> None:
        self.rows[-1].append(Fragment(text, cell, width))
        self._used += width

    def _new_row(self) -> None:
        self.rows.append([])
        self._used, self._break = 0, None

    def _carry_word(self) -> None:
        """Take the word that no longer fits along to a new row."""
        row = self.rows[-1]
        carried = row[self._break :]
        del row[self._break :]
        self._new_row()
        self.rows[-1].extend(carried)
        self._used = sum(fragment.width for fragment in carried)


def _readable(row: Row, fragment: Fragment) -> bool:
    """Whether the fragment's cell has something to read on a row."""
    return any(other.cell is fragment.cell and other.text.strip() for other in row)


def _split_wide(text: str) -> Iterable[tuple[str, str]]:
    """Pairs of (narrow run, one wide character with what combines with it or "")."""
    narrow = ""
    wide = ""
    for letter in text:
        width = cell_len(letter)
        if width == 2:
            if narrow or wide:
                yield ("", wide) if wide else (narrow, "")
            narrow, wide = "", letter
        elif width == 0 and wide:
            wide += letter
        else:
            if wide:
                yield "", wide
                wide = ""
            narrow += letter
    if narrow or wide:
        yield ("", wide) if wide else (narrow, "")
