"""Tests behind claims: contrasts, ratios, equivalence, ranks, curves; by hand and by SciPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from repro.curves import Problem, profile_interval, resamples
from repro.statistics import (
    Curves,
    EachTest,
    Margin,
    Ratio,
    Rules,
    Sides,
    at_least,
    compare,
    compare_beyond,
    compare_curve_parameter,
    compare_curve_parameters,
    compare_equivalent,
    compare_mean,
    compare_ratio,
    compare_unpaired,
    friedman,
)
from repro.statistics.curve_parameter import curve_parameter
from repro.statistics.fieller import Fieller
from repro.statistics.multiplicity import partial_conjunction
from repro.statistics.nonparametric import (
    MedianSpread,
    permutation_test,
    signed_rank_test,
    unpaired_permutation_test,
)

GAINS = np.array([0.3, -0.1, 0.25, 0.4, 0.07, 0.12, -0.02])
RIVAL = np.array([1.0, 1.2, 0.9, 1.1, 1.05, 0.95, 1.15])


def _sides(gains: object, rival: object = RIVAL) -> Sides:
    theirs = np.asarray(rival, dtype=float)
    return Sides(theirs - np.asarray(gains, dtype=float), theirs, "lower")


def test_permutation_equals_scipys_exact_test() -> None:
    for side, found in zip(("greater", "less"), permutation_test(GAINS), strict=True):
        expected = stats.permutation_test(
            (GAINS,), np.mean, permutation_type="samples", alternative=side, n_resamples=np.inf
        )
        assert found == pytest.approx(expected.pvalue)


def test_signed_ranks_equal_scipys_exact_test() -> None:
    for side, found in zip(("greater", "less"), signed_rank_test(GAINS), strict=True):
        assert found == pytest.approx(stats.wilcoxon(GAINS, alternative=side).pvalue)


def test_unpaired_permutation_equals_scipys_exact_test() -> None:
    other = RIVAL[:4] - 1.0
    for side, found in zip(
        ("greater", "less"), unpaired_permutation_test(GAINS, other), strict=True
    ):
        expected = stats.permutation_test(
            (GAINS, other),
            lambda a, b: np.mean(a) - np.mean(b),
            alternative=side,
            n_resamples=np.inf,
        )
        assert found == pytest.approx(expected.pvalue)


def test_many_seeds_are_permuted_by_drawing_and_never_give_zero() -> None:
    gains = np.full(30, 1.0) + np.linspace(0, 0.1, 30)
    greater, less = permutation_test(gains)
    assert 0 < greater < 1e-4
    assert less == pytest.approx(1.0)
    noise = np.random.default_rng(0).normal(0.2, 1, 40)
    drawn, _ = permutation_test(noise)
    assert drawn == pytest.approx(
        stats.ttest_1samp(noise, 0, alternative="greater").pvalue, abs=0.02
    )


def test_the_medians_interval_covers_as_the_sign_test_says() -> None:
    values = tuple(float(v) for v in range(10))
    low, high = MedianSpread(values).interval(0.06, 0.06) or (0.0, 0.0)
    assert (low, high) == (2.0, 7.0)  # P(B ≤ 2) of 10 is 0.0547, P(B ≤ 3) is 0.17
    assert MedianSpread(values).interval(0.0005, 0.0005) is None


def test_a_margin_in_the_metrics_unit_is_that_of_scipys_t_test() -> None:
    found = compare_beyond(_sides(GAINS[:5], RIVAL[:5]), Margin(amount=0.05), Rules())
    expected = stats.ttest_1samp(GAINS[:5], 0.05, alternative="greater").pvalue
    assert found.p_greater == pytest.approx(expected)
    assert found.estimate == pytest.approx(GAINS[:5].mean())
    interval = stats.ttest_1samp(GAINS[:5], 0.0).confidence_interval(0.95)
    assert found.interval(0.025, 0.025) == pytest.approx((interval.low, interval.high))


def test_a_margin_as_a_share_is_a_contrast_per_seed() -> None:
    found = compare_beyond(_sides(GAINS[:5], RIVAL[:5]), Margin(share=0.1), Rules())
    contrast = GAINS[:5] - 0.1 * RIVAL[:5]
    expected = stats.ttest_1samp(contrast, 0.0, alternative="greater").pvalue
    assert found.p_greater == pytest.approx(expected)
    assert found.estimate == pytest.approx(contrast.mean())


def test_log_ratios_need_positive_values() -> None:
    margin = Margin(amount=-math.log1p(-0.05), scale="log_ratio")
    found = compare_beyond(_sides(GAINS[:5], RIVAL[:5]), margin, Rules())
    logs = np.log(RIVAL[:5]) - np.log(RIVAL[:5] - GAINS[:5])
    expected = stats.ttest_1samp(logs, margin.amount, alternative="greater").pvalue
    assert found.p_greater == pytest.approx(expected)
    negative = compare_beyond(_sides(GAINS, RIVAL - 1.0), margin, Rules())
    assert (negative.p_greater, negative.p_less) == (1, 1)
    assert "logarithm" in negative.notes[0]


def test_the_mean_over_data_sets_has_satterthwaites_error() -> None:
    random = np.random.default_rng(3)
    sets = [random.normal(0.5, scale, 5) for scale in (0.1, 1.0)]
    rivals = [np.zeros(5), np.zeros(5)]
    sides = [_sides(*pair) for pair in zip(sets, rivals, strict=True)]
    found = compare_mean(sides, Margin(), Rules(), [0.0, 0.0])
    welch = stats.ttest_ind(sets[0], -sets[1], equal_var=False, alternative="greater")
    assert found.p_greater == pytest.approx(welch.pvalue)
    assert found.estimate == pytest.approx((sets[0].mean() + sets[1].mean()) / 2)


def test_unpaired_values_get_welchs_test() -> None:
    sides = Sides(np.array([1.0, 1.2, 0.9, 1.1]), np.array([2.0, 1.4, 3.0, 1.9]), "lower")
    found = compare_unpaired(sides, Margin(), Rules(level=0.01))
    expected = stats.ttest_ind(sides.theirs, sides.ours, equal_var=False)
    assert found.p_greater == pytest.approx(expected.pvalue / 2)
    interval = expected.confidence_interval(0.95)
    assert found.interval(0.025, 0.025) == pytest.approx((interval.low, interval.high))
    assert "permutation" in found.notes[0]
    apart = Sides(np.array([1.0, 1.01, 0.99, 1.02]), np.array([2.0, 2.01, 1.99, 2.02]), "lower")
    beside = compare_unpaired(apart, Margin(), Rules(level=0.05))
    assert beside.p_greater == pytest.approx(1 / math.comb(8, 4))


@pytest.mark.parametrize("test", ["permutation", "sign", "wilcoxon"])
def test_an_asked_test_that_cannot_reach_the_level_is_refused(test: str) -> None:
    sides = _sides(np.arange(1.0, 6.0), np.full(5, 9.0))
    refused = compare_beyond(sides, Margin(), Rules(level=0.01, test=test))  # type: ignore[arg-type]
    assert refused.p_greater == 1
    assert "cannot decide" in refused.notes[0]
    reached = compare_beyond(sides, Margin(), Rules(level=0.07, test=test))  # type: ignore[arg-type]
    assert reached.p_greater == pytest.approx(0.5**5)


def test_an_asked_test_over_resplits_needs_the_corrected_t_as_well() -> None:
    rules = Rules(level=0.07, resplit=5.0, test="sign")
    found = compare_beyond(_sides([1.0, 2.0, 3.0, 2.0, 1.0], np.full(5, 9.0)), Margin(), rules)
    assert found.p_greater > 0.05


@pytest.mark.parametrize(
    ("above", "below"),
    [(1e76, 1e77), (1e-90, 1.0), (1e120, 1e-60), (1e-170, 1.0), (1.0, 1e-170), (1e-250, 1e-200)],
)
def test_fieller_knows_no_unit(above: float, below: float) -> None:
    ours, theirs = RIVAL - GAINS, RIVAL
    low, high = Fieller.of(ours, theirs, 0.0).interval(0.025, 0.025) or (0.0, 0.0)
    scaled = Fieller.of(above * ours, below * theirs, 0.0).interval(0.025, 0.025)
    assert scaled == pytest.approx((low * above / below, high * above / below), rel=1e-9, abs=0)


def test_fieller_holds_just_the_ratios_that_are_not_rejected() -> None:
    random = np.random.default_rng(4)
    ours, theirs = random.normal(1.0, 0.2, 8), random.normal(2.0, 0.3, 8)
    low, high = Fieller.of(ours, theirs, 0.0).interval(0.025, 0.025) or (0.0, 0.0)
    for end in (low, high):
        assert stats.ttest_1samp(ours - end * theirs, 0.0).pvalue == pytest.approx(0.05)
    assert Fieller.of(ours, theirs - 2.0, 0.0).interval(0.025, 0.025) is None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_ratio_is_a_contrast_whatever_its_sign(sign: float) -> None:
    random = np.random.default_rng(5)
    ours, theirs = sign * random.normal(1.0, 0.05, 5), sign * random.normal(2.0, 0.05, 5)
    found = compare_ratio(Ratio(ours, theirs, (None, 0.6), "blurred"), Rules(), 0.025)
    expected = stats.ttest_1samp(sign * (0.6 * theirs - ours), 0.0, alternative="greater").pvalue
    assert found.p_greater == pytest.approx(expected)
    assert found.estimate == pytest.approx(ours.mean() / theirs.mean())
    above = compare_ratio(Ratio(ours, theirs, (0.6, None), "blurred"), Rules(), 0.025)
    assert above.p_less == pytest.approx(expected)


def test_a_ratio_to_what_may_be_zero_decides_nothing() -> None:
    ours = np.array([5.0, 5.1, 4.9, 5.2, 5.0])
    theirs = np.array([0.1, -0.2, 0.3, -0.1, 0.05])
    found = compare_ratio(Ratio(ours, theirs, (None, 0.5), "blurred"), Rules(), 0.025)
    assert (found.p_greater, found.p_less, found.estimate) == (1, 1, None)
    assert "blurred" in found.notes


def test_a_gap_the_wrong_way_decides_nothing() -> None:
    closed = np.array([0.5, 0.6, 0.55, 0.5, 0.62])
    found = compare_ratio(
        Ratio(closed, -closed - np.linspace(0, 0.1, 5), (0.5, None), "blurred", signed=True),
        Rules(),
        0.025,
    )
    assert (found.p_greater, found.p_less) == (1, 1)


def test_a_constant_denominator_is_a_number() -> None:
    ours = np.array([1.0, 1.1, 0.9, 1.05, 0.95])
    found = compare_ratio(Ratio(ours, np.full(5, 4.0), (None, 0.5), "blurred"), Rules(), 0.025)
    expected = stats.ttest_1samp(ours, 2.0, alternative="less").pvalue
    assert found.p_greater == pytest.approx(expected)


def test_equivalence_is_two_one_sided_tests() -> None:
    found = compare_equivalent(_sides(GAINS[:5], RIVAL[:5]), Margin(amount=0.5), Rules())
    difference = -GAINS[:5]
    expected = max(
        stats.ttest_1samp(difference, -0.5, alternative="greater").pvalue,
        stats.ttest_1samp(difference, 0.5, alternative="less").pvalue,
    )
    assert found.p_greater == pytest.approx(expected)
    far = compare_equivalent(_sides(GAINS[:5] + 9.0, RIVAL[:5]), Margin(amount=0.5), Rules())
    assert far.p_less < 1e-4
    assert far.p_greater > 0.99


def test_one_diverged_run_is_never_equivalent() -> None:
    ours = RIVAL.copy()
    ours[2] = math.nan
    found = compare_equivalent(Sides(ours, RIVAL, "lower"), Margin(amount=0.5), Rules())
    assert found.p_greater == 1


def test_partial_conjunction_by_hand() -> None:
    assert partial_conjunction([0.04, 0.01, 0.02], 2) == pytest.approx(0.04)
    assert partial_conjunction([0.04, 0.01, 0.02], 3) == pytest.approx(0.04)
    assert partial_conjunction([0.5], 2) == 1.0
    tests = [EachTest(0.01, 0.99), EachTest(0.02, 0.9), EachTest(0.9, 0.001)]
    assert at_least(tests, 2) == EachTest(pytest.approx(0.04), 1.0)  # type: ignore[arg-type]
    worse = [EachTest(0.9, 0.001), EachTest(0.9, 0.002), EachTest(0.01, 0.99)]
    assert at_least(worse, 2).p_contradict == pytest.approx(0.004)
    # A fourth that could not be tested may hold: two that fail contradict nothing.
    assert at_least(worse, 2, named=4).p_contradict == 0.99


def test_counting_significant_data_sets_would_err_but_partial_conjunction_does_not() -> None:
    """Two of four hold with certainty, and "at least three" is false."""
    random = np.random.default_rng(6)
    repeats, counted, tested = 2000, 0, 0
    for _ in range(repeats):
        p_values = [1e-9, 1e-9, *random.uniform(size=2)]
        counted += sum(p <= 0.05 for p in p_values) >= 3
        tested += partial_conjunction(p_values, 3) <= 0.05
    assert counted / repeats > 0.08
    assert tested / repeats <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)


def test_friedman_equals_scipy_and_finds_the_odd_one() -> None:
    random = np.random.default_rng(7)
    scores = {name: random.normal(size=12) for name in "abc"} | {"d": random.normal(9, 1, 12)}
    scores["a"][:3] = scores["b"][:3]
    found = friedman(scores)
    assert found.p == pytest.approx(stats.friedmanchisquare(*scores.values()).pvalue)
    assert found.mean_ranks["d"] == 4.0
    assert all((p < 0.05) == ("d" in pair) for pair, p in found.pairs.items())
    best = friedman(scores, better="higher")
    assert best.mean_ranks["d"] == 1.0


def test_friedman_of_ties_or_one_block_says_nothing() -> None:
    same = {name: np.ones(5) for name in "abc"}
    assert friedman(same).p == 1.0
    assert friedman({name: np.array([float(i)]) for i, name in enumerate("abc")}).p == 1.0
    assert friedman({"a": np.array([1.0, math.nan]), "b": np.ones(2), "c": np.zeros(2)}).p <= 1.0


def _curves(random: np.random.Generator, seeds: int, noise: float) -> np.ndarray:
    x = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    return 2.0 * x**-0.4 * np.exp(random.normal(0, noise, (seeds, 5)))


X = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


def test_the_bootstrap_over_all_resamples_is_that_of_the_mean() -> None:
    curves = np.random.default_rng(8).normal(3.0, 1.0, (4, 5))
    found = curve_parameter(Problem.of("linear", X), "slope", curves)
    slopes = [np.polyfit(X, curve, 1)[0] for curve in curves]
    assert found.by_seed == pytest.approx(slopes)
    assert found.estimate.value == pytest.approx(np.mean(slopes))
    # A slope is linear in the curve: the bootstrap must give the textbook error.
    assert found.estimate.standard_error == pytest.approx(stats.sem(slopes))


def test_a_curves_parameter_is_tested_against_both_bounds() -> None:
    curves = _curves(np.random.default_rng(9), 5, 0.02)
    inside = compare_curve_parameter("power_law", "exponent", X, curves, (-0.5, -0.3), Rules())
    assert inside.p_greater < 0.01
    mean = curves.mean(axis=0)
    problem = Problem.of("power_law", X)
    exponent = problem.fit(mean).parameters["exponent"]
    assert inside.likelihood == profile_interval(problem, "exponent", mean, exponent)
    assert not any("likelihood" in note for note in inside.notes)
    outside = compare_curve_parameter("power_law", "exponent", X, curves, (None, -0.6), Rules())
    assert outside.p_less < 0.01
    curves[0, 0] = math.nan
    assert (
        compare_curve_parameter("power_law", "exponent", X, curves, (-1, 0), Rules()).p_greater == 1
    )


def test_a_difference_of_slopes_is_welchs_test_of_the_seeds_own_slopes() -> None:
    """Slopes are linear in the curves, so the bootstrap's error is that of the seeds' slopes."""
    random = np.random.default_rng(5)
    slopes = [0.5 + 0.05 * random.normal(size=5), 0.6 + 0.02 * random.normal(size=4)]
    x = np.arange(1.0, 5.0)
    pair = [Curves(name, x, own[:, None] * x) for name, own in zip("ab", slopes, strict=True)]
    found = compare_curve_parameters("linear", "slope", (pair[0], pair[1]), 0.3)
    moved = [slopes[0] + shift for shift in (0.3, -0.3)]
    above, below = (
        stats.ttest_ind(own, slopes[1], equal_var=False, alternative=side).pvalue
        for own, side in zip(moved, ("greater", "less"), strict=True)
    )
    assert found.estimate == pytest.approx(slopes[0].mean() - slopes[1].mean())
    assert found.p_greater == pytest.approx(max(above, below), rel=1e-6)
    far = compare_curve_parameters("linear", "slope", (pair[0], pair[1]), 0.001)
    assert far.p_less < 0.05 < far.p_greater


SIZES = np.array([1.0, 4.0, 9.0, 16.0, 36.0, 64.0])
WITH_CONSTANT = "power_law_with_constant"
NO_END = "the curve does not level off, so it has no constant at its end"


def _law(constant: float, coefficient: float, exponent: float) -> np.ndarray:
    return np.asarray(constant + coefficient * SIZES**exponent)


def _noisy(curve: np.ndarray, seeds: int = 5) -> np.ndarray:
    return np.asarray(curve + np.random.default_rng(3).normal(0, 0.002, (seeds, SIZES.size)))


def test_a_curve_that_does_not_level_off_has_no_constant_at_its_end() -> None:
    falling = np.array([0.603, 0.508, 0.453, 0.412, 0.288, 0.205])
    straight = 5 - 0.3 * np.log(SIZES)
    rising = 1 + 0.1 * SIZES**0.4
    for curve in (falling, straight, rising):
        found = compare_curve_parameter(
            WITH_CONSTANT, "constant", SIZES, _noisy(curve), (None, 1.0), Rules()
        )
        assert (found.estimate, found.p_greater, found.p_less) == (None, 1, 1)
    assert found.notes == (NO_END,)
    # The exponent is what the points say all the same.
    found = compare_curve_parameter(
        WITH_CONSTANT, "exponent", SIZES, _noisy(falling), (0.0, 1.0), Rules()
    )
    assert found.estimate == pytest.approx(0.33, abs=0.02)
    groups = (Curves("a", SIZES, _noisy(_law(0.5, 1, -0.5))), Curves("b", SIZES, _noisy(falling)))
    assert compare_curve_parameters(WITH_CONSTANT, "constant", groups, 1.0).notes == (
        f"b: {NO_END}",
    )


@pytest.mark.parametrize("coefficient", [1.0, -1.0])
def test_a_curve_that_levels_off_has_its_constant_there(coefficient: float) -> None:
    curves = _noisy(_law(0.5, coefficient, -0.6))
    found = compare_curve_parameter(WITH_CONSTANT, "constant", SIZES, curves, (0.45, 0.55), Rules())
    assert found.estimate == pytest.approx(0.5, abs=0.01)
    assert found.p_greater < 0.01


def test_an_exponential_that_grows_does_not_level_off() -> None:
    form, curves = "exponential_with_constant", _noisy(0.5 + 0.1 * np.exp(0.01 * SIZES))
    found = compare_curve_parameter(form, "constant", SIZES, curves, (None, 1.0), Rules())
    assert found.notes == (NO_END,)


def test_a_constant_is_undetermined_where_too_many_resamples_do_not_level_off() -> None:
    """One of three seeds does not: 1 of 27 resamples is that seed alone, more than a tail."""
    good, bad = _law(0.5, 1, -0.8), _law(1.5, -0.1, 0.2)
    curves = np.stack([good, good + 0.01, bad])
    found = compare_curve_parameter(WITH_CONSTANT, "constant", SIZES, curves, (0.0, 1.0), Rules())
    assert found.notes == ("the points do not determine the curve's constant",)
    assert found.p_greater == 1


def test_a_rare_resample_without_end_counts_as_the_furthest_on_its_side() -> None:
    """Of four seeds it is 1 of 256: the constant of 1.5, above all points, is not taken."""
    good, bad = _law(0.5, 1, -0.8), _law(1.5, -0.1, 0.2)
    curves = np.stack([good, good + 0.01, good - 0.01, bad])
    problem = Problem.of(WITH_CONSTANT, SIZES)
    assert problem.fit(bad).parameters["constant"] == pytest.approx(1.5, abs=1e-3)
    found = curve_parameter(problem, "constant", curves)
    assert math.isfinite(found.estimate.standard_error)
    assert found.by_seed == pytest.approx([0.5, 0.51, 0.49, 0.49], abs=1e-4)


def test_a_slopes_profile_interval_is_the_textbook_one() -> None:
    y = np.array([1.0, 1.9, 3.2, 3.8, 5.1])
    x = np.arange(5.0)
    problem = Problem.of("linear", x)
    line = stats.linregress(x, y)
    reach = stats.t.ppf(0.975, 3) * line.stderr
    found = profile_interval(problem, "slope", y, line.slope)
    assert found == pytest.approx((line.slope - reach, line.slope + reach), rel=1e-6)
    assert profile_interval(problem, "slope", 2 * x, 2.0) is None


def test_error_rates_of_ratio_equivalence_and_mean_at_the_boundary() -> None:
    """At the bound each one-sided p is at most 2.5 % significant in 2.5 % of cases."""
    random = np.random.default_rng(10)
    repeats, level, false = 1500, 0.025, {"ratio": 0, "equivalent": 0, "mean": 0}
    for _ in range(repeats):
        theirs = random.normal(2.0, 0.1, 5)
        ours = random.normal(1.0, 0.1, 5)
        ratio = compare_ratio(Ratio(ours, theirs, (None, 0.5), "b"), Rules(), 0.025)
        false["ratio"] += ratio.p_greater <= level
        sides = Sides(theirs + random.normal(0.1, 0.05, 5), theirs, "lower")
        same = compare_equivalent(sides, Margin(amount=0.1), Rules())
        false["equivalent"] += same.p_greater <= level
        pair = [Sides(random.normal(0, s, 5), random.normal(0, s, 5), "lower") for s in (1.0, 5.0)]
        false["mean"] += compare_mean(pair, Margin(), Rules(), [0.0, 0.0]).p_greater <= level
    for name, count in false.items():
        assert count / repeats <= level + 3 * math.sqrt(level * (1 - level) / repeats), name


def test_a_comparison_keeps_what_further_seeds_follow_from() -> None:
    found = compare([1.0, 1.1, 1.2], [2.0, 2.3, 2.1], better="lower")
    gains = np.array([1.0, 1.2, 0.9])
    assert found.contrast == pytest.approx((gains.mean(), gains.std(ddof=1)))


def test_all_resamples_have_the_chances_of_drawing() -> None:
    weights, chances = resamples(3, 2000, np.random.default_rng(0))
    assert len(weights) == 10
    assert chances.sum() == pytest.approx(1.0)
    drawn = [
        tuple(np.bincount(pick, minlength=3) / 3) for pick in itertools.product(range(3), repeat=3)
    ]
    for weight, chance in zip(weights, chances, strict=True):
        assert chance == pytest.approx(drawn.count(tuple(weight)) / 27)
