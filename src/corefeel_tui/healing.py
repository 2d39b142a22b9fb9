"""The heal test: force the other's token at a fork, let it run on, and say what the fork was.

Pure: token ids, ends, texts and verdict rules in, a label out; no model and no event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from corefeel_tui.verdicts import UNPARSED, VerdictSpec, mentions_verdict, parse, spoken

TAIL = 8
"""Tokens that must agree at the end before two texts count as one again, unless all of both do.
Fewer are what any two answers of a kind share: a closing bracket, a full stop."""

SHIFT = 32
"""By so many tokens one text may run behind the other where they fall in step again."""

END = -1
"""Stands behind the last token of an answer that ended by itself."""


class ForkLabel(StrEnum):
    """What a fork was."""

    TIE_BREAK = "tie-break"
    DRIFT = "drift"
    VERDICT = "verdict-changing"
    CUT_OFF = "cut off"


MEANINGS = {
    ForkLabel.TIE_BREAK: "given the other's token each model goes on as the other did",
    ForkLabel.DRIFT: "with the other's token at least one side still goes its own way",
    ForkLabel.VERDICT: "the token decides the verdict",
    ForkLabel.CUT_OFF: "the answers were cut off before it could be told",
}


@dataclass(frozen=True, slots=True)
class Continuation:
    """The tokens after a fork's own token, without the end-of-sequence token that `ended` tells."""

    ids: Sequence[int]
    ended: bool

    @property
    def marked(self) -> list[int]:
        """The tokens, with `END` where the answer ended by itself."""
        return [*self.ids, END] if self.ended else list(self.ids)


@dataclass(frozen=True, slots=True)
class Rejoining:
    """From token `at` on (counted after the forced one) a healed text equals the other's.

    `at` is None where it never does; `shift` tokens were put in (below 0: left out) before that.
    `told` is False where so little was written after the fork that nothing can be said.
    """

    at: int | None
    shift: int = 0
    told: bool = True


def rejoin(healed: Continuation, other: Continuation) -> Rejoining:
    """Whether a healed text falls in step with the text whose token was forced upon it.

    It does if, with one of them moved by at most `SHIFT` tokens, both agree from some token to the
    end, and that on at least `TAIL` tokens, or on all that both have.  Ends count: two answers that
    ended must end together.  An answer that was cut off is compared up to its cut; where the cut
    leaves fewer than `TAIL` tokens and nothing contradicts, nothing is told.
    """
    ours, theirs = healed.marked, other.marked
    complete = healed.ended and other.ended
    for shift in sorted(range(-SHIFT, SHIFT + 1), key=abs):
        end = min(len(ours), len(theirs) + shift)
        tail = _common_tail(ours, theirs, end, shift)
        words = tail - (tail > 0 and ours[end - 1] == END)
        whole = complete and shift == 0 and tail == len(ours) == len(theirs)
        if words >= TAIL or whole:
            return Rejoining(end - tail, shift)
    short = min(len(healed.ids), len(other.ids)) < TAIL
    return Rejoining(None, told=complete or not short)


def _common_tail(ours: Sequence[int], theirs: Sequence[int], end: int, shift: int) -> int:
    """How many tokens before ours[end] agree with those before theirs[end − shift]."""
    count = 0
    for ours_at in range(end - 1, max(0, shift) - 1, -1):
        if ours[ours_at] != theirs[ours_at - shift]:
            break
        count += 1
    return count


def label(variant: Rejoining, reference: Rejoining, verdict_changed: bool) -> ForkLabel:
    """What a fork was, from both directions.

    `variant` is how the variant did with the reference's token, `reference` how the reference did
    with the variant's.  A tie-break needs both: each model would have written the other's text.
    `verdict_changed` says that either answer carries another label with the other's token.
    """
    if verdict_changed:
        return ForkLabel.VERDICT
    both = (variant, reference)
    if all(way.at is not None for way in both):
        return ForkLabel.TIE_BREAK
    if any(way.told and way.at is None for way in both):
        return ForkLabel.DRIFT
    return ForkLabel.CUT_OFF


def carried(text: str, reason: str, rule: dict[str, Any] | None) -> str | None:
    """The label an answer carries under a run's stored verdict rule, None where it gives none.

    `reason` is how the answer ended.  An answer cut off carries no verdict, only `UNPARSED`.
    """
    if rule is None:
        return None
    if rule.get("openers"):
        from corefeel_tui.diagnostics.openers import refusal_label

        return refusal_label(spoken(text))
    try:
        spec = VerdictSpec.from_dict(rule)
    except (KeyError, TypeError, ValueError):
        return None  # a rule of a session that somebody edited
    if not mentions_verdict(text, spec):
        return None
    return parse(text, spec) if reason == "stop" else UNPARSED
