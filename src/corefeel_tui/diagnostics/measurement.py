"""What every diagnostic gives back: a value with its interval, its n and its floor.

Knows statistics; no suite and no text.  A mean over prompts is first a `Draft`, so that the
bootstrap can be run once for all of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from corefeel_tui import statistics as st
from corefeel_tui.resampling import Array, bootstrap_ratios, sign_flips


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts behind a measurement, for a judge with a confidence of its own.

    A rate is `count` of `n`; a shift is `count` gained and `lost` lost of `n` pairs.
    """

    kind: Literal["rate", "shift"]
    count: int
    n: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One metric of one variant; bounds are two-sided 95 %, None where there are none.

    `n` counts prompts.  `p` is the two-sided p-value against “as the reference”.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    floor: float | None = None
    note: str = ""
    p: float | None = None
    tally: Tally | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A mean or ratio whose interval is still to be resampled: Σ numerators / Σ denominators.

    `form` is what is done to the ratio and its bounds in the end; `value`, where given, stands in
    place of what it would make of the ratio itself.
    """

    metric: str
    numerators: Sequence[float] | Array
    denominators: Sequence[float] | Array
    form: Callable[[float], float] = float
    note: str = ""
    paired: bool = False
    """Whether the numerators are paired changes, so that “no change” can be tested."""
    value: float | None = None


Result = Measurement | Draft


def root(x: float) -> float:
    """√x; 0 for what rounding left under 0."""
    return math.sqrt(max(0.0, x))


def rate(
    metric: str, count: int, n: int, *, exact: bool = False, p: float | None = None, note: str = ""
) -> Measurement:
    """A share of prompts: Wilson's interval, or Clopper and Pearson's where safety is meant."""
    low, high = (st.clopper_pearson if exact else st.wilson)(count, n)
    tally = Tally("rate", count, n)
    if n == 0:
        return Measurement(metric, None, None, None, 0, note=note or "nothing eligible")
    return Measurement(metric, count / n, low, high, n, None, note, p, tally)


def shift(metric: str, pairs: Iterable[tuple[bool, bool]]) -> Measurement:
    """Change of a share between (reference, variant) on the same prompts."""
    listed = list(pairs)
    gained = sum(variant and not reference for reference, variant in listed)
    lost = sum(reference and not variant for reference, variant in listed)
    n = len(listed)
    if n == 0:
        return Measurement(metric, None, None, None, 0, note="nothing eligible")
    low, high = st.paired_shift(gained, lost, n)
    tally = Tally("shift", gained, n, lost)
    p = st.mcnemar(gained, lost)
    return Measurement(metric, (gained - lost) / n, low, high, n, None, "", p, tally)


def mean(metric: str, values: Sequence[float], *, form: Callable[[float], float] = float) -> Draft:
    """Mean of paired changes, one per prompt; their sign-flip test comes with it."""
    return Draft(metric, values, [1.0] * len(values), form, paired=True)


def settle(results: Sequence[Result], confidence: float = 0.95) -> list[Measurement]:
    """Every draft with its interval, in the order given; one bootstrap per number of prompts."""
    settled: dict[int, Measurement] = {}
    waiting: dict[int, list[int]] = defaultdict(list)
    for place, result in enumerate(results):
        if isinstance(result, Measurement):
            settled[place] = result
        elif np.sum(result.denominators) == 0:
            settled[place] = Measurement(
                result.metric, None, None, None, 0, note="nothing measured"
            )
        else:
            waiting[len(result.numerators)].append(place)
    for places in waiting.values():
        drafts = [draft for place in places if isinstance(draft := results[place], Draft)]
        settled.update(zip(places, _resampled(drafts, confidence), strict=True))
    return [settled[place] for place in range(len(results))]


def _resampled(drafts: list[Draft], confidence: float) -> list[Measurement]:
    tops = np.column_stack([np.asarray(draft.numerators, dtype=float) for draft in drafts])
    bottoms = np.column_stack([np.asarray(draft.denominators, dtype=float) for draft in drafts])
    low, high = bootstrap_ratios(tops, bottoms, confidence)
    paired = [place for place, draft in enumerate(drafts) if draft.paired]
    p_values = dict(zip(paired, sign_flips(tops[:, paired]), strict=True)) if paired else {}
    return [
        _finished(draft, tops[:, i], bottoms[:, i], float(low[i]), float(high[i]), p_values.get(i))
        for i, draft in enumerate(drafts)
    ]


def _finished(
    draft: Draft, top: Array, bottom: Array, low: float, high: float, p: float | None
) -> Measurement:
    bounds = [None if math.isnan(x) else draft.form(x) for x in (low, high)]
    value = draft.form(float(top.sum() / bottom.sum())) if draft.value is None else draft.value
    n = int(np.count_nonzero(bottom))
    note = draft.note or ("too few prompts or events for an interval" if bounds[0] is None else "")
    return Measurement(
        draft.metric, value, bounds[0], bounds[1], n, None, note, None if p is None else float(p)
    )
