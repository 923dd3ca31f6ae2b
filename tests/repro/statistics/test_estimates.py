"""Estimates, middles and prediction, against SciPy, closed forms and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from repro.statistics.estimate import Estimate, estimate_mean, linear_combination
from repro.statistics.ordinal import (
    diverged_as_worst,
    interquartile_mean,
    median,
    median_standard_error,
)
from repro.statistics.shares import share_interval
from repro.statistics.summary import prediction_interval, summarize

ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


def test_an_estimate_is_scipys_t_test() -> None:
    values = [0.3, -0.1, 0.5, 0.2, 0.45]
    found = estimate_mean(values)
    assert found is not None
    greater = stats.ttest_1samp(values, 0.1, alternative="greater")
    assert found.p_greater(0.1) == pytest.approx(greater.pvalue)
    assert found.p_less(0.1) == pytest.approx(1 - greater.pvalue)
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert found.interval(0.05, 0.05) == pytest.approx((interval.low, interval.high))
    assert found.interval(0, 0.05)[0] == -math.inf


def test_a_difference_of_means_is_welchs_test() -> None:
    one, other = [0.3, -0.1, 0.5, 0.2, 0.45], [1.3, 0.2, -0.9]
    parts = [estimate_mean(one), estimate_mean(other)]
    found = linear_combination([part for part in parts if part], [1, -1])
    expected = stats.ttest_ind(one, other, equal_var=False, alternative="less")
    assert found.degrees_of_freedom == pytest.approx(expected.df)
    assert found.p_less() == pytest.approx(expected.pvalue)


def test_what_does_not_vary_is_its_own_interval() -> None:
    fixed = Estimate(2.0, 0.0, 4.0)
    assert fixed.interval(0.05, 0.05) == (2.0, 2.0)
    assert (fixed.p_greater(1), fixed.p_greater(2), fixed.p_less(2), fixed.p_less(3)) == (
        0,
        1,
        1,
        0,
    )
    both = linear_combination([fixed, fixed], [0.5, 0.5])
    assert (both.value, both.standard_error) == (2.0, 0.0)


@settings(deadline=None)
@given(
    st.lists(st.tuples(FINITE, st.floats(0, 1e300), st.floats(0.5, 1e6)), min_size=1, max_size=6)
)
def test_combinations_of_any_size_keep_their_degrees_of_freedom(
    parts: list[tuple[float, float, float]],
) -> None:
    estimates = [Estimate(*part) for part in parts]
    found = linear_combination(estimates, [1 / len(parts)] * len(parts))
    least = min(part.degrees_of_freedom for part in estimates)
    assert found.degrees_of_freedom >= least * (1 - 1e-9)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_middles_equal_scipys(values: list[float]) -> None:
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25), abs=1e-6)
    assert median(values) == pytest.approx(np.median(values), abs=1e-9)
    summary = summarize(values)
    assert summary.median == pytest.approx(np.median(values), abs=1e-9)
    assert summary.interquartile_mean == pytest.approx(stats.trim_mean(values, 0.25), abs=1e-6)


def test_a_diverged_run_is_the_worst_and_may_be_trimmed_away() -> None:
    values = [0.1, math.nan, 0.2, 0.3, 0.4]
    assert median(diverged_as_worst(values, "lower")) == 0.3
    assert median(diverged_as_worst(values, "higher")) == 0.2
    assert interquartile_mean(diverged_as_worst(values, "lower")) == pytest.approx(0.3)
    # A quarter of three runs is none: the diverged one stays.
    assert interquartile_mean(diverged_as_worst(values[:3], "lower")) == math.inf
    assert math.isnan(median(diverged_as_worst(values, "neither")))


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=12), st.sampled_from(["lower", "higher", "neither"]))
def test_middles_of_any_numbers_are_numbers(values: list[float], better: str) -> None:
    ordered = diverged_as_worst(values, better)  # type: ignore[arg-type]
    assert isinstance(float(median(ordered)), float)
    assert isinstance(float(interquartile_mean(ordered)), float)


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("draw", ["normal", "lognormal", "uniform"])
def test_the_error_of_a_median_makes_t_intervals_that_hold(n: int, draw: str) -> None:
    random = np.random.default_rng(n)
    samples = getattr(random, draw)(size=(4000, n))
    truth = {"normal": 0.0, "lognormal": 1.0, "uniform": 0.5}[draw]
    reach = stats.t.ppf(0.95, n - 1) * np.array([median_standard_error(one) for one in samples])
    middles = np.median(samples, axis=1)
    assert (middles - reach > truth).mean() < 0.06
    assert (middles + reach < truth).mean() < 0.06


def test_a_prediction_interval_by_hand() -> None:
    values = [1.0, 2.0, 4.0, 3.0]
    sd = np.std(values, ddof=1)
    reach = stats.t.ppf(0.975, 3) * sd * math.sqrt(1 + 1 / 4 + 0.25)
    expected = (2.5 - reach, 2.5 + reach)
    assert prediction_interval(values, resplit=0.25) == pytest.approx(expected)
    assert prediction_interval([1.0]) is None
    assert prediction_interval([1.0, math.inf]) is None
    assert prediction_interval([1.0, 1.0]) is None


def test_a_prediction_interval_holds_the_next_run() -> None:
    random = np.random.default_rng(3)
    runs = random.normal(size=(3000, 6))
    inside = 0
    for *ours, new in runs.tolist():
        low, high = prediction_interval(ours) or (0.0, 0.0)
        inside += low <= new <= high
    assert inside / len(runs) == pytest.approx(0.95, abs=0.012)


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=8))
def test_any_values_are_summarized(values: list[float]) -> None:
    assert summarize(values).n == len(values)
    interval = prediction_interval(values)
    assert interval is None or interval[0] <= interval[1] or math.isnan(interval[0])


@pytest.mark.parametrize("successes", [0, 1, 7, 15])
def test_a_share_has_scipys_exact_interval(successes: int) -> None:
    found = share_interval(successes / 15, 15)
    expected = stats.binomtest(successes, 15).proportion_ci(0.95, method="exact")
    assert found == pytest.approx((expected.low, expected.high))
