"""Word diff of an answer against the reference's, from the fork on.

Knows two texts; nothing of tokens.  Work is bounded: past `WORDS` words the rest is left unmarked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

WORDS = 1500
"""How many words after the fork are compared; enough for any screen, bounded for any answer."""

_WORD = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters `start`…`stop` of the answer stand where the reference has `removed`."""

    start: int
    stop: int
    removed: str


def word_edits(reference: str, answer: str, complete: bool = True) -> list[Edit]:
    """Edits in order.  Unless `complete`, what one text merely has not said yet is no edit."""
    begin = _word_start(answer, _common(reference, answer))
    theirs = list(_WORD.finditer(reference, begin))[:WORDS]
    ours = list(_WORD.finditer(answer, begin))[:WORDS]
    matcher = SequenceMatcher(None, [m[0] for m in theirs], [m[0] for m in ours], autojunk=False)
    edits = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            continue
        removed = reference[theirs[i].start() : theirs[j - 1].end()] if j > i else ""
        start = ours[k].start() if k < len(ours) else len(answer)
        stop = ours[m - 1].end() if m > k else start
        if complete or (j < len(theirs) and m < len(ours)) or kind == "replace":
            edits.append(Edit(start, stop, " ".join(removed.split())))
    return edits


def _common(first: str, second: str) -> int:
    """Length of the common beginning."""
    limit = min(len(first), len(second))
    low = 0
    while low < limit and first[low] == second[low]:
        low += 1
    return low


def _word_start(text: str, offset: int) -> int:
    """The beginning of the word that `offset` stands in."""
    while offset > 0 and offset <= len(text) and text[offset - 1].isalnum():
        offset -= 1
    return offset
