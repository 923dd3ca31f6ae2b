"""Statistics over runs × data sets: exact values, real coverage, and what cannot be said."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from repro.statistics import data_sets
from repro.statistics.bootstrap import StratifiedStatistic, stratified_bootstrap

ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)
Strata = list[NDArray[np.float64]]


def grid(rows: list[list[float]]) -> Strata:
    return [np.array(row, dtype=float)[:, np.newaxis] for row in rows]


def test_a_mean_over_data_sets_is_satterthwaites() -> None:
    groups = [[1.0, 2.0, 4.0], [10.0, 11.0, 15.0, 12.0]]
    found = data_sets.mean_over_data_sets(groups, [0.0, 0.25])
    assert found is not None
    parts = [np.var(groups[0], ddof=1) / 3, np.var(groups[1], ddof=1) * (1 / 4 + 0.25)]
    assert found.value == pytest.approx(np.mean([np.mean(group) for group in groups]))
    assert found.standard_error == pytest.approx(math.sqrt(sum(parts)) / 2)
    expected = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)
    assert found.degrees_of_freedom == pytest.approx(expected)


@pytest.mark.parametrize("groups", [[], [[1.0]], [[1.0, 2.0], [3.0]], [[1.0, math.nan]]])
def test_a_mean_needs_two_finite_runs_everywhere(groups: list[list[float]]) -> None:
    assert data_sets.mean_over_data_sets(groups, [0.0] * len(groups)) is None


def test_the_probability_of_improvement_is_mann_and_whitneys() -> None:
    ours = [[1.0, 2.0, 2.5], [5.0, 7.0]]
    theirs = [[2.0, 3.0, 0.5], [5.0, 6.0]]
    strata = [np.array([a, b]).T for a, b in zip(ours, theirs, strict=True)]
    found = stratified_bootstrap(strata, data_sets.probability_of_improvement("higher"))
    expected = [
        stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
        for a, b in zip(ours, theirs, strict=True)
    ]
    assert found.value == pytest.approx(np.mean(expected))
    lower = stratified_bootstrap(strata, data_sets.probability_of_improvement("lower"))
    assert lower.value == pytest.approx(1 - np.mean(expected))


def test_a_profile_counts_the_better_runs() -> None:
    strata = grid([[1.0, 2.0, math.inf], [0.5, 3.0, 4.0]])
    thresholds = np.array([0.0, 1.5, 5.0])
    found = stratified_bootstrap(strata, data_sets.performance_profile(thresholds, "lower"))
    assert found.value == pytest.approx([0.0, (1 / 3 + 1 / 3) / 2, (2 / 3 + 1) / 2])
    assert np.isnan(found.low[0])


def test_the_draws_are_the_same_for_a_seed_and_do_not_depend_on_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strata = grid(np.random.default_rng(0).normal(size=(3, 6)).tolist())
    first = stratified_bootstrap(strata, data_sets.median, seed=5)
    again = stratified_bootstrap(strata, data_sets.median, seed=5)
    other = stratified_bootstrap(strata, data_sets.median, seed=6)
    assert (first.low, first.high) == (again.low, again.high)
    assert (first.low, first.high) != (other.low, other.high)
    monkeypatch.setattr("repro.statistics.bootstrap._BLOCK", 1000)
    blocks = stratified_bootstrap(strata, data_sets.median, seed=5)
    assert blocks.low == pytest.approx(first.low, abs=0.15)
    assert first.draws >= 2000


def test_every_resample_by_brute_force() -> None:
    """Two data sets of two runs: all 16 equally likely resamples, stretched by √2."""
    rows = [[0.0, 1.0], [10.0, 14.0]]
    resamples = [
        [*one, *other]
        for one in itertools.product(rows[0], repeat=2)
        for other in itertools.product(rows[1], repeat=2)
    ]
    # Of four runs a quarter is one, so the middle two are averaged.
    middles = np.array([np.mean(sorted(runs)[1:3]) for runs in resamples])
    expected = 5.5 + math.sqrt(2) * (middles - 5.5)
    found = stratified_bootstrap(grid(rows), data_sets.interquartile_mean, level=0.8)
    assert found.value == 5.5
    assert np.isclose(expected, found.low).any()
    assert (expected < found.low - 1e-9).mean() <= 0.1 <= (expected <= found.low + 1e-9).mean()
    assert (expected > found.high + 1e-9).mean() <= 0.1 <= (expected >= found.high - 1e-9).mean()


def _coverage(
    statistic: StratifiedStatistic, truth: float, shape: tuple[int, int], spread: float, reps: int
) -> tuple[float, float]:
    """Return the share of 95 % intervals that hold ``truth``: ours, and the plain percentile's."""
    random = np.random.default_rng(1)
    middles = np.linspace(0, spread, shape[0])[:, np.newaxis]
    stretch = math.sqrt(shape[1] / (shape[1] - 1))
    ours = plain = 0
    for seed in range(reps):
        strata = list((middles + random.normal(size=shape))[..., np.newaxis])
        found = stratified_bootstrap(strata, statistic, draws=600, seed=seed)
        value, low, high = float(found.value), float(found.low), float(found.high)
        ours += low <= truth <= high
        plain += value + (low - value) / stretch <= truth <= value + (high - value) / stretch
    return ours / reps, plain / reps


