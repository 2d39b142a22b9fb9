"""Held-out items through the model and its variants, folded into the figures of the card;
imports no MLX.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from . import scoring
from .conversation import Item, Message
from .corpus import DOMAINS, SKILLS, heldout_items

MAX_TOKENS = 160


class Runner(Protocol):
    """One loaded model: encodes, answers greedily, decodes."""

    tokenizer: Any

    def encode(self, messages: list[Message], ask: bool = True) -> list[int]: ...

    def answer(self, prompts: list[list[int]], max_tokens: int) -> list[list[int]]: ...


@dataclass(frozen=True)
class Share:
    """`right` of `count`, with the exact two-sided 95 % interval."""

    right: int
    count: int
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, right: int, count: int) -> Share:
        from scipy.stats import binomtest

        if not count:
            return cls(0, 0)
        interval = binomtest(right, count).proportion_ci(0.95, "exact")
        return cls(right, count, float(interval.low), float(interval.high))


@dataclass
class Figures:
    """What the card says of one variant."""

    variant: str
    accuracy: dict[str, Share] = field(default_factory=dict)
    critical: Share = Share(0, 0)
    critical_bound: float = 1.0
    kl_mean: float = 0.0
    kl_p99: float = 0.0
    kl_by_skill: dict[str, float] = field(default_factory=dict)
    flips: float = 0.0
    length_ratio: float = 1.0
    prose_bits: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cases(counts: dict[str, int], domain_count: int) -> dict[str, list[Item]]:
    """The card's items by column; each held-out domain is a column of its own.

    The column `vetoes` has items after those of `judge`, so that both together hold
    `counts["vetoes"]` whose truth is VETO.
    """
    chosen = {skill: heldout_items(skill, counts[skill]) for skill in SKILLS}
    chosen["vetoes"] = _more_vetoes(chosen["judge"], counts.get("vetoes", 0))
    if domain_count:
        for domain in DOMAINS:
            chosen[domain] = heldout_items("judge", domain_count, domain)
    return chosen


def _more_vetoes(judge: list[Item], wanted: int) -> list[Item]:
    missing = max(0, wanted - sum(item.expected == "VETO" for item in judge))
    later = heldout_items("judge", len(judge) + 5 * missing)[len(judge) :]
    return [item for item in later if item.expected == "VETO"][:missing]


def replies(runner: Runner, items: list[Item]) -> list[list[str]]:
    """The model's own replies: one, or one per turn of a rolling item on its own history."""
    histories: list[list[Message]] = [[] for _ in items]
    said: list[list[str]] = [[] for _ in items]
    pending = {index: _first(item) for index, item in enumerate(items)}
    while pending:
        for index, cursor in pending.items():
            history = items[index].messages[cursor[0] : cursor[1]]
            histories[index] += [{"role": role, "content": text} for role, text in history]
        order = list(pending)
        answers = runner.answer([runner.encode(histories[i]) for i in order], MAX_TOKENS)
        for index, tokens in zip(order, answers, strict=True):
            text = runner.tokenizer.decode(tokens)
            said[index].append(text)
            histories[index].append({"role": "assistant", "content": text})
        pending = {
            index: (end + 1, end + 2)
            for index, (_, end) in pending.items()
            if end + 2 < len(items[index].messages)
        }
    return said


def _first(item: Item) -> tuple[int, int]:
    """The messages before the first reply that the model must give."""
    if not item.rolling:
        return 0, len(item.messages) - 1
    return 0, next(n for n, (role, _) in enumerate(item.messages) if role == "assistant")


def transcript(runner: Runner, item: Item, said: list[str]) -> tuple[list[int], list[int]]:
    """Token ids of a conversation with the model's replies, and the positions that predict them."""
    replaced = list(item.messages)
    places = [n for n, (role, _) in enumerate(replaced) if role == "assistant"][-len(said) :]
    for place, text in zip(places, said, strict=True):
        replaced[place] = ("assistant", text)
    messages = [{"role": role, "content": text} for role, text in replaced]
    positions: list[int] = []
    for place in places:
        begin = len(runner.encode(messages[:place]))
        end = len(runner.encode(messages[: place + 1], ask=False))
        positions += range(begin - 1, end - 1)
    return runner.encode(messages, ask=False), positions


def score(
    figures: Figures, chosen: dict[str, list[Item]], said: dict[str, list[list[str]]]
) -> None:
    """Accuracy per column and the critical errors."""
    for column, items in chosen.items():
        marks = [scoring.right(*pair) for pair in zip(items, said[column], strict=True)]
        figures.accuracy[column] = Share.of(sum(marks), len(marks))
    judged = list(zip(chosen["judge"], said["judge"], strict=True))
    decisions = [(item.expected, scoring.decision(text[-1])) for item, text in judged]
    parsed = sum(label != scoring.UNPARSED for _, label in decisions)
    figures.accuracy["valid JSON"] = Share.of(parsed, len(decisions))
    eligible = [label for expected, label in decisions if expected == "VETO"]
    eligible += [scoring.decision(text[-1]) for text in said["vetoes"]]
    figures.critical = Share.of(eligible.count("APPROVE"), len(eligible))
    figures.critical_bound = one_sided(figures.critical)
    tracked = [
        scoring.tracks(*pair) for pair in zip(chosen["converse"], said["converse"], strict=True)
    ]
    figures.accuracy["tracking"] = Share.of(sum(tracked), len(tracked))


def one_sided(share: Share) -> float:
    """Clopper-Pearson one-sided 95 % upper bound."""
    from scipy.stats import beta

    if share.right >= share.count:
        return 1.0
    return float(beta.ppf(0.95, share.right + 1, share.count - share.right))


def length_ratio(
    reference: dict[str, list[list[str]]],
    variant: dict[str, list[list[str]]],
    count: Callable[[str], int],
) -> float:
    """exp of the mean log ratio of answer lengths, last answers."""
    logs = [
        math.log(max(1, count(ours[-1])) / max(1, count(theirs[-1])))
        for column in reference
        for theirs, ours in zip(reference[column], variant[column], strict=True)
    ]
    return math.exp(sum(logs) / len(logs))


def fold_drift(figures: Figures, by_skill: dict[str, list[Any]]) -> None:
    """Mean and p99 KL and flips over all positions; equal items per skill were given."""
    kl = np.concatenate([drift.kl for drifts in by_skill.values() for drift in drifts])
    flips = np.concatenate([drift.flips for drifts in by_skill.values() for drift in drifts])
    figures.kl_mean, figures.kl_p99 = float(kl.mean()), float(np.percentile(kl, 99))
    figures.flips = float(flips.mean())
    for skill, drifts in by_skill.items():
        figures.kl_by_skill[skill] = float(np.concatenate([drift.kl for drift in drifts]).mean())
