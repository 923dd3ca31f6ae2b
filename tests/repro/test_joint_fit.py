"""Loss over size and tokens: what was put in is found again, whatever the units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

from repro.curves import JOINT_PARAMETERS, JointProblem, fit_joint, joint_constant_interval
from repro.curves.huber import huber_losses, huber_slopes, likelihood_unit

TRUTH = {
    "constant": 1.8,
    "size_coefficient": 480.0,
    "size_exponent": 0.35,
    "token_coefficient": 2100.0,
    "token_exponent": 0.37,
}


def points(noise: float = 0.0, count: int = 60, seed: int = 0) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    n = np.exp(random.uniform(np.log(5e7), np.log(1e10), count))
    d = np.exp(random.uniform(np.log(3e8), np.log(3e11), count))
    return n, d, formula(n, d, **TRUTH) * np.exp(noise * random.normal(size=count))


def formula(
    n: np.ndarray,
    d: np.ndarray,
    constant: float,
    size_coefficient: float,
    size_exponent: float,
    token_coefficient: float,
    token_exponent: float,
) -> np.ndarray:
    return constant + size_coefficient / n**size_exponent + token_coefficient / d**token_exponent


@pytest.mark.parametrize("delta", [1e-3, None])
def test_points_without_noise_give_the_parameters_back(delta: float | None) -> None:
    n, d, loss = points()
    found = fit_joint(n, d, loss, delta)
    assert tuple(found.parameters) == JOINT_PARAMETERS
    assert found.parameters == pytest.approx(TRUTH, rel=1e-3)
    assert found.predict(n, d) == pytest.approx(loss, rel=1e-6)
    assert not found.at_edge


def test_units_of_size_tokens_and_loss_change_the_coefficients_alone() -> None:
    n, d, loss = points(0.004)
    found, other = fit_joint(n, d, loss), fit_joint(n / 1e6, d / 1e9, loss / np.log(2))
    assert other.loss == pytest.approx(found.loss, rel=1e-9)
    for name in ("size_exponent", "token_exponent"):
        assert other.parameters[name] == pytest.approx(found.parameters[name], rel=1e-5)
    ours, theirs = found.parameters, other.parameters
    assert theirs["constant"] == pytest.approx(ours["constant"] / np.log(2), rel=1e-5)
    assert theirs["size_coefficient"] == pytest.approx(
        ours["size_coefficient"] / 1e6 ** ours["size_exponent"] / np.log(2), rel=1e-4
    )


def test_no_other_optimiser_finds_a_smaller_loss() -> None:
    """Nelder and Mead's simplex, which knows no slope, from the truth and from the fit."""
    n, d, loss = points(0.004)
    found = fit_joint(n, d, loss)

    def objective(place: np.ndarray) -> float:
        e, a, alpha, b, beta = place
        with np.errstate(over="ignore"):
            terms = np.exp(e) + np.exp(a) / n**alpha + np.exp(b) / d**beta
        return 1e4 * float(huber_losses(np.log(terms) - np.log(loss), 1e-3).sum())

    for start in (TRUTH, found.parameters):
        e, a, alpha, b, beta = start.values()
        place = np.array([np.log(e), np.log(a), alpha, np.log(b), beta])
        options = {"maxiter": 20000, "maxfev": 20000, "xatol": 1e-9, "fatol": 1e-12}
        best = minimize(objective, place, method="Nelder-Mead", options=options)
        assert 1e4 * found.loss <= best.fun * (1 + 1e-9)


def test_the_slope_is_that_of_finite_differences() -> None:
    problem = JointProblem.of(*points(0.01))
    place = np.array([0.4, -0.5, 0.3, -0.4, 0.5])
    value, slope = problem._value(place, 1e-3)
    for axis, step in enumerate(1e-6 * np.eye(5)):
        up, down = (problem._value(place + sign * step, 1e-3)[0] for sign in (1, -1))
        assert slope[axis] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-9)
    assert value > 0


def test_wild_points_mislead_least_squares_but_not_huber() -> None:
    n, d, loss = points(0.002)
    loss = loss.copy()
    loss[:4] *= 1.6
    robust, plain = fit_joint(n, d, loss), fit_joint(n, d, loss, None)
    assert robust.parameters["constant"] == pytest.approx(1.8, abs=0.03)
    truth = formula(n, d, **TRUTH)[4:]
    off = [np.abs(f.predict(n, d)[4:] / truth - 1).mean() for f in (robust, plain)]
    assert off[0] < 0.1 * off[1]


