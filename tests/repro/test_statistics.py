"""Summaries, comparisons, multiplicity and curves, against SciPy, by hand and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repro.statistics import (
    EachTest,
    compare,
    each,
    holm,
    interpolate,
    simultaneous_tail,
    summarize,
)

ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)


def test_summary_equals_scipys_t_interval() -> None:
    values = [0.4, 0.5, 0.45, 0.62, 0.39]
    summary = summarize(values)
    expected = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert summary.interval == pytest.approx(expected)
    assert summary.sd == pytest.approx(np.std(values, ddof=1))


def test_resplits_widen_the_interval_by_nadeau_and_bengio() -> None:
    values = [0.4, 0.5, 0.45, 0.62, 0.39]
    plain, corrected = summarize(values), summarize(values, resplit=0.25)
    ratio = math.sqrt((1 / 5 + 0.25) / (1 / 5))
    assert corrected.half_width == pytest.approx(plain.half_width * ratio)
    assert corrected.corrected
    assert not plain.corrected


def test_one_value_has_no_interval() -> None:
    assert summarize([0.4]).interval is None
    with pytest.raises(ValueError, match="nothing"):
        summarize([])


def test_comparison_equals_scipys_paired_t_test() -> None:
    method, rival = [0.4, 0.5, 0.45, 0.62, 0.39], [0.5, 0.52, 0.5, 0.6, 0.55]
    found = compare(method, rival, better="lower")
    expected = stats.ttest_rel(rival, method, alternative="greater")
    assert found.p_greater == pytest.approx(expected.pvalue)
    assert found.p_less == pytest.approx(1 - expected.pvalue)
    both = stats.ttest_rel(rival, method).confidence_interval(0.95)
    assert found.interval(0.025, 0.025) == pytest.approx((both.low, both.high))
    assert found.wins == 4


def test_higher_is_better_turns_the_direction() -> None:
    low, high = [0.1, 0.2, 0.15], [0.5, 0.7, 0.6]
    assert compare(high, low, better="higher").p_greater < 0.05
    assert compare(high, low, better="lower").p_less < 0.05


def test_the_sign_test_counts_only_where_it_can_reach_the_level() -> None:
    random = np.random.default_rng(0)
    rival = random.normal(0, 0.01, 12)
    method = rival - 1
    method[:3] = rival[:3] + 0.1
    many = compare(method, rival, better="lower")
    assert many.p_greater == pytest.approx(stats.binomtest(9, 12, alternative="greater").pvalue)
    few = compare(method[2:7], rival[2:7], better="lower")
    assert few.p_greater < stats.binomtest(4, 5, alternative="greater").pvalue
    assert "0.0625" in few.notes[0]


def test_a_diverged_method_is_never_better_and_may_be_worse() -> None:
    rival = [0.5 + 0.01 * i for i in range(12)]
    method = [0.1] * 11 + [math.nan]
    assert compare(method, rival, better="lower").p_greater == 1
    worse = compare([math.nan] * 12, rival, better="lower", pairs=2)
    assert worse.p_less == pytest.approx(0.5**12)


def test_a_diverged_rival_is_judged_by_signs() -> None:
    method = [0.1 + 0.01 * i for i in range(12)]
    found = compare(method, [math.inf] * 12, better="lower")
    assert found.p_greater == pytest.approx(0.5**12)
    assert found.estimate is None


@pytest.mark.parametrize("method", [[0.3] * 5, [0.5] * 5, [0.1 + 0.2] * 5])
def test_differences_that_do_not_vary_decide_nothing(method: list[float]) -> None:
    found = compare(method, [0.5] * 5, better="lower")
    assert (found.p_greater, found.p_less) == (1, 1)
    assert found.notes


def test_rounding_is_no_advantage() -> None:
    rival = [0.3 + 0.1 * i for i in range(6)]
    method = [value - 2e-17 * (i + 1) for i, value in enumerate(rival)]
    assert compare(method, rival, better="lower").p_greater == 1


@given(
    st.integers(0, 12).flatmap(lambda n: st.tuples(*[st.lists(ANY, min_size=n, max_size=n)] * 2))
)
def test_any_numbers_give_probabilities(sides: tuple[list[float], list[float]]) -> None:
    method, rival = sides
    found = compare(method, rival, better="lower", resplit=0.1)
    assert 0 <= found.p_greater <= 1
    assert 0 <= found.p_less <= 1
    if len(method) < 2 or not all(map(math.isfinite, method)):
        assert found.p_greater == 1


@given(st.lists(ANY, min_size=2, max_size=12))
def test_identical_values_are_undecided(values: list[float]) -> None:
    found = compare(values, values, better="higher")
    assert (found.p_greater, found.p_less) == (1, 1)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_a_claim_needs_every_comparison_but_one_contradicts() -> None:
    good = compare([1.0, 1.1, 1.2], [3.0, 3.2, 3.1], better="lower")
    bad = compare([3.0, 3.2, 3.1], [1.0, 1.1, 1.2], better="lower")
    assert each([good, good]).direction == "supported"
    mixed = each([good, bad])
    assert mixed.direction == "contradicted"
    assert mixed.p == pytest.approx(2 * 2 * bad.p_less)
    assert each([]) == EachTest(1.0, 1.0)


def test_interpolation_stays_within_the_points() -> None:
    points = [(2.0, 10.0), (0.0, 0.0), (2.0, 20.0)]
    assert interpolate(points, 1.0) == pytest.approx(7.5)
    assert interpolate(points, 2.5) is None
    assert interpolate([], 1.0) is None
    assert math.isnan(interpolate([(0.0, math.nan), (1.0, 1.0)], 0.5) or 0.0)


@pytest.mark.parametrize(("seeds", "resplit"), [(5, 0.0), (10, 0.0), (5, 0.25), (10, 0.25)])
def test_false_support_at_the_boundary_is_at_most_five_percent(seeds: int, resplit: float) -> None:
    """No advantage at all in one pair, a large one in the other; re-splits share r / (1 + r)."""
    random = np.random.default_rng(1)
    repeats, shared = 2500, resplit / (1 + resplit)
    false = 0
    for _ in range(repeats):
        noise = random.normal(0, math.sqrt(shared)) + random.normal(0, math.sqrt(1 - shared), seeds)
        null = compare(noise, np.zeros(seeds), better="higher", resplit=resplit)
        sure = compare(noise + 100, np.zeros(seeds), better="higher", resplit=resplit)
        test = each([null, sure])
        false += test.p <= 0.05 and test.direction == "supported"
    # The nominal rate is 2.5 % in this direction; three standard errors of the simulation on top.
    assert false / repeats < 0.025 + 3 * math.sqrt(0.025 * 0.975 / repeats)


def test_without_the_correction_resplits_would_deceive() -> None:
    random = np.random.default_rng(2)
    seeds, shared, repeats = 10, 0.2, 1500
    false = 0
    for _ in range(repeats):
        noise = random.normal(0, math.sqrt(shared)) + random.normal(0, math.sqrt(1 - shared), seeds)
        false += compare(noise, np.zeros(seeds), better="higher").p_greater <= 0.025
    assert false / repeats > 0.05


def _joint_coverage(tails: list[tuple[int, float]], shared: float, repeats: int = 700) -> float:
    """Return how often all intervals of a family hold the true advantages at once.

    ``tails``   per claim: its number of comparisons and the tail of each of their lower ends; the
                upper ends have the simultaneous one
    ``shared``  share of the variance that all comparisons have in common: one method, many rivals
    """
    random = np.random.default_rng(5)
    count, seeds, family = sum(number for number, _ in tails), 5, len(tails)
    lower = np.repeat([tail for _, tail in tails], [number for number, _ in tails])
    upper = np.concatenate([[simultaneous_tail(k, family)] * k for k, _ in tails])
    truth = np.linspace(-2, 2, count)
    held = 0
    for _ in range(repeats):
        common = random.normal(0, math.sqrt(shared), seeds)
        noise = random.normal(0, math.sqrt(1 - shared), (count, seeds)) + common
        found = [compare(row, np.zeros(seeds), better="higher") for row in noise + truth[:, None]]
        ends = [c.interval(*pair) for c, *pair in zip(found, lower, upper, strict=True)]
        held += all(low <= t <= high for (low, high), t in zip(ends, truth, strict=True))
    return held / repeats


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_a_familys_intervals_hold_together(shared: float) -> None:
    sizes = [1, 4, 10]
    coverage = _joint_coverage([(k, simultaneous_tail(k, len(sizes))) for k in sizes], shared)
    # Three standard errors of the simulation below the promise.
    assert coverage >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 700)


def test_tails_of_the_test_of_support_would_not_hold_together() -> None:
    sizes = [1, 4, 10]
    tails = [(k, simultaneous_tail(1, len(sizes))) for k in sizes]
    assert _joint_coverage(tails, shared=0.0) < 0.92
