"""Each token of an answer → the part it plays: verdict word, negation, number, name, key, …

Pure: works on the texts of tokens, without a tokenizer and without a model.  The roles are English
and formal rules, not grammar; the names of people and places are found by their capital alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

ROLES = (
    "verdict",
    "needle",
    "key",
    "negation",
    "number",
    "name",
    "code",
    "thinking",
    "other",
)
"""Every token has exactly one; in the order in which a reader wants them."""

_RANKS = ("other", "name", "number", "negation", "key", "code", "verdict", "needle", "thinking")
"""Weakest first: what two rules claim goes to the stronger one."""
_RANK = {role: rank for rank, role in enumerate(_RANKS)}

LABELS = ("APPROVE", "REVISE", "VETO")
"""Verdict words where nobody names others."""

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|nowhere|neither|nor|cannot|without|\w+n['’]t)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d+(?:[.,:]\d+)*(?:\s?%)?|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"dozen|twenty|thirty|forty|fifty|hundred|thousand|million|half|twice)\b",
    re.IGNORECASE,
)
_KEY = re.compile(r"\b[A-Z]{1,5}[-_]?\d{1,4}\b")
_FENCE = re.compile(r"```(?P<kind>\w*)\n?(?P<body>.*?)(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_CAPITAL = re.compile(r"(?<![\w'’])[^\W\d_a-z][\w'’-]*")
_BEGINNING = re.compile(r"(?:\A|</think>|[.!?:…\n{}\[\]])[\s\"'“‘(*_`#>-]*\Z")
_PRONOUN = re.compile(r"I(?:['’]\w+)?\Z")

Span = tuple[int, int]


def roles_of(
    pieces: Sequence[str], labels: Iterable[str] = LABELS, needles: Iterable[str] = ()
) -> list[str]:
    """The role of every token, given its text; the pieces joined are the answer.

    `labels` are the verdict words, `needles` texts that were to be recalled.  A token of several
    roles has the strongest; one without text goes with the token before it.
    """
    text = "".join(pieces)
    marks = bytearray(len(text))
    for role, spans in _claims(text, labels, needles):
        rank = _RANK[role]
        for start, stop in spans:
            marks[start:stop] = bytes(max(rank, mark) for mark in marks[start:stop])
    found, at = [], 0
    for piece in pieces:
        own = marks[at : at + len(piece)] if piece else marks[max(0, at - 1) : at]
        found.append(_RANKS[max(own, default=0)])
        at += len(piece)
    return found


def _claims(
    text: str, labels: Iterable[str], needles: Iterable[str]
) -> Iterator[tuple[str, Iterable[Span]]]:
    yield "name", _names(text)
    yield "number", _spans(_NUMBER, text)
    yield "negation", _spans(_NEGATION, text)
    yield "key", _spans(_KEY, text)
    yield "code", _code(text)
    yield "verdict", (span for label in labels for span in _label(label, text))
    yield "needle", (span for needle in needles for span in _plain(needle, text))
    yield "thinking", _thinking(text)


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    return (found.span() for found in pattern.finditer(text))


def _plain(wanted: str, text: str) -> Iterator[Span]:
    """Where a text stands, whatever its case."""
    return _spans(re.compile(re.escape(wanted), re.IGNORECASE), text) if wanted else iter(())


def _label(label: str, text: str) -> Iterator[Span]:
    """Where a label stands as a word; a single letter must not begin a sentence such as “A man”."""
    alone = r"(?!\s+[a-z])" if len(label) == 1 else ""
    return _spans(re.compile(rf"(?<!\w){re.escape(label)}(?!\w){alone}"), text)


def _thinking(text: str) -> Iterator[Span]:
    """Everything up to the last end of thinking, or all of it while the thinking goes on."""
    end = text.rfind("</think>")
    if end >= 0:
        yield 0, end + len("</think>")
    elif text.lstrip().startswith("<think>"):
        yield 0, len(text)


def _code(text: str) -> Iterator[Span]:
    """Fenced and inline code; a fence around an object is an answer, not code."""
    for found in _FENCE.finditer(text):
        body = (found["body"] or "").lstrip()
        if found["kind"] != "json" and not body.startswith(("{", "[")):
            yield found.span()


def _names(text: str) -> Iterator[Span]:
    """Capitalised words inside a sentence, and the same words where they begin one."""
    words = [word for word in _CAPITAL.finditer(text) if not _PRONOUN.match(word.group())]
    inside = {word.group() for word in words if not _begins_sentence(text, word.start())}
    return (word.span() for word in words if word.group() in inside)


def _begins_sentence(text: str, at: int) -> bool:
    return _BEGINNING.search(text[max(0, at - 12) : at]) is not None if at else True
