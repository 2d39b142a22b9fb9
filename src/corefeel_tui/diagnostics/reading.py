"""Stored text → the label it carries, read anew each time under the rules in force.

Knows verdict rules and the openers of refusals; no model.  An answer that was cut off has no
verdict: it might have gone on to say something else.
"""

from __future__ import annotations

import re
from functools import lru_cache

import regex

from corefeel_tui.diagnostics.openers import refusal_label
from corefeel_tui.evidence import Answer, SuitePlan
from corefeel_tui.verdicts import PATTERN_SECONDS, UNPARSED, VerdictSpec, parse, spoken

_GROUPING = re.compile(r"(?<=\d),(?=\d{3})")


def label_of(answer: Answer, plan: SuitePlan) -> str | None:
    """The label of one answer; None where the suite asks for none."""
    rule = plan.verdict
    if not rule:
        return None
    if rule.get("openers"):
        return refusal_label(spoken(answer.text))
    if answer.reason != "stop":
        return UNPARSED
    if plan.labels:
        return _parsed(answer.text, plan.labels, rule.get("json_key"), rule.get("pattern"))
    return _free_answer(answer.text, rule.get("pattern") or "")


@lru_cache(maxsize=65_536)
def _parsed(text: str, labels: tuple[str, ...], key: str | None, pattern: str | None) -> str:
    return parse(text, VerdictSpec(labels, key, pattern))


@lru_cache(maxsize=65_536)
def _free_answer(text: str, pattern: str) -> str:
    """The last match of a pattern without a label set: a number, a name."""
    try:
        found = regex.findall(pattern, spoken(text), timeout=PATTERN_SECONDS) if pattern else []
    except TimeoutError:
        return UNPARSED
    if not found:
        return UNPARSED
    last = found[-1] if isinstance(found[-1], str) else found[-1][0]
    return normalised(last)


@lru_cache(maxsize=65_536)
def normalised(text: str) -> str:
    """An answer as it is compared: lower case, blanks collapsed, no full stop or digit grouping."""
    plain = _GROUPING.sub("", text.casefold())
    return " ".join(plain.split()).strip(" .!?*`\"'")
