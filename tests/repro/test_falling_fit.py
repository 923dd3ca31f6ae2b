"""The falling law: the truth comes back, SciPy finds nothing better, bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from repro.curves import FallingProblem, deviances, fit, fit_falling, profile_interval
from repro.curves.huber import huber_losses

X = np.array([1.0, 4.0, 9.0, 16.0, 36.0, 64.0])


@pytest.mark.parametrize("huber_delta", [None, 0.01])
def test_an_exact_law_is_found_again(huber_delta: float | None) -> None:
    found = fit_falling(X, 1.5 + 0.8 * X**-0.4, huber_delta=huber_delta)
    assert found.parameters["constant"] == pytest.approx(1.5, abs=1e-5)
    assert found.parameters["coefficient"] == pytest.approx(0.8, abs=1e-5)
    assert found.parameters["exponent"] == pytest.approx(-0.4, abs=1e-5)
    assert not found.at_edge


def test_the_free_fit_is_the_same_where_it_falls_to_an_entropy() -> None:
    y = 1.5 + 0.8 * X**-0.4 + np.array([0.01, -0.01, 0.0, 0.01, -0.01, 0.0])
    free, falling = fit("power_law_with_constant", X, y), fit_falling(X, y)
    assert falling.parameters == pytest.approx(free.parameters, rel=1e-4)
    assert falling.loss == pytest.approx(free.loss)


@pytest.mark.parametrize("huber_delta", [None, 0.05])
def test_scipy_with_the_same_bounds_finds_nothing_better(huber_delta: float | None) -> None:
    random = np.random.default_rng(0)
    for _ in range(10):
        y = random.uniform(0, 2) + random.uniform(-0.5, 1) * X ** random.uniform(-1, 0.3)
        y = np.abs(y + random.normal(0, 0.05, X.size))
        found = fit_falling(X, y, huber_delta=huber_delta)

        def loss(p: np.ndarray, y: np.ndarray = y) -> float:
            residuals = y - p[0] - p[1] * (X / 8) ** p[2]
            if huber_delta is None:
                return float((residuals**2).sum()) / 2
            return float(huber_losses(residuals, huber_delta).sum())

        bounds = [(0, None), (0, None), (-5, -1e-4)]
        starts = [(y.min(), 0.1, -0.5), (0, y.mean(), -0.1), (y.mean(), 0, -1), (0.5, 0.5, -2)]
        best = min(minimize(loss, s, bounds=bounds, method="L-BFGS-B").fun for s in starts)
        assert found.loss <= best + 1e-7


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 10), min_size=6, max_size=6), st.sampled_from([None, 0.01]))
def test_every_fit_falls_and_is_not_negative(y: list[float], huber_delta: float | None) -> None:
    found = fit_falling(X, y, huber_delta=huber_delta)
    assert found.parameters["constant"] >= 0
    assert found.parameters["coefficient"] >= 0
    assert found.parameters["exponent"] < 0
    assert (np.diff(found.predict(X)) <= 1e-12).all()


def test_losses_that_rise_have_a_flat_law() -> None:
    found = fit_falling(X, X)
    assert found.predict([1.0, 1e6]) == pytest.approx([X.mean()] * 2)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1.0, 2.0], [1.0, 1.0], "needs as many different x"),
        ([1.0, 2.0, 3.0], [1.0, np.nan, 1.0], "one finite number"),
        ([1.0, 2.0, 3.0], [1.0, -1.0, 1.0], "must not be negative"),
    ],
)
def test_bad_points_are_refused(x: list[float], y: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_falling(x, y)


@pytest.mark.parametrize("huber_delta", [None, 0.05])
def test_scipy_finds_no_better_curve_with_a_given_constant(huber_delta: float | None) -> None:
    random, problem = np.random.default_rng(1), FallingProblem.of(X)
    for constant in (0.0, 0.4, 1.5):
        y = 0.5 + X**-0.3 + random.normal(0, 0.1, X.size)

        def loss(p: np.ndarray, y: np.ndarray = y, constant: float = constant) -> float:
            residuals = y - constant - p[0] * (X / 8) ** p[1]
            return float(huber_losses(residuals, huber_delta).sum())

        bounds = [(0, None), (-5, -1e-4)]
        starts = [(0.1, -0.5), (y.mean(), -0.1), (0.0, -1.0)]
        best = min(minimize(loss, s, bounds=bounds, method="L-BFGS-B").fun for s in starts)
        assert problem.profile(y, "constant", constant, huber_delta) <= best + 1e-7


def test_a_constant_that_may_be_0_has_an_open_interval() -> None:
    y = 3 * X**-0.2 + np.array([0.02, -0.01, 0.0, 0.01, -0.02, 0.0])
    problem = FallingProblem.of(X)
    ends = profile_interval(problem, "constant", y, problem.fit(y).parameters["constant"])
    assert ends is not None
    assert ends[0] == -np.inf
    assert 0 < ends[1] < y.min()
    found = deviances(problem, "constant", y, np.array([0.0, ends[1]]))
    assert found is not None
    (at_0, at_end), most = found
    assert at_0 < most
    assert at_end == pytest.approx(most, rel=1e-6)
    with pytest.raises(ValueError, match="'exponent' has no profile"):
        problem.profile(y, "exponent", -0.2)


def test_values_below_0_are_fitted_by_a_curve_that_is_not() -> None:
    y = np.array([0.5, 0.2, 0.05, -0.01, -0.02, 0.01])
    found = FallingProblem.of(X).fit(y)
    assert found.parameters["constant"] >= 0
    assert FallingProblem.of(X).fit(-np.ones(6)).loss == pytest.approx(3.0)
    with pytest.raises(ValueError, match="must not be negative"):
        fit_falling(X, y)
