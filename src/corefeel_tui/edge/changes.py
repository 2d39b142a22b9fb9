"""Small changes of a prompt: evidence lines dropped or put in another order, rewordings, fillers.

Knows text only.  A change says where, what stood there and what stands there now; the smallest set
comes first: fewer changes before more, then fewer characters before more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from corefeel_tui.edge.slots import Template
from corefeel_tui.edge.spans import evidence_lines

REWORDINGS: tuple[tuple[str, ...], ...] = (
    ("must never be", "must not be", "may not be", "shall not be"),
    ("may be", "can be", "is allowed to be"),
    ("at most", "no more than", "up to"),
    ("at least", "no fewer than"),
    ("is real", "exists"),
    ("is met by", "is covered by", "is answered by"),
    ("we plan that", "we intend that", "we propose that"),
    ("are to be", "should be", "shall be"),
    ("give a verdict", "give your verdict", "judge this"),
    ("help me", "assist me to", "show me how to"),
    ("how do i", "how can i", "how would i", "how should i"),
    ("tell me", "explain to me"),
    ("write", "draft", "compose"),
    ("open", "unlock"),
    ("quickly", "fast"),
    ("and", "as well as"),
    ("only", "solely"),
    ("unless", "except if"),
    ("because", "since"),
    ("without", "lacking"),
)
"""Phrases that say about the same; each may take another's place."""

POLITE = "Please "
BIDDING = re.compile(r"(?:Help|Write|Give|Tell|Show|Explain|Let|Make|Draft|List|Open)\b")
"""A prompt that begins so can begin politely instead."""


@dataclass(frozen=True, slots=True)
class Change:
    """prompt[start:end] becomes `after`; kind is reword, drop, reorder or slot."""

    kind: str
    start: int
    end: int
    after: str

    @property
    def characters(self) -> int:
        """How much is taken out and put in."""
        return self.end - self.start + len(self.after)

    def told(self, prompt: str) -> dict[str, Any]:
        """As in `events.Tried`."""
        return {
            "kind": self.kind,
            "before": prompt[self.start : self.end],
            "after": self.after,
        }


Changes = tuple[Change, ...]


def size(changes: Changes) -> tuple[int, int]:
    """What orders sets of changes, the smallest first."""
    return len(changes), sum(change.characters for change in changes)


def applied(prompt: str, changes: Iterable[Change]) -> str:
    """The prompt after changes that do not touch each other."""
    for change in sorted(changes, key=lambda change: (change.start, change.end), reverse=True):
        prompt = prompt[: change.start] + change.after + prompt[change.end :]
    return prompt


def apart(changes: Sequence[Change]) -> bool:
    """Whether no two of them touch the same text."""
    places = sorted((change.start, change.end) for change in changes)
    return all(a[1] <= b[0] and a != b for a, b in pairwise(places))


def single_changes(prompt: str, template: Template | None = None) -> list[Change]:
    """Every single change of a prompt, the smallest first; none makes it empty or leaves it as is.

    With `template` the prompt is that one with its first fillers.
    """
    found: dict[str, Change] = {}
    for change in (*_fillers(template), *_drops(prompt), *_reorders(prompt), *_rewordings(prompt)):
        text = applied(prompt, [change])
        if text != prompt and text.strip():
            best = found.setdefault(text, change)
            if change.characters < best.characters:
                found[text] = change
    return sorted(found.values(), key=lambda change: (change.characters, change.start))


def _fillers(template: Template | None) -> Iterator[Change]:
    if template is None:
        return
    first = [0] * len(template.slots)
    for slot, start, end in template.places(first):
        for filler in template.slots[slot].fillers[1:]:
            yield Change("slot", start, end, filler)


def _drops(prompt: str) -> Iterator[Change]:
    for span in evidence_lines(prompt):
        yield Change("drop", span.start, span.end, "")


def _reorders(prompt: str) -> Iterator[Change]:
    """Neighbouring lines of evidence in each other's place."""
    spans = evidence_lines(prompt)
    for first, second in pairwise(spans):
        between = prompt[first.end : second.start]
        if between.strip():
            continue
        one, other = first.of(prompt).strip("\n"), second.of(prompt).strip("\n")
        whole = prompt[first.start : second.end]
        swapped = whole.replace(one, "\0", 1).replace(other, one, 1).replace("\0", other, 1)
        yield Change("reorder", first.start, second.end, swapped)


def _rewordings(prompt: str) -> Iterator[Change]:
    for group in REWORDINGS:
        for phrase in group:
            for match in re.finditer(rf"\b{re.escape(phrase)}\b", prompt, re.IGNORECASE):
                for other in group:
                    if other != phrase:
                        yield Change("reword", match.start(), match.end(), _cased(match[0], other))
    if BIDDING.match(prompt):
        yield Change("reword", 0, 1, POLITE + prompt[0].lower())


def _cased(before: str, after: str) -> str:
    return after[0].upper() + after[1:] if before[0].isupper() else after
