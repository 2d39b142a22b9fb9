"""Intervals, tests and bounds agree with scipy, statsmodels and published figures."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats import contingency_tables
from statsmodels.stats.multitest import multipletests

from corefeel_tui import statistics as s
from corefeel_tui.resampling import bootstrap_ratios, sign_flips

COUNTS = [
    (0, 1),
    (0, 50),
    (0, 149),
    (0, 150),
    (0, 300),
    (1, 10),
    (7, 150),
    (149, 150),
    (30, 60),
    (60, 60),
]


@pytest.mark.parametrize(("count", "n"), COUNTS)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_proportions_agree_with_scipy(count: int, n: int, confidence: float) -> None:
    test = scipy.stats.binomtest(count, n)
    exact = test.proportion_ci(confidence, "exact")
    assert s.clopper_pearson(count, n, confidence) == pytest.approx((exact.low, exact.high))
    score = test.proportion_ci(confidence, "wilson")
    assert s.wilson(count, n, confidence) == pytest.approx((score.low, score.high), abs=1e-12)
    above = scipy.stats.binomtest(count, n, alternative="less").proportion_ci(confidence)
    assert s.upper_bound(count, n, confidence) == pytest.approx(above.high)
    below = scipy.stats.binomtest(count, n, alternative="greater").proportion_ci(confidence)
    assert s.lower_bound(count, n, confidence) == pytest.approx(below.low)


@pytest.mark.parametrize(("count", "n"), COUNTS)
def test_exceeding_a_limit_agrees_with_scipy(count: int, n: int) -> None:
    expected = scipy.stats.binomtest(count, n, 0.05, alternative="greater").pvalue
    assert s.exceeds(count, n, 0.05) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "bound"), [(50, 0.058), (150, 0.020), (300, 0.010)])
def test_zero_events_have_the_known_bounds(n: int, bound: float) -> None:
    assert s.upper_bound(0, n) == pytest.approx(bound, abs=5e-4)


def test_items_needed_is_the_first_n_that_resolves() -> None:
    assert s.items_needed(0.02) == 149
    assert s.items_needed(0.01) == 299
    assert s.upper_bound(0, 149) <= 0.02 < s.upper_bound(0, 148)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (7, 0), (5, 0), (3, 9), (40, 60)])
def test_mcnemar_agrees_with_statsmodels(gained: int, lost: int) -> None:
    expected = contingency_tables.mcnemar([[10, gained], [lost, 10]], exact=True).pvalue
    assert s.mcnemar(gained, lost) == pytest.approx(expected)


def test_seven_to_none_is_significant_and_five_to_none_is_not() -> None:
    assert s.mcnemar(7, 0) == pytest.approx(0.016, abs=5e-4)
    assert s.mcnemar(5, 0) > 0.05
    assert s.stratified_mcnemar([(4, 0), (3, 0)]) == s.mcnemar(7, 0)


@pytest.mark.parametrize(
    "strata",
    [
        [(10, 5, 3, 12)],
        [(10, 5, 3, 12), (2, 8, 4, 9), (30, 20, 25, 31)],
        [(1, 0, 0, 1), (5, 5, 5, 5)],
    ],
)
def test_cmh_agrees_with_statsmodels(strata: list[tuple[int, int, int, int]]) -> None:
    table = contingency_tables.StratifiedTable([np.array(x).reshape(2, 2) for x in strata])
    expected = table.test_null_odds(correction=False).pvalue
    assert s.cochran_mantel_haenszel(strata) == pytest.approx(expected)


def _score_by_search(gained: int, lost: int, n: int, shift: float) -> float:
    """Tango's statistic with the nuisance parameter found by maximising the likelihood."""

    def loss(q: float) -> float:
        p12, p21 = q + shift, q
        same = 1 - p12 - p21
        terms = [(gained, p12), (lost, p21), (n - gained - lost, same)]
        return -sum(k * np.log(max(p, 1e-300)) for k, p in terms if k)

    low, high = max(0.0, -shift), (1 - shift) / 2
    q = scipy.optimize.minimize_scalar(
        loss, bounds=(low, high), options={"xatol": 1e-12}, method="bounded"
    ).x
    variance = n * (2 * q + shift - shift * shift)
    return (gained - lost - n * shift) / np.sqrt(variance)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(3, 1, 40), (0, 6, 60), (12, 9, 150), (1, 1, 44)]
)
@pytest.mark.parametrize("shift", [-0.2, -0.05, 0.03, 0.1])
def test_paired_shift_is_the_score_test(gained: int, lost: int, n: int, shift: float) -> None:
    expected = _score_by_search(gained, lost, n, shift)
    assert s.paired_shift_z(gained, lost, n, shift) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_paired_shift_interval_without_change_is_the_closed_form() -> None:
    z = scipy.stats.norm.ppf(0.95)
    bound = z * z / (60 + z * z)
    assert s.paired_shift(0, 0, 60, 0.90) == pytest.approx((-bound, bound), abs=1e-9)
    assert s.inside(s.paired_shift(0, 0, 60, 0.90), 0.05)
    assert not s.inside(s.paired_shift(0, 0, 10, 0.90), 0.05)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 100))
