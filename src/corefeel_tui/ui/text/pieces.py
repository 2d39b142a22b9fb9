"""Pieces that are no whole characters, put right once the finished text is known.

Knows texts of tokens; nothing of scores or cells.
"""

from __future__ import annotations

from collections.abc import Iterator

BROKEN = "\ufffd"


def mended(pieces: list[str], text: str) -> Iterator[tuple[int, int, str]]:
    """Pieces with runs of broken ones replaced by what the finished text holds in their place."""
    offset = 0
    at = 0
    while at < len(pieces):
        if BROKEN not in pieces[at]:
            offset = _after(pieces[at], text, offset, at == 0)
            yield at, at, pieces[at]
            at += 1
            continue
        stop = at
        while stop < len(pieces) and BROKEN in pieces[stop]:
            stop += 1
        found = text.find(pieces[stop], offset) if stop < len(pieces) else len(text)
        if offset < 0 or found < offset:
            found = len(text) if offset >= 0 and stop >= len(pieces) - 1 else -1
        if found < 0 or offset < 0:
            yield from ((i, i, pieces[i]) for i in range(at, stop))
            offset = -1
        else:
            yield at, stop - 1, text[offset:found]
            offset = found
        at = stop


def _after(piece: str, text: str, offset: int, first: bool) -> int:
    """The offset behind a piece that stands at `offset`; −1 once text and pieces disagree."""
    if offset < 0:
        return -1
    if text.startswith(piece, offset):
        return offset + len(piece)
    bare = piece.lstrip(" ")
    if first and text.startswith(bare):
        return len(bare)
    return -1
