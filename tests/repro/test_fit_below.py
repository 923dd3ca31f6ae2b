"""The law from below: the truth comes back, linear programmes and SciPy find nothing nearer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from repro.curves import fit_below, fit_falling, line_below
from repro.curves.below import nearest_below

X = np.array([1.0, 4.0, 9.0, 16.0, 36.0, 64.0])
VALUES = st.lists(st.floats(0, 10), min_size=6, max_size=6).map(np.array)


def test_an_exact_law_is_found_again() -> None:
    found = fit_below(1e12 * X, 1.5 + 0.8 * X**-0.4)
    assert found.parameters["constant"] == pytest.approx(1.5, abs=1e-5)
    assert found.parameters["coefficient"] * 1e12**-0.4 == pytest.approx(0.8, abs=1e-5)
    assert found.parameters["exponent"] == pytest.approx(-0.4, abs=1e-5)
    assert found.loss == pytest.approx(0, abs=1e-6)
    assert not found.at_edge


def test_points_above_a_law_do_not_raise_it() -> None:
    """Where half of the points lie on a law, it is nearest from below; through them it is not."""
    x = np.geomspace(1, 1e3, 12)
    law = 0.5 + 2 * x**-0.3
    y = law + np.where(np.arange(12) % 2, 0.05, 0.0)
    assert fit_below(x, y).predict(x) == pytest.approx(law, abs=0.01)
    assert fit_below(x, y).predict(x)[::2] == pytest.approx(law[::2], abs=1e-3)
    assert (fit_falling(x, y).predict(x) > law + 0.01).all()


@settings(deadline=None, max_examples=200)
@given(VALUES, st.floats(-3, -0.01), st.integers(0, 3))
def test_at_a_given_exponent_it_solves_the_linear_programme(
    y: np.ndarray, exponent: float, twice: int
) -> None:
    curve, y = np.append(X, X[:twice]) ** exponent, np.append(y, y[:twice][::-1])
    constant, scale = nearest_below(curve, y)
    assert constant >= 0
    assert scale >= 0
    assert (constant + scale * curve <= y + 1e-9).all()
    bounds = np.stack([np.ones_like(curve), curve], 1)
    best = linprog(-bounds.sum(0), A_ub=bounds, b_ub=y)
    assert best.status == 0
    assert len(y) * constant + scale * curve.sum() == pytest.approx(-best.fun, abs=1e-6)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6).map(np.array))
def test_the_line_from_below_solves_the_linear_programme(y: np.ndarray) -> None:
    line = line_below(X, y)
    assert (line.predict(X) <= y + 1e-9).all()
    bounds = np.stack([np.ones_like(X), np.log(X)], 1)
    best = linprog(-bounds.sum(0), A_ub=bounds, b_ub=y, bounds=(None, None))
    assert line.loss == pytest.approx(y.sum() + best.fun, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(VALUES)
def test_without_a_constant_no_pure_power_law_comes_nearer_from_below(y: np.ndarray) -> None:
    found = fit_below(X, y, constant=False)
    assert found.parameters["constant"] == 0
    assert (found.predict(X) <= y + 1e-9).all()
    for exponent in -np.geomspace(1e-3, 8, 300):
        curve = X**exponent
        assert found.loss <= (y - (y / curve).min() * curve).sum() + 1e-6


def test_exact_rivals_are_found_again() -> None:
    law = fit_below(X, 3 * X**-0.25, constant=False)
    assert law.predict([256.0]) == pytest.approx([0.75], rel=1e-5)
    assert line_below(X, 3 - 0.5 * np.log(X)).parameters == pytest.approx(
        {"intercept": 3, "slope": -0.5}
    )


@pytest.mark.parametrize(
    ("curve", "y", "expected"),
    [
        # The edge over the mean, 2.
        ([0.0, 1.0, 5.0], [1.0, 2.0, 9.0], (0.25, 1.75)),
        # Where the edge falls with the curve: a flat line.
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], (1.0, 0.0)),
        # Where it would end below 0: a pure power law.
        ([1.0, 2.0, 3.0], [1.0, 4.0, 7.0], (0.0, 1.0)),
        ([1.0, 2.0, 3.0], [0.0, 0.0, 3.0], (0.0, 0.0)),
    ],
)
def test_vertices_by_hand(
    curve: list[float], y: list[float], expected: tuple[float, float]
) -> None:
    assert nearest_below(np.array(curve) + 1e-9, np.array(y)) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(VALUES)
def test_every_law_lies_below_its_points_and_falls(y: np.ndarray) -> None:
    found = fit_below(X, y)
    assert (found.predict(X) <= y + 1e-9).all()
    assert found.loss == pytest.approx(float((y - found.predict(X)).sum()), abs=1e-6)
    assert found.parameters["constant"] >= 0
    assert found.parameters["coefficient"] >= 0
    assert found.parameters["exponent"] < 0
    assert found.loss <= float((y - y.min()).sum()) + 1e-9


def test_no_other_exponent_and_no_search_of_scipys_comes_nearer() -> None:
    random = np.random.default_rng(0)
    for _ in range(10):
        noise = random.exponential(0.05, X.size)
        y = random.uniform(0, 2) + random.uniform(0.1, 1) * X ** random.uniform(-1, -0.1) + noise
        found = fit_below(X, y)
        for exponent in -np.geomspace(1e-3, 8, 2000):
            constant, scale = nearest_below(X**exponent, y)
            assert found.loss <= (y - constant - scale * X**exponent).sum() + 1e-6

        def height(p: np.ndarray) -> float:
            return -float((p[0] + p[1] * X ** p[2]).sum())

        below = {"type": "ineq", "fun": lambda p, y=y: y - p[0] - p[1] * X ** p[2]}
        limits = [(0, None), (0, None), (-5, -1e-3)]
        for start in [(y.min() / 2, 0.1, -0.5), (0.0, y.min(), -0.1)]:
            other = minimize(height, start, bounds=limits, constraints=[below], method="SLSQP")
            if other.success and below["fun"](other.x).min() >= -1e-9:
                assert found.loss <= y.sum() + other.fun + 1e-6


def test_losses_that_rise_have_the_least_as_their_law() -> None:
    found = fit_below(X, X)
    assert found.predict([1.0, 1e6]) == pytest.approx([1.0, 1.0])


@settings(deadline=None, max_examples=30)
@given(VALUES, st.floats(0.1, 10), st.floats(0.1, 10))
def test_units_do_not_matter(y: np.ndarray, unit: float, size: float) -> None:
    assume(y.max() > 1e-3)
    here, there = fit_below(X, y), fit_below(unit * X, size * y)
    assert there.loss == pytest.approx(size * here.loss, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1.0, 2.0], [1.0, 1.0], "needs as many different x"),
        ([0.0, 2.0, 3.0], [1.0, 1.0, 1.0], "must be positive"),
        ([1.0, 2.0, 3.0], [1.0, np.nan, 1.0], "one finite number"),
        ([1.0, 2.0, 3.0], [1.0, 1.0], "one finite number"),
        ([1.0, 2.0, 3.0], [1.0, -1.0, 1.0], "must not be negative"),
    ],
)
def test_bad_points_are_refused(x: list[float], y: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_below(x, y)
