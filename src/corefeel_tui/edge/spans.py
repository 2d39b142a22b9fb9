"""Which parts of a prompt can be taken out: words, clauses, whole lines.  Knows text only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corefeel_tui.errors import UsageError

UNITS = ("word", "clause", "line")
WORD = re.compile(r"\w+(?:[-'’.]\w+)*")
CLAUSE = re.compile(r"\S.*?(?:[,;:.!?]+(?=\s|$)\s*|$)", re.DOTALL)
VALUE = re.compile(r':\s*"((?:[^"\\]|\\.)*)"')
"""A string value in a line of JSON; keys, numbers and brackets stay, so that it stays JSON."""

LISTED = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+\S")


@dataclass(frozen=True, slots=True)
class Span:
    """prompt[start:end], with the blanks that go with it."""

    start: int
    end: int
    unit: str

    def of(self, prompt: str) -> str:
        """Its text."""
        return prompt[self.start : self.end]

    def without(self, prompt: str) -> str:
        """The prompt without it."""
        return prompt[: self.start] + prompt[self.end :]


def removable(prompt: str, units: Sequence[str] = UNITS) -> list[Span]:
    """Every part that can go without leaving nothing, in the order of the text, none twice.

    Raises UsageError on a unit there is not, or where nothing can be taken out.
    """
    makers = {"word": words, "clause": clauses, "line": lines}
    for unit in units:
        if unit not in makers:
            known = ", ".join(UNITS)
            raise UsageError(f"no part of a prompt is called “{unit}”; known are {known}")
    found = {
        (span.start, span.end): span
        for unit in UNITS
        if unit in units
        for span in makers[unit](prompt)
        if span.without(prompt).strip()
    }
    if not found:
        raise UsageError("nothing can be taken out of this prompt; write more than one word")
    return sorted(found.values(), key=lambda span: (span.start, span.end))


def words(prompt: str) -> Iterator[Span]:
    """Words, each with the blank after it, or before it where it stands last."""
    for start, end in _texts(prompt):
        for word in WORD.finditer(prompt, start, end):
            yield _with_blank(prompt, word.start(), word.end(), start, end, "word")


def clauses(prompt: str) -> Iterator[Span]:
    """Parts of a line between marks of punctuation, of at least two words, not the whole text."""
    for start, end in _texts(prompt):
        parts = [(m.start(), m.end()) for m in CLAUSE.finditer(prompt, start, end) if m.group()]
        for left, right in parts if len(parts) > 1 else ():
            if len(WORD.findall(prompt[left:right])) > 1:
                yield Span(left, right, "clause")


def lines(prompt: str) -> Iterator[Span]:
    """Lines that hold something, each with its line break."""
    at = 0
    for line in prompt.splitlines(keepends=True):
        end = at + len(line)
        before = at > 0 and end == len(prompt) and not line.endswith("\n")
        if line.strip():
            yield Span(at - before, end, "line")
        at = end


def evidence_lines(prompt: str) -> list[Span]:
    """Lines that are one JSON object or an entry of a list."""
    return [span for span in lines(prompt) if _is_evidence(span.of(prompt).strip("\n"))]


def _is_evidence(line: str) -> bool:
    return is_json(line) or bool(LISTED.match(line))


def is_json(line: str) -> bool:
    """Whether a line is one JSON object."""
    text = line.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _texts(prompt: str) -> Iterator[tuple[int, int]]:
    """Where words may stand: whole lines, and the string values of lines of JSON."""
    at = 0
    for line in prompt.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        if is_json(body):
            for value in VALUE.finditer(body):
                yield at + value.start(1), at + value.end(1)
        else:
            yield at, at + len(body)
        at += len(line)


def _with_blank(prompt: str, left: int, right: int, start: int, end: int, unit: str) -> Span:
    if right < end and prompt[right] == " ":
        return Span(left, right + 1, unit)
    if left > start and prompt[left - 1] == " ":
        return Span(left - 1, right, unit)
    return Span(left, right, unit)