@pytest.mark.parametrize("statistic", [data_sets.median, data_sets.interquartile_mean])
def test_stretching_mends_most_of_what_three_runs_miss(statistic: StratifiedStatistic) -> None:
    ours, plain = _coverage(statistic, 1.0, (10, 3), 2.0, 500)
    assert ours >= 0.91
    assert ours > plain + 0.02


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_a_probability_of_improvement_covers_with_shared_seeds_too(correlation: float) -> None:
    random = np.random.default_rng(5)
    truth = stats.norm.cdf(0.5 / math.sqrt(2))
    statistic = data_sets.probability_of_improvement("higher")
    covered = 0
    for seed in range(400):
        shared = math.sqrt(correlation) * random.normal(size=(10, 3, 1))
        own = math.sqrt(1 - correlation) * random.normal(size=(10, 3, 2))
        strata = list(shared + own + np.array([0.5, 0.0]))
        found = stratified_bootstrap(strata, statistic, paired=False, draws=600, seed=seed)
        covered += bool(found.low <= truth <= found.high)
    assert covered / 400 >= 0.93


def test_infinite_runs_give_an_interval_without_an_end() -> None:
    strata = grid([[1.0, 2.0, 3.0, math.inf]] * 2)
    found = stratified_bootstrap(strata, data_sets.median)
    assert np.isfinite(found.value)
    assert found.high == math.inf


def test_a_single_run_or_no_variation_gives_no_interval() -> None:
    for rows in ([[1.0, 2.0], [3.0]], [[1.0, 1.0, 1.0]] * 2):
        found = stratified_bootstrap(grid(rows), data_sets.interquartile_mean)
        assert math.isfinite(found.value)
        assert math.isnan(found.low)
        assert math.isnan(found.high)


def test_resplits_stretch_further() -> None:
    strata = grid(np.random.default_rng(2).normal(size=(2, 5)).tolist())
    plain = stratified_bootstrap(strata, data_sets.median)
    wider = stratified_bootstrap(strata, data_sets.median, resplits=[0.0, 0.25])
    ratio = (wider.high - wider.value) / (plain.high - plain.value)
    assert ratio == pytest.approx(math.sqrt(1 + 5 * 0.25))


def test_log_ratios_have_the_error_of_their_reference_too() -> None:
    random = np.random.default_rng(4)
    reps, n = 2000, 8
    shared = random.normal(0, 0.05, (reps, n))
    ours = np.exp(0.2 + shared + random.normal(0, 0.03, (reps, n)))
    theirs = np.exp(shared + random.normal(0, 0.03, (reps, n)))
    terms = [
        data_sets.log_ratio_terms(np.array([a, b]).T) for a, b in zip(ours, theirs, strict=True)
    ]
    means = np.array([term.mean() for term in terms])
    errors = np.array([term.std(ddof=1) / math.sqrt(n) for term in terms])
    direct = data_sets.log_ratio(np.array([ours[0], theirs[0]]).T)
    assert means[0] == pytest.approx(direct.mean())
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(means.std(), rel=0.05)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(ANY, min_size=1, max_size=5), min_size=1, max_size=4))
def test_any_runs_give_a_share_and_no_exception(rows: list[list[float]]) -> None:
    strata = [np.array([row, row[::-1]], dtype=float).T for row in rows]
    strata = [np.where(np.isfinite(runs), runs, -np.inf) for runs in strata]
    statistic = data_sets.probability_of_improvement("higher")
    found = stratified_bootstrap(strata, statistic, paired=False, bounds=(0.0, 1.0), draws=50)
    # The same runs on both sides: neither is better.
    assert found.value == pytest.approx(0.5)
    assert math.isnan(found.low) or 0 <= found.low <= found.high <= 1
    middle = stratified_bootstrap(strata, data_sets.interquartile_mean, draws=50)
    assert not math.isnan(middle.value)
