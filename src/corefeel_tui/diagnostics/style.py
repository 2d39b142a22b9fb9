"""Style: how long, how sure, how varied and in what form a variant writes, prompt by prompt.

Knows what `wording` counts in a text; nothing of verdicts.  Every shift is the variant's value
minus the reference's on the same prompt.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat

import numpy as np

from corefeel_tui.diagnostics import wording as w
from corefeel_tui.diagnostics.measurement import Draft, Measurement, Result, mean, rate, root, shift
from corefeel_tui.diagnostics.openers import is_generic
from corefeel_tui.diagnostics.sheet import Sheet
from corefeel_tui.evidence import Answer
from corefeel_tui.resampling import resampled_sums
from corefeel_tui.verdicts import spoken

COMMON_WORDS = 100

NO_AFFECT = (
    "not measured: it needs a sentiment lexicon that is kept, and the usual one is not "
    "(vaderSentiment's last release is of May 2020)"
)

SHIFTS: dict[str, Callable[[str], float]] = {
    "hedges_per_100_shift": lambda text: w.per_hundred(text, "hedge"),
    "boosters_per_100_shift": lambda text: w.per_hundred(text, "booster"),
    "mattr_shift": w.mattr,
    "repeated_4gram_shift": w.repetition,
    "list_density_shift": lambda text: w.density(text, "list"),
    "heading_density_shift": lambda text: w.density(text, "heading"),
    "bold_density_shift": lambda text: w.density(text, "bold"),
    "emoji_density_shift": lambda text: w.density(text, "emoji"),
}


def measure(sheet: Sheet, variant: str) -> Iterator[Result]:
    """Length first, then manner, then form."""
    given = [answers[0] for item in sheet.items if (answers := item.given(variant))]
    yield rate("capped_rate", sum(answer.reason == "length" for answer in given), len(given))
    if variant == sheet.reference:
        return
    pairs = [(base, own) for _, base, own in sheet.answered(variant)]
    if not pairs:
        return
    texts = [(spoken(base.text), spoken(own.text)) for base, own in pairs]
    yield from _lengths(pairs, texts)
    for metric, count in SHIFTS.items():
        yield mean(metric, [count(own) - count(base) for base, own in texts])
    yield mean(
        "sentence_length_ratio",
        [_log_ratio(w.sentence_length, *two) for two in texts],
        form=math.exp,
    )
    varied = [(a, b) for base, own in texts if (a := w.mtld(base)) and (b := w.mtld(own))]
    if varied:
        yield mean("mtld_ratio", [math.log(b / a) for a, b in varied], form=math.exp)
    yield shift(
        "generic_opener_shift", ((is_generic(base), is_generic(own)) for base, own in texts)
    )
    yield Measurement("affect_mean_shift", None, None, None, 0, note=NO_AFFECT)
    yield burrows_delta([base for base, _ in texts], [own for _, own in texts])


def _lengths(
    pairs: Sequence[tuple[Answer, Answer]], texts: Sequence[tuple[str, str]]
) -> Iterator[Result]:
    logs = [(w.log_length(base), w.log_length(own)) for base, own in texts]
    yield mean("length_ratio", [own - base for base, own in logs], form=math.exp)
    yield mean(
        "token_length_ratio", [_tokens(own) - _tokens(base) for base, own in pairs], form=math.exp
    )
    thought = [
        (a.thinking_tokens, b.thinking_tokens)
        for a, b in pairs
        if a.thinking_tokens and b.thinking_tokens
    ]
    if thought:
        yield mean("thinking_length_ratio", [math.log(b / a) for a, b in thought], form=math.exp)
    spread = np.array(logs) - np.mean(logs, axis=0)
    yield Draft("length_spread_ratio", list(spread[:, 1] ** 2), list(spread[:, 0] ** 2), root)


def _tokens(answer: Answer) -> float:
    return math.log(max(1, answer.tokens - answer.thinking_tokens))


def _log_ratio(count: Callable[[str], float], base: str, own: str) -> float:
    return math.log(max(1e-9, count(own)) / max(1e-9, count(base))) if base and own else 0.0


def burrows_delta(base: Sequence[str], own: Sequence[str]) -> Measurement:
    """Mean |z| between the two corpora over the 100 commonest words of the reference.

    A distance: never negative, above 0 also between two seeds of one model; its floor is what
    counts.  z is in standard deviations over the reference's answers.  Resampling adds distance
    of its own, so the interval is moved back onto the value.
    """
    counted = [w.counted(text) for text in (*base, *own)]
    names = _commonest(tuple(base))
    if len(base) < 2 or not names:
        return Measurement("burrows_delta", None, None, None, len(base), note="too little text")
    counts = np.array([[*map(c.get, names, repeat(0)), max(1, c.total())] for c in counted], float)
    frequency = counts[: len(base), :-1] / counts[: len(base), -1:]
    deviation = frequency.std(axis=0, ddof=1)
    deviation[deviation == 0] = np.inf
    both = np.hstack([counts[: len(base)], counts[len(base) :]])
    value = float(_delta(both.sum(0)[None], deviation)[0])
    low, middle, high = np.quantile(_delta(resampled_sums(both), deviation), (0.025, 0.5, 0.975))
    low, high = max(0.0, value + low - middle), value + high - middle
    return Measurement("burrows_delta", value, float(low), float(high), len(base))


@lru_cache(maxsize=8)
def _commonest(texts: tuple[str, ...]) -> list[str]:
    """The words that stand there most often; not to be changed."""
    common = Counter(chain.from_iterable(map(w.words, texts)))
    return [word for word, _ in common.most_common(COMMON_WORDS)]


def _delta(sums: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Delta for each row of summed word counts, the reference's columns first."""
    half = sums.shape[1] // 2
    first = sums[:, : half - 1] / sums[:, half - 1 : half]
    second = sums[:, half:-1] / sums[:, -1:]
    return np.asarray(np.abs((second - first) / deviation).mean(axis=1))
