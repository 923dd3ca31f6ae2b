"""How far fitted curves may be off: the bootstrap, the profile likelihood, extrapolation."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.stats import t

from repro.curves import (
    AnyProblem,
    FallingProblem,
    Problem,
    bootstrap,
    deviances,
    extrapolations,
    fit,
    joint_extrapolations,
    profile_interval,
)

SIZES = np.geomspace(1e4, 1e8, 8)
TRUTH = {"constant": 1.8, "coefficient": 20.0, "exponent": -0.3}


def law(x: np.ndarray, constant: float, coefficient: float, exponent: float) -> np.ndarray:
    return constant + coefficient * x**exponent


def runs(seeds: int, random: np.random.Generator, noise: float = 0.01) -> tuple[np.ndarray, ...]:
    """Return x, y and seed of points; the points of a seed share an offset."""
    x = np.tile(SIZES, seeds)
    seed = np.repeat(np.arange(seeds), SIZES.size)
    own = random.normal(0, noise, seeds)[seed]
    return x, law(x, **TRUTH) + own + random.normal(0, noise / 3, x.size), seed


def test_the_bootstrap_of_a_mean_is_the_t_interval() -> None:
    values = np.array([1.0, 4.0, 2.0, 7.0, 3.0])
    drawn = bootstrap(
        lambda points: {"mean": float(values[points].mean())},
        np.arange(5),
        np.random.default_rng(0),
    )
    error = values.std(ddof=1) / math.sqrt(5)
    assert drawn.standard_error("mean") == pytest.approx(error)
    reach = t.ppf(0.975, 4) * error
    assert drawn.interval("mean") == pytest.approx((3.4 - reach, 3.4 + reach))


def test_points_of_one_seed_are_drawn_together() -> None:
    seen: list[tuple[int, ...]] = []

    def estimator(points: np.ndarray) -> Mapping[str, float]:
        seen.append(tuple(sorted(points.tolist())))
        return {"count": float(points.size)}

    drawn = bootstrap(estimator, ["a", "b", "a"], np.random.default_rng(0))
    assert seen == [(0, 1, 2), (0, 0, 2, 2), (0, 1, 2), (1, 1)]
    assert drawn.units == 2
    assert drawn.chances.tolist() == [0.25, 0.5, 0.25]


def test_the_generator_alone_decides_what_is_drawn() -> None:
    values = np.random.default_rng(1).normal(size=40)

    def drawn(seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        return bootstrap(
            lambda points: {"mean": float(values[points].mean())}, np.arange(40), generator, 50
        ).resampled["mean"]

    assert (drawn(3) == drawn(3)).all()
    assert (drawn(3) != drawn(4)).any()


def test_one_seed_and_resamples_without_a_fit_give_no_interval() -> None:
    generator = np.random.default_rng(0)
    one = bootstrap(lambda points: {"a": float(points.size)}, [7, 7, 7], generator)
    assert one.interval("a") is None

    def fails(points: np.ndarray) -> Mapping[str, float]:
        if np.unique(points).size < 4:
            raise ValueError("too few")
        return {"a": 1.0}

    assert bootstrap(fails, np.arange(4), generator).interval("a") is None


def test_a_logarithmic_interval_lies_above_zero_and_is_skewed() -> None:
    values = np.array([1.0, 10.0, 100.0])
    drawn = bootstrap(
        lambda points: {"a": float(np.exp(np.log(values[points]).mean()))},
        np.arange(3),
        np.random.default_rng(0),
    )
    interval = drawn.interval("a", logarithmic=True)
    assert interval is not None
    error = np.log(values).std(ddof=1) / math.sqrt(3)
    assert np.log(interval) == pytest.approx(
        np.log(10) + np.array([-1, 1]) * t.ppf(0.975, 2) * error
    )


@pytest.mark.parametrize("parameter", ["constant", "exponent"])
def test_the_profile_is_near_curve_fits_interval_where_noise_is_small(parameter: str) -> None:
    x = np.repeat(SIZES, 4)
    y = law(x, **TRUTH) + np.random.default_rng(5).normal(0, 1e-3, x.size)
    values, covariance = curve_fit(law, x, y, p0=list(TRUTH.values()))
    place = list(TRUTH).index(parameter)
    reach = t.ppf(0.975, x.size - 3) * math.sqrt(covariance[place, place])
    problem = Problem.of("power_law_with_constant", x)
    interval = profile_interval(problem, parameter, y, float(values[place]))
    expected = values[place] - reach, values[place] + reach
    assert interval == pytest.approx(expected, abs=0.1 * reach)


def test_a_wide_huber_delta_gives_the_profile_of_least_squares() -> None:
    x = np.repeat(SIZES, 3)
    y = law(x, **TRUTH) + np.random.default_rng(6).normal(0, 0.01, x.size)
    problem = Problem.of("power_law_with_constant", x)
    value = problem.fit(y).parameters["constant"]
    plain = profile_interval(problem, "constant", y, value)
    assert plain == pytest.approx(
        profile_interval(problem, "constant", y, value, huber_delta=100.0), rel=1e-5
    )


def test_the_profile_of_hubers_loss_is_not_blown_up_by_a_wild_point() -> None:
    x = np.repeat(SIZES, 3)
    y = law(x, **TRUTH) + np.random.default_rng(7).normal(0, 0.003, x.size)
    y[-1] += 0.5
    problem = Problem.of("power_law_with_constant", x)
    lengths = []
    for delta in (None, 0.005):
        value = problem.fit(y, delta).parameters["constant"]
        interval = profile_interval(problem, "constant", y, value, huber_delta=delta)
        assert interval is not None
        lengths.append(interval[1] - interval[0])
    assert interval[0] < TRUTH["constant"] < interval[1]
    assert lengths[1] < 0.5 * lengths[0]


def test_the_true_form_foretells_the_largest_size_best() -> None:
    x, y, _ = runs(3, np.random.default_rng(0), noise=1e-3)
    found = {one.form: one for one in extrapolations(x, y)}
    assert list(found) == ["power_law_with_constant", "power_law", "logarithmic", "last_value"]
    seen = x < x.max()
    assert found["power_law"].predicted == pytest.approx(
        float(fit("power_law", x[seen], y[seen]).predict(x.max()))
    )
    assert found["last_value"].predicted == pytest.approx(y[x == SIZES[-2]].mean())
    for one in found.values():
        assert one.measured == pytest.approx(y[~seen].mean())
        assert one.error == pytest.approx(one.predicted - one.measured)
        assert one.root_mean_square >= abs(one.error) - 1e-12
    best = abs(found["power_law_with_constant"].error)
    assert all(best < abs(one.error) / 5 for name, one in found.items() if "constant" not in name)


def test_forms_with_too_many_parameters_for_the_sizes_left_are_passed_over() -> None:
    found = extrapolations([1.0, 10.0, 100.0], [3.0, 2.0, 1.5])
    assert [one.form for one in found] == ["power_law", "logarithmic", "last_value"]
    assert found[1].predicted == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("x", "forms", "why"),
    [([1.0, 2.0], ["cubic"], "unknown form"), ([1.0, 1.0], ["last_value"], "two different x")],
)
def test_what_cannot_be_extrapolated_is_refused(x: list[float], forms: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        extrapolations(x, [1.0, 2.0], forms)


def test_the_joint_form_foretells_the_largest_size_at_all_its_token_counts() -> None:
    n, d = (
        side.ravel() for side in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e8, 1e11, 6))
    )
    loss = 1.8 + 300 / n**0.35 + 900 / d**0.36
    found = {one.form: one for one in joint_extrapolations(n, d, loss)}
    assert list(found) == ["joint", "power_law", "logarithmic", "last_value"]
    assert found["joint"].root_mean_square < 1e-4
    assert all(one.root_mean_square > 0.02 for name, one in found.items() if name != "joint")
    assert {one.x for one in found.values()} == {1e9}
    seen = n < n.max()
    basis = np.stack([np.ones_like(n), np.log(n), np.log(d)], axis=1)
    factors = np.linalg.solve(basis[seen].T @ basis[seen], basis[seen].T @ np.log(loss[seen]))
    assert found["power_law"].predicted == pytest.approx(np.exp(basis[~seen] @ factors).mean())


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_bootstraps_interval_covers(seeds: int) -> None:
    """A binomial test of 95 % at 250 repetitions: 92 % is 2 standard errors below."""
    random = np.random.default_rng(11)
    covered = dict.fromkeys(TRUTH, 0)
    repetitions = 250
    for _ in range(repetitions):
        x, y, seed = runs(seeds, random)

        def estimator(
            points: np.ndarray, x: np.ndarray = x, y: np.ndarray = y
        ) -> Mapping[str, float]:
            return fit("power_law_with_constant", x[points], y[points]).parameters

        drawn = bootstrap(estimator, seed, random)
        for name, value in TRUTH.items():
            interval = drawn.interval(name, logarithmic=name == "coefficient")
            assert interval is not None
            covered[name] += interval[0] <= value <= interval[1]
    for name, count in covered.items():
        assert 0.91 < count / repetitions <= 0.99, (name, count / repetitions)


@pytest.mark.slow
@pytest.mark.parametrize(("delta", "repetitions", "least"), [(None, 120, 0.89), (0.005, 30, 0.8)])
def test_the_profiles_interval_covers(delta: float | None, repetitions: int, least: float) -> None:
    """``least`` is 3 standard errors below 95 % for squares, below 94 % for Huber's loss."""
    random = np.random.default_rng(12)
    covered = 0
    x = np.repeat(SIZES, 4)
    problem = Problem.of("power_law_with_constant", x)
    for _ in range(repetitions):
        y = law(x, **TRUTH) + 0.01 * random.normal(size=x.size)
        value = problem.fit(y, delta).parameters["constant"]
        interval = profile_interval(problem, "constant", y, value, huber_delta=delta)
        assert interval is not None
        covered += interval[0] <= TRUTH["constant"] <= interval[1]
    assert least < covered / repetitions <= 1


