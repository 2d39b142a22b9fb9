"""What code can verify of one answer: a needle, a constraint, a persona's marker, a step.

Knows text rules; nothing of suites or variants.
"""

from __future__ import annotations

from functools import lru_cache

import regex

from corefeel_tui.diagnostics.reading import normalised
from corefeel_tui.diagnostics.wording import words
from corefeel_tui.evidence import Answer, Check
from corefeel_tui.verdicts import PATTERN_SECONDS, spoken


def holds(check: Check, answer: Answer) -> bool:
    """Whether the answer's spoken part keeps the rule."""
    return _holds(check, answer.text)


@lru_cache(maxsize=65_536)
def _holds(check: Check, whole: str) -> bool:
    text = spoken(whole).strip()
    match check.rule:
        case "contains":
            return normalised(check.value) in normalised(text)
        case "absent":
            return normalised(check.value) not in normalised(text)
        case "pattern" | "no_pattern":
            return _found(check.value, text) == (check.rule == "pattern")
        case "starts":
            return text.startswith(check.value)
        case "ends":
            return text.endswith(check.value)
        case "max_words":
            return len(words(text)) <= int(check.value)
        case "min_words":
            return len(words(text)) >= int(check.value)
        case "lowercase":
            return text == text.lower()
        case "uppercase":
            return text == text.upper()


def _found(pattern: str, text: str) -> bool | None:
    """None, which is neither kept nor broken but fails both, where the pattern takes too long."""
    try:
        return regex.search(pattern, text, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return None
