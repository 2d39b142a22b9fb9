"""Lines of the list of items: who said what otherwise, by how much.

Pure: rows in, lines out.
"""

from __future__ import annotations

from rich.cells import set_cell_size

from corefeel_tui.batch_rows import Row
from corefeel_tui.text.inert import inert
from corefeel_tui.text.numbers import short, signed
from corefeel_tui.ui.batch.view import Line

SIGNS = {Row.CRITICAL: "‼", Row.FLIP: "≠", Row.WORDS: "⑂", Row.SAME: " ", Row.NOT_RUN: "–"}
TONES = {Row.CRITICAL: "error", Row.FLIP: "warn", Row.WORDS: "text", Row.SAME: "quiet"}

REST, TRUTH, WIDE = 55, 14, 96
"""Columns beside the item's name; those of its true label, and the width that has them."""


def row_line(row: Row, width: int) -> Line:
    """One row: sign, item, what was said, by whom, margins."""
    name = f"{row.suite.partition('@')[0]}/{row.item}"
    room = max(23, min(36, width - REST - (TRUTH if width >= WIDE else 0)))
    line: Line = [
        (TONES.get(row.rank, "quiet"), f" {SIGNS[row.rank]} "),
        ("text" if row.rank < Row.SAME else "quiet", set_cell_size(inert(name), room)),
    ]
    match row.rank:
        case Row.CRITICAL | Row.FLIP:
            said = f" {inert(row.reference_label)} → {inert(row.label)}"
            line.append((TONES[row.rank], set_cell_size(said, 22)))
            line.append(("text", set_cell_size(inert(row.variants[0]), 13)))
            line.append(("quiet", set_cell_size(_margins(row), 14)))
            if row.expected and width >= WIDE:
                line.append(("quiet", f"truth {inert(row.expected)}"))
        case Row.WORDS:
            line.append(("quiet", set_cell_size(f" {inert(row.reference_label) or 'words'}", 14)))
            line.append(("text", f"other words: {inert(', '.join(row.variants))}"))
            line.append(("quiet", f"  KL {short(row.kl)}" if row.kl is not None else ""))
        case Row.SAME:
            line.append(("quiet", set_cell_size(f" {inert(row.reference_label) or 'words'}", 14)))
            line.append(("quiet", "all the same"))
        case _:
            line.append(("quiet", f" {inert(row.reason)}"))
    return line


def _margins(row: Row) -> str:
    if row.margin is None or row.reference_margin is None:
        return signed(row.margin)
    return f"{signed(row.reference_margin)} → {signed(row.margin)}"