@pytest.mark.parametrize("huber_delta", [None, 0.02])
def test_the_deviance_reaches_its_bound_at_the_profiles_ends(huber_delta: float | None) -> None:
    y = law(SIZES, **TRUTH) + np.random.default_rng(4).normal(0, 0.01, SIZES.size)
    problem = Problem.of("power_law_with_constant", SIZES)
    best = problem.fit(y, huber_delta).parameters["constant"]
    ends = profile_interval(problem, "constant", y, best, huber_delta=huber_delta)
    assert ends is not None
    values = np.array([ends[0], best, ends[1]])
    found = deviances(problem, "constant", y, values, huber_delta=huber_delta)
    assert found is not None
    (low, least, high), most = found
    assert most == pytest.approx(t.ppf(0.975, SIZES.size - 3) ** 2)
    assert (low, high) == pytest.approx((most, most), rel=1e-4)
    assert least == pytest.approx(0.0, abs=1e-6)


def test_no_deviance_where_the_curve_goes_through_all_points() -> None:
    x = np.arange(5.0)
    assert deviances(Problem.of("linear", x), "slope", 2 * x, np.array([2.0])) is None


def test_resampling_many_points_takes_what_their_fits_take() -> None:
    """No step that compares every unit with every point, or counts all resamples there are."""
    start = time.process_time()
    y = np.random.default_rng(0).normal(size=200_000)
    found = bootstrap(
        lambda points: {"mean": float(y[points].mean())},
        np.arange(y.size),
        np.random.default_rng(1),
        draws=10,
    )
    assert found.standard_error("mean") == pytest.approx(y.size**-0.5, rel=0.8)
    assert time.process_time() - start < 4


@pytest.mark.parametrize("huber_delta", [None, 0.01])
@pytest.mark.parametrize("exponent", [-0.05, -0.3, -2.0])
def test_what_the_search_leaves_of_points_on_the_curve_allows_nothing(
    exponent: float, huber_delta: float | None
) -> None:
    x = np.array([1.0, 4.0, 9.0, 16.0, 36.0, 64.0])
    y = 0.89 + 0.5 * x**exponent
    problems: list[AnyProblem] = [Problem.of("power_law_with_constant", x), FallingProblem.of(x)]
    for problem in problems:
        best = problem.fit(y, huber_delta).parameters["constant"]
        assert best == pytest.approx(0.89, abs=1e-4)
        ends = profile_interval(problem, "constant", y, best, huber_delta=huber_delta)
        assert ends is None
        noisy = y + 1e-4 * np.array([1, -1, 1, 1, -1, 1])
        assert profile_interval(problem, "constant", noisy, best, huber_delta=huber_delta)
