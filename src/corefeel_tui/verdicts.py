"""An answer's text → the label it carries.  Knows suites' verdict rules, no tokens and no model.

A verdict counts only from one complete JSON object without duplicate keys and with an exact
label; anything else that tried to be a verdict is `UNPARSED` (DESIGN 4.8).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import regex

UNPARSED = "UNPARSED"
PATTERN_SECONDS = 0.1
"""Longest time a suite's own pattern may run on one answer."""


@dataclass(frozen=True)
class VerdictSpec:
    """Where the label stands and which labels there are, mildest first.

    Exactly one of `json_key` and `pattern` (its first group is the label) is set.  `margin` names
    the two labels whose log-odds are the margin: positive means the first.
    """

    labels: tuple[str, ...]
    json_key: str | None = None
    pattern: str | None = None
    margin: tuple[str, str] | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> VerdictSpec:
        """The inverse of `as_dict`; raises ValueError where the rule is no rule."""
        labels = tuple(data["labels"])
        margin = data.get("margin")
        spec = cls(
            labels, data.get("json_key"), data.get("pattern"), tuple(margin) if margin else None
        )
        if (spec.json_key is None) == (spec.pattern is None):
            raise ValueError("a verdict is read either by json_key or by pattern")
        if len(set(labels)) < 2 or not all(labels):
            raise ValueError("a verdict needs at least two different labels, none of them empty")
        if margin and not set(margin) <= set(labels):
            raise ValueError(f"margin labels {margin} are not among {list(labels)}")
        return spec

    def as_dict(self) -> dict[str, Any]:
        """A JSON-able description."""
        return asdict(self)

    @cached_property
    def opening(self) -> re.Pattern[str] | None:
        """Matches the text just before a JSON label; group "value" is what stands of it so far."""
        if self.json_key is None:
            return None
        return re.compile(rf'"{re.escape(self.json_key)}"\s*:\s*(?P<quote>"?)(?P<value>[^"]*)')


JUDGE = VerdictSpec(
    labels=("APPROVE", "REVISE", "VETO"), json_key="decision", margin=("VETO", "APPROVE")
)
"""The evaluator's three classes: what `ask` looks for where no suite says otherwise."""


def spoken(text: str) -> str:
    """The answer without its thinking part; nothing while the thinking goes on."""
    _, closed, after = text.rpartition("</think>")
    if closed:
        return after
    return "" if text.lstrip().startswith("<think>") else text


def parse(text: str, spec: VerdictSpec) -> str:
    """The label of a finished answer, or `UNPARSED`."""
    text = spoken(text)
    if spec.json_key is not None:
        return _parse_json(text, spec.json_key, spec.labels)
    assert spec.pattern is not None
    return _parse_pattern(text, spec.pattern, spec.labels)


def mentions_verdict(text: str, spec: VerdictSpec) -> bool:
    """Whether the text tried to give a verdict at all, right or wrong."""
    if spec.json_key is not None:
        return f'"{spec.json_key}"' in spoken(text)
    return parse(text, spec) != UNPARSED


def provisional(text: str, spec: VerdictSpec) -> str | None:
    """The label an unfinished answer has already completed, or None."""
    if spec.opening is None:
        label = parse(text, spec)
        return None if label == UNPARSED else label
    text = spoken(text)
    found = spec.opening.search(text)
    if found is None or found["quote"] != '"':
        return None
    closed = text[found.end() : found.end() + 1] == '"'
    value = found["value"]
    if closed:
        return value if value in spec.labels else UNPARSED
    fits = [label for label in spec.labels if label == value]
    return fits[0] if fits else None


class _DuplicateKey(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise _DuplicateKey
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _parse_json(text: str, key: str, labels: Sequence[str]) -> str:
    """The label of the one JSON object in `text`; a fence or words around it are allowed.

    A brace before or after it, or a list around it, makes it a part of something else.
    """
    start = text.find("{")
    if start == -1:
        return UNPARSED
    try:
        found, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return UNPARSED
    before, after = text[:start], text[end:]
    if "}" in before or before.rstrip().endswith("[") or "{" in after or "}" in after:
        return UNPARSED
    given = found.get(key)
    return given if isinstance(given, str) and given in labels else UNPARSED


def _parse_pattern(text: str, pattern: str, labels: Sequence[str]) -> str:
    try:
        found = regex.findall(pattern, text, timeout=PATTERN_SECONDS)
    except TimeoutError:
        return UNPARSED
    groups = {match if isinstance(match, str) else match[0] for match in found}
    if len(groups) != 1:
        return UNPARSED
    given = groups.pop()
    return given if given in labels else UNPARSED
