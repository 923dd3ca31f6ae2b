"""Curves fitted to points: known curves are found again, and numbers that cannot be are refused."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import curve_fit

from repro.curves import FORMS, Problem, fit

TRUTH = {
    "linear": {"intercept": 2.0, "slope": -0.7},
    "logarithmic": {"intercept": 1.0, "slope": 0.3},
    "power_law": {"coefficient": 3.0, "exponent": -0.42},
    "power_law_with_constant": {"constant": 1.7, "coefficient": 400.0, "exponent": -0.34},
    "exponential": {"coefficient": 0.5, "rate": 0.21},
    "exponential_with_constant": {"constant": -1.0, "coefficient": 2.0, "rate": -0.8},
}
FORMULAS = {
    "linear": lambda x, intercept, slope: intercept + slope * x,
    "logarithmic": lambda x, intercept, slope: intercept + slope * np.log(x),
    "power_law": lambda x, coefficient, exponent: coefficient * x**exponent,
    "power_law_with_constant": lambda x, constant, coefficient, exponent: (
        constant + coefficient * x**exponent
    ),
    "exponential": lambda x, coefficient, rate: coefficient * np.exp(rate * x),
    "exponential_with_constant": lambda x, constant, coefficient, rate: (
        constant + coefficient * np.exp(rate * x)
    ),
}
X = np.array([0.5, 1.0, 2.0, 4.0, 6.0, 9.0])


def test_every_form_is_tried_here() -> None:
    assert FORMS.keys() == TRUTH.keys()


@pytest.mark.parametrize("form", FORMS)
def test_a_curve_without_noise_is_found_again(form: str) -> None:
    x = X * 1e6 if form.startswith("power") else X
    found = fit(form, x, FORMULAS[form](x, **TRUTH[form]))
    assert found.parameters == pytest.approx(TRUTH[form], rel=1e-4)
    assert tuple(found.parameters) == FORMS[form].parameters
    assert found.predict(x) == pytest.approx(FORMULAS[form](x, **TRUTH[form]), rel=1e-6)
    assert not found.at_edge


def test_the_memory_of_a_fit_does_not_grow_with_the_grid_of_rates() -> None:
    """A table of learning curves has many points: 161 numbers for each would fill a computer."""
    x = np.geomspace(1e3, 1e9, 100_000)
    tracemalloc.start()
    found = fit("power_law_with_constant", x, FORMULAS["power_law_with_constant"](x, 1.5, 9, -0.3))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.parameters["constant"] == pytest.approx(1.5, abs=1e-4)
    assert peak < 200 * x.size * x.itemsize


@pytest.mark.parametrize("form", FORMS)
def test_a_noisy_curve_equals_scipys_fit(form: str) -> None:
    x = np.repeat(X, 3)
    y = FORMULAS[form](x, **TRUTH[form]) + np.random.default_rng(0).normal(0, 0.03, x.size)
    expected, _ = curve_fit(FORMULAS[form], x, y, p0=list(TRUTH[form].values()), maxfev=20000)
    found = fit(form, x, y)
    residuals = y - FORMULAS[form](x, *expected)
    assert found.loss <= 0.5 * (residuals**2).sum() * (1 + 1e-6)
    assert list(found.parameters.values()) == pytest.approx(list(expected), rel=1e-2)


def test_one_wild_point_misleads_least_squares_but_not_huber() -> None:
    x = np.arange(1.0, 13.0)
    y = 2.0 * x**-0.5
    y[3] += 5.0
    assert fit("power_law", x, y, huber_delta=1e-3).parameters["exponent"] == pytest.approx(
        -0.5, abs=0.01
    )
    assert abs(fit("power_law", x, y).parameters["exponent"] + 0.5) > 0.05


def test_hubers_loss_is_that_of_its_definition() -> None:
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 12.0])
    found = fit("linear", x, y, huber_delta=0.5)
    size = np.abs(y - found.predict(x))
    expected = np.where(size <= 0.5, size**2 / 2, 0.5 * (size - 0.25)).sum()
    assert found.loss == pytest.approx(expected)
    assert found.loss < fit("linear", x, y).loss


@pytest.mark.parametrize("form", FORMS)
def test_the_profile_is_least_at_the_estimate(form: str) -> None:
    y = FORMULAS[form](X, **TRUTH[form]) + np.random.default_rng(1).normal(0, 0.01, X.size)
    problem = Problem.of(form, X)
    found = problem.fit(y)
    for parameter, value in found.parameters.items():
        at = problem.profile(y, parameter, value)
        assert at == pytest.approx(found.loss, rel=1e-3)
        step = 0.05 * abs(value)
        for other in (value - step, value + step):
            assert problem.profile(y, parameter, other) > at * (1 + 1e-4)


def test_a_flat_line_has_no_rate_but_no_error_either() -> None:
    for form in FORMS:
        found = fit(form, X, np.full(X.size, 2.0))
        assert found.predict(X) == pytest.approx(np.full(X.size, 2.0), abs=1e-6)


@pytest.mark.parametrize(
    ("form", "x", "y", "why"),
    [
        ("cubic", X, X, "unknown form"),
        ("linear", [1.0, 1.0], [1.0, 2.0], "different x"),
        ("power_law", [0.0, 1.0], [1.0, 2.0], "positive"),
        ("linear", [np.nan, 1.0], [1.0, 2.0], "finite"),
        ("linear", [0.0, 1.0], [1.0, np.inf], "finite"),
        ("linear", [0.0, 1.0], [1.0], "for each x"),
    ],
)
def test_what_cannot_be_fitted_is_refused(form: str, x: object, y: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        fit(form, x, y)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1e-300, 1e-9, 1e9, 1e300])
def test_the_values_unit_does_not_matter(form: str, size: float) -> None:
    y = FORMULAS[form](X, **TRUTH[form]) + 0.01 * np.sin(X)
    found, scaled = fit(form, X, y), fit(form, X, size * y)
    rate = FORMS[form].rate
    for name, value in found.parameters.items():
        expected = value if name == rate else size * value
        assert scaled.parameters[name] == pytest.approx(expected, rel=1e-6)