def test_the_best_size_for_compute_is_that_of_a_search() -> None:
    n, d, loss = points(0.004)
    found = fit_joint(n, d, loss)
    for compute in (1e19, 1e22):
        size, tokens = found.optimal(compute)
        assert 6 * size * tokens == pytest.approx(compute)
        searched = minimize_scalar(
            lambda log_size, c=compute: float(
                found.predict(np.exp(log_size), c / 6 / np.exp(log_size))
            ),
            bounds=(10, 40),
            method="bounded",
            options={"xatol": 1e-9},
        )
        assert np.log(size) == pytest.approx(searched.x, abs=1e-4)
    sizes, _ = found.optimal([1e20, 1e21])
    assert np.log10(sizes[1] / sizes[0]) == pytest.approx(found.compute_exponent)


def test_a_term_that_the_points_do_not_show_is_said_to_be_at_the_edge() -> None:
    n, d, _ = points()
    assert fit_joint(n, d, 2 + 300 / d**0.3 + 0.02 * np.log(n), 1e-3).at_edge


@pytest.mark.parametrize("delta", [1e-3, None])
def test_the_constants_interval_is_where_the_profile_crosses_its_level(
    delta: float | None,
) -> None:
    n, d, loss = points(0.004)
    problem = JointProblem.of(n, d, loss)
    found = problem.fit(delta)
    interval = joint_constant_interval(problem, found)
    assert interval is not None
    low, high = interval
    assert low < found.parameters["constant"] < high
    unit = likelihood_unit(problem.residuals(found), delta, 5)
    for end in interval:
        excess = problem.profile(np.log(end), found) - found.loss
        assert excess == pytest.approx(unit * 2.0040**2 / 2, rel=1e-2)
    wider = joint_constant_interval(problem, found, level=0.99)
    assert wider is not None
    assert wider[0] < low
    assert high < wider[1]


def test_a_fit_through_all_points_has_no_interval() -> None:
    n, d, loss = points()
    problem = JointProblem.of(n, d, loss)
    five = JointProblem.of(n[:5], d[:5], loss[:5])
    assert joint_constant_interval(five, five.fit()) is None
    assert joint_constant_interval(problem, problem.fit()) is None


def test_hubers_loss_lies_between_squares_and_sizes() -> None:
    residuals = np.array([-3.0, -0.5, 0.0, 0.2, 2.0])
    assert huber_losses(residuals, 1.0) == pytest.approx([2.5, 0.125, 0.0, 0.02, 1.5])
    assert huber_losses(residuals, None) == pytest.approx(residuals**2 / 2)
    assert huber_slopes(residuals, 1.0) == pytest.approx([-1.0, -0.5, 0.0, 0.2, 1.0])


def test_the_likelihoods_unit_is_the_variance_for_squares_and_for_a_wide_delta() -> None:
    residuals = np.random.default_rng(0).normal(0, 0.1, 400)
    plain = likelihood_unit(residuals, None, 3)
    assert plain == pytest.approx(float((residuals**2).sum()) / 397)
    assert likelihood_unit(residuals, 10.0, 3) == pytest.approx(plain)
    # For normal errors of variance s² and a small δ: E ψ² / E ψ′ = δ² / (2 δ φ(0) / s).
    expected = 1e-4 * 0.1 * np.sqrt(2 * np.pi) / 2
    assert likelihood_unit(residuals, 1e-4, 3) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda n, d, y: (n[:4], d[:4], y[:4]), "as many points"),
        (lambda n, d, y: (np.resize(n[:2], n.size), d, y), "different sizes"),
        (lambda n, d, y: (n, np.full(d.size, 1e9), y), "different sizes and token counts"),
        (lambda n, d, y: (n, d, y - 10), "positive"),
        (lambda n, d, y: (n, d, np.where(n > 1e9, np.nan, y)), "finite"),
        (lambda n, d, y: (n, d[:-1], y), "one length"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        fit_joint(*change(*points()))  # type: ignore[operator]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    constant=st.floats(0.1, 5),
    alpha=st.floats(0.15, 0.9),
    beta=st.floats(0.15, 0.9),
    shares=st.tuples(st.floats(0.1, 2), st.floats(0.1, 2)),
    seed=st.integers(0, 99),
)
def test_any_law_is_found_again(
    constant: float, alpha: float, beta: float, shares: tuple[float, float], seed: int
) -> None:
    n, d, _ = points(seed=seed)
    a, b = shares[0] * constant * 1e9**alpha, shares[1] * constant * 1e10**beta
    loss = formula(n, d, constant, a, alpha, b, beta)
    found = fit_joint(n, d, loss)
    assert found.predict(n, d) == pytest.approx(loss, rel=1e-4)
    assert found.parameters["size_exponent"] == pytest.approx(alpha, rel=0.02)
    assert found.parameters["token_exponent"] == pytest.approx(beta, rel=0.02)
