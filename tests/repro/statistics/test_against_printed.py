"""Our runs against printed numbers: the partition, its error rates, a paper's best of n."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from repro.statistics.against_printed import (
    OurStatistic,
    PrintedStatistic,
    compare_with_printed,
    our_statistic,
    place,
)
from repro.statistics.best_of import best_variance, expected_best
from repro.statistics.estimate import Estimate
from repro.statistics.settling import settling_power, settling_seeds

ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)
Draw = Callable[[int], NDArray[np.float64]]


def printed_mean(values: NDArray[np.float64]) -> PrintedStatistic:
    n = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(n)
    mean = float(values.mean())
    return PrintedStatistic(mean, "mean", n, Estimate(mean, error, n - 1.0))


@pytest.mark.parametrize(
    ("interval", "lower", "higher"),
    [
        ((-0.9, 0.9), "reproduced", "reproduced"),
        ((0.2, 0.9), "reproduced", "reproduced"),
        ((1.1, 2.0), "falls short", "exceeds"),
        ((-2.0, -1.1), "exceeds", "falls short"),
        ((-0.5, 1.5), "consistent", "consistent"),
        ((-0.5, 9.0), "inconclusive", "inconclusive"),
        ((0.5, 1.5), "inconclusive", "inconclusive"),
        ((-1.0, 0.5), "consistent", "consistent"),
    ],
)
def test_the_ordered_partition(interval: tuple[float, float], lower: str, higher: str) -> None:
    assert place(interval, 1.0, 4.0, "lower") == lower
    assert place(interval, 1.0, 4.0, "higher") == higher
    assert place(interval, 1.0, 4.0, "neither") == higher


def test_a_difference_from_a_printed_mean_is_welchs() -> None:
    ours, theirs = [3.0, 3.4, 2.9, 3.3, 3.1], np.array([3.3, 3.6, 3.2, 3.9])
    paper = printed_mean(theirs)
    mine = our_statistic(ours, paper, "lower")
    assert mine is not None
    found = compare_with_printed(mine, paper, margin=1.0, width=4.0, better="lower")
    test = stats.ttest_ind(ours, theirs, equal_var=False)
    expected = test.confidence_interval(0.9)
    assert found.interval == pytest.approx((expected.low, expected.high))
    assert found.place == "reproduced"
    assert not found.borrowed


def test_a_printed_median_is_set_against_our_median() -> None:
    paper = PrintedStatistic(2.0, "median", 5, Estimate(2.0, 0.1, 4.0))
    ours = our_statistic([1.0, 2.1, 2.0, 9.0, 2.2], paper, "lower")
    assert ours is not None
    assert ours.value == 2.1
    assert paper.estimate is not None
    assert paper.estimate.standard_error == pytest.approx(0.1 * math.sqrt(math.pi / 2))


@pytest.mark.parametrize("draws", [1, 2, 3, 5])
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_the_expected_best_is_the_mean_over_all_subsets(draws: int, better: str) -> None:
    values = [3.0, 1.0, 4.0, 1.5, 5.0]
    best = max if better == "higher" else min
    expected = np.mean([best(subset) for subset in itertools.combinations(values, draws)])
    assert expected_best(values, draws, better) == pytest.approx(expected)  # type: ignore[arg-type]


def test_no_best_of_more_runs_than_ours() -> None:
    assert expected_best([1.0, 2.0], 3, "higher") is None
    assert expected_best([1.0, 2.0], 0, "higher") is None
    assert expected_best([1.0, 2.0], 2, "neither") is None


def test_the_variance_of_a_best_by_simulation() -> None:
    random = np.random.default_rng(0)
    assert best_variance(1) == pytest.approx(1)
    assert best_variance(2) == pytest.approx(1 - 1 / math.pi)
    simulated = random.normal(size=(200_000, 5)).max(axis=1).var()
    assert best_variance(5) == pytest.approx(simulated, rel=0.02)


@pytest.mark.parametrize(("n", "draws"), [(5, 5), (10, 5), (10, 3)])
def test_the_expected_best_is_unbiased_and_its_error_large_enough(n: int, draws: int) -> None:
    random = np.random.default_rng(1)
    paper = PrintedStatistic(0.0, "best", draws)
    samples = random.normal(size=(4000, n)).tolist()
    found = [one for one in (our_statistic(s, paper, "higher") for s in samples) if one]
    truth = stats.norm.expect(
        lambda x: x * draws * stats.norm.cdf(x) ** (draws - 1), loc=0, scale=1
    )
    values = np.array([one.value for one in found])
    errors = np.array([one.estimate.standard_error for one in found])
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / math.sqrt(len(values)))
    assert 1.0 <= math.sqrt((errors**2).mean()) / values.std() <= 1.15


def _rates(
    ours: Draw, theirs: Draw, statistic: str, known: bool, margin: float, reps: int = 1500
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _ in range(reps):
        values = theirs(5)
        paper = printed_mean(values)
        if not known:
            middle = {"mean": values.mean(), "median": np.median(values)}
            value = {"best": values.max(), "single run": values[0], **middle}[statistic]
            n = 1 if statistic == "single run" else 5
            paper = PrintedStatistic(float(value), statistic, n)  # type: ignore[arg-type]
        mine = our_statistic(ours(5).tolist(), paper, "higher")
        assert mine is not None
        found = compare_with_printed(mine, paper, margin=margin, width=4 * margin, better="higher")
        counts[found.place] += 1
    return Counter({word: count / reps for word, count in counts.items()})  # type: ignore[misc]


@pytest.mark.parametrize("ratio", [1 / 3, 1.0, 3.0])
def test_error_rates_at_the_margin_and_at_equality(ratio: float) -> None:
    random = np.random.default_rng(7)
    margin = 2.5 * max(1.0, ratio)
    at_margin = _rates(
        lambda n: random.normal(-margin, 1, n),
        lambda n: random.normal(0, ratio, n),
        "mean",
        known=True,
        margin=margin,
    )
    assert at_margin["reproduced"] <= 0.065
    assert at_margin["falls short"] <= 0.065
    equal = _rates(
        lambda n: random.normal(0, 1, n),
        lambda n: random.normal(0, ratio, n),
        "mean",
        known=True,
        margin=0.01,
    )
    assert equal["falls short"] <= 0.065
    assert equal["exceeds"] <= 0.065


@pytest.mark.parametrize("statistic", ["mean", "median", "single run"])
@pytest.mark.parametrize("ratio", [1.0, 10.0])
def test_without_a_printed_spread_nothing_is_proved(statistic: str, ratio: float) -> None:
    random = np.random.default_rng(8)
    for margin, gap in ((100.0, 0.0), (9.0, -9.0), (0.01, 0.0), (0.01, 50.0)):
        rates = _rates(
            lambda n, gap=gap: random.normal(gap, 1, n),  # type: ignore[misc]
            lambda n: random.normal(0, ratio, n),
            statistic,
            known=False,
            margin=margin,
            reps=200,
        )
        assert set(rates) <= {"consistent", "inconclusive"}


def test_a_best_is_at_most_consistent() -> None:
    random = np.random.default_rng(9)
    for gap, margin in ((0.0, 100.0), (50.0, 0.1)):
        rates = _rates(
            lambda n, gap=gap: random.lognormal(size=n) + gap,  # type: ignore[misc]
            lambda n: random.lognormal(size=n),
            "best",
            known=False,
            margin=margin,
        )
        assert set(rates) <= {"consistent", "inconclusive"}


def test_a_single_run_is_at_most_consistent_within_any_margin() -> None:
    paper = PrintedStatistic(10.0, "single run", 1)
    for margin in (1.0, 4.0, 400.0):
        mine = our_statistic([10.1, 10.4, 9.9, 10.3, 10.0], paper, "higher")
        assert mine is not None
        found = compare_with_printed(mine, paper, margin=margin, width=9.0, better="higher")
        assert found.place == "consistent"
        assert found.borrowed
        assert settling_seeds(mine, paper, margin) is None


@settings(deadline=None)
@given(
    st.lists(st.one_of(ANY, st.just(1.0)), min_size=2, max_size=8),
    st.floats(-1e12, 1e12),
    st.sampled_from(["mean", "median", "best", "single run"]),
    st.sampled_from(["lower", "higher", "neither"]),
    st.floats(1e-9, 1e9),
)
def test_any_values_give_a_word_and_nothing_varies_proves_nothing(
    values: list[float], printed: float, statistic: str, better: str, margin: float
) -> None:
    paper = PrintedStatistic(printed, statistic, 3)  # type: ignore[arg-type]
    ours = our_statistic(values, paper, better)  # type: ignore[arg-type]
    if ours is None:
        return
    assert all(map(math.isfinite, values))
    found = compare_with_printed(
        ours,
        paper,
        margin=margin,
        width=4 * margin,
        better=better,  # type: ignore[arg-type]
    )
    if min(values) == max(values):
        assert found.place in ("consistent", "inconclusive")
    seeds = settling_seeds(ours, paper, margin, cap=200)
    assert seeds is None or 2 <= seeds <= 200


def test_new_seeds_settle_as_often_as_promised() -> None:
    random = np.random.default_rng(11)
    paper = PrintedStatistic(10.0, "mean", 5, Estimate(10.0, 0.13, 4.0))
    for difference in (0.1, 1.2):
        first = OurStatistic(10 + difference, 5, 0.5, scaled=1.0, fixed=0.0, printed=0.2)
        seeds, known = settling_seeds(first, paper, 0.6), paper.estimate
        assert seeds is not None
        assert known is not None
        assert settling_power(first, known, 0.6, seeds - 1) < 0.8
        settled = 0
        for _ in range(1000):
            values = random.normal(10 + difference, 0.5, seeds).tolist()
            mine = our_statistic(values, paper, "higher")
            assert mine is not None
            found = compare_with_printed(mine, paper, margin=0.6, width=1.0, better="higher")
            settled += found.place in ("reproduced", "exceeds")
        assert settled / 1000 == pytest.approx(settling_power(first, known, 0.6, seeds), abs=0.05)


def test_what_no_number_of_seeds_would_settle() -> None:
    paper = PrintedStatistic(10.0, "mean", 5, Estimate(10.0, 0.13, 4.0))
    near = OurStatistic(10.58, 5, 0.5, scaled=1.0, fixed=0.0, printed=0.2)
    assert settling_seeds(near, paper, 0.6) is None
    shared = OurStatistic(10.1, 5, 2.0, scaled=1.0, fixed=0.25, printed=0.2)
    assert settling_seeds(shared, paper, 0.6) is None
    best = OurStatistic(10.1, 5, 0.1, scaled=1.0, fixed=0.0, printed=0.2)
    assert settling_seeds(best, PrintedStatistic(10.0, "best", 5), 0.6) is None