def test_paired_shift_contains_its_estimate_and_mirrors(b: int, c: int, rest: int) -> None:
    n = b + c + rest
    low, high = s.paired_shift(b, c, n)
    if n:
        assert -1 <= low <= (b - c) / n + 1e-9
        assert (b - c) / n - 1e-9 <= high <= 1
        assert s.paired_shift(c, b, n) == pytest.approx((-high, -low), abs=1e-9)


def test_shift_outside_is_small_only_beyond_the_margin() -> None:
    assert s.shift_outside(40, 0, 100, 0.05) < 1e-6
    assert s.shift_outside(0, 40, 100, 0.05) < 1e-6
    assert s.shift_outside(4, 3, 100, 0.05) > 0.5
    assert s.shift_outside(0, 0, 0, 0.05) == 1


@pytest.mark.parametrize("pairs", [8, 80, 500])
def test_sign_flips_agree_with_scipy(pairs: int) -> None:
    values = np.random.default_rng(pairs).normal(1.2 / np.sqrt(pairs), 1, (pairs, 2))
    expected = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=20_000, batch=1_000, rng=0
    ).pvalue
    tolerance = 1e-9 if pairs < 10 else 0.02
    assert sign_flips(values) == pytest.approx(expected, abs=tolerance)


def test_sign_flips_of_nothing_are_no_evidence() -> None:
    assert list(sign_flips(np.zeros((5, 1)))) == [1.0]
    assert list(sign_flips(np.zeros((500, 1)))) == [1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_agree_with_scipy_and_never_shrink(p_values: list[float]) -> None:
    expected = scipy.stats.false_discovery_control(p_values)
    assert s.benjamini_hochberg(p_values) == pytest.approx(list(expected))
    holm = s.holm(p_values)
    assert all(a >= p for a, p in zip(holm, p_values, strict=True))


def test_holm_agrees_with_statsmodels() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5]
    expected = multipletests(p_values, method="holm")[1]
    assert s.holm(p_values) == pytest.approx(list(expected))


def test_sequential_answers_at_the_published_points() -> None:
    quick = s.Sequential()
    assert quick.answer(2, 2) == "drifted"
    assert quick.answer(1, 1) == "undecided"
    assert quick.answer(0, 37) == "undecided"
    assert quick.answer(0, 38) == "ok"


def test_smallest_change_is_what_mcnemar_first_sees() -> None:
    changed = round(s.smallest_change(100) * 100)
    assert s.mcnemar(changed, 0) < 0.05 <= s.mcnemar(changed - 1, 0)
    assert s.smallest_change(3) == 1
    assert s.smallest_mean_change(1.0, 1) == np.inf
    assert s.smallest_mean_change(1.0, 100) == pytest.approx(0.280, abs=1e-3)


@pytest.mark.parametrize("prompts", [30, 300, 600])
def test_bootstrap_of_a_ratio_agrees_with_scipy(prompts: int) -> None:
    rng = np.random.default_rng(prompts)
    lengths = rng.integers(20, 200, prompts).astype(float)
    sums = lengths * rng.lognormal(-3, 1, prompts)
    expected = scipy.stats.bootstrap(
        (sums, lengths),
        lambda top, bottom, axis=-1: top.sum(axis) / bottom.sum(axis),
        paired=True,
        n_resamples=4_000,
        batch=500,
        rng=1,
    )
    low, high = bootstrap_ratios(sums[:, None], lengths[:, None])
    width = expected.confidence_interval.high - expected.confidence_interval.low
    assert low[0] == pytest.approx(expected.confidence_interval.low, abs=0.06 * width)
    assert high[0] == pytest.approx(expected.confidence_interval.high, abs=0.06 * width)


def test_bootstrap_without_spread_or_without_prompts() -> None:
    same = np.full((20, 1), 3.0)
    assert [x[0] for x in bootstrap_ratios(same, np.ones((20, 1)))] == [3.0, 3.0]
    zero = np.zeros((20, 1))
    assert [x[0] for x in bootstrap_ratios(zero, np.ones((20, 1)))] == [0.0, 0.0]
    assert np.isnan(bootstrap_ratios(np.ones((1, 1)), np.ones((1, 1)))[0][0])


def test_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    columns = rng.exponential(1.0, (60, 300))
    low, high = bootstrap_ratios(columns, np.ones_like(columns))
    assert 0.89 <= np.mean((low <= 1) & (high >= 1)) <= 0.985
