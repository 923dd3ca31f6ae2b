"""The best size for compute: the hull by brute force, the exponent of a law that is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import ConvexHull

from repro.curves import lower_hull, optimal_size, undominated

ALPHA, BETA = 0.34, 0.37


def ladder(sizes: int, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return learning curves of models a factor of 3 apart: size, compute, loss."""
    random = np.random.default_rng(seed)
    n = np.repeat(1e6 * 3.0 ** np.arange(sizes), 40)
    d = np.tile(np.geomspace(1e8, 3e11, 40), sizes)
    model = np.repeat(random.normal(0, noise, sizes), 40)
    return n, 6 * n * d, 1.7 + 400 / n**ALPHA + 2000 / d**BETA + model


def test_the_hull_is_that_of_scipy_as_far_as_it_falls() -> None:
    _, compute, loss = ladder(6)
    places = np.stack([np.log(compute), loss], axis=1)
    whole = set(ConvexHull(places).vertices.tolist())
    hull = lower_hull(compute, loss)
    assert set(hull.tolist()) <= whole
    assert (np.diff(compute[hull]) > 0).all()
    assert (np.diff(loss[hull]) < 0).all()
    assert loss[hull[-1]] == loss.min()
    assert compute[hull[0]] == compute.min()


@given(
    arrays(float, st.integers(1, 30), elements=st.floats(1e-3, 1e12)),
    st.integers(0, 10_000),
)
def test_no_point_lies_below_the_frontier(compute: np.ndarray, seed: int) -> None:
    loss = np.random.default_rng(seed).uniform(0, 5, compute.size)
    hull = lower_hull(compute, loss)
    x = np.log(compute)
    within = x <= x[hull[-1]]
    line = np.interp(x[within], x[hull], loss[hull])
    assert (loss[within] >= line - 1e-9).all()
    slopes = np.diff(loss[hull]) / np.diff(x[hull])
    assert (np.diff(slopes) > -1e-9).all()


@given(st.integers(1, 25), st.integers(0, 10_000))
def test_no_cheaper_point_reaches_what_is_undominated(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    compute = random.integers(1, 9, count).astype(float)
    loss = random.integers(0, 9, count).astype(float)
    found = undominated(compute, loss)
    points = [(float(c), float(y)) for c, y in zip(compute, loss, strict=True)]
    best = {
        (c, y)
        for c, y in points
        if not any(other != (c, y) and other[0] <= c and other[1] <= y for other in points)
    }
    assert [points[i] for i in found] == sorted(best)


def test_units_and_a_constant_do_not_move_the_frontier() -> None:
    size, compute, loss = ladder(7)
    found, other = (
        optimal_size(size, compute, loss),
        optimal_size(size, compute / 8.64e19, 3 + loss),
    )
    assert (found.frontier == other.frontier).all()
    assert other.exponent == pytest.approx(found.exponent)
    assert other.predict(1.0) == pytest.approx(found.predict(8.64e19))


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_the_exponent_of_a_known_law_is_found_nearly(noise: float) -> None:
    truth = BETA / (ALPHA + BETA)
    found = [optimal_size(*ladder(7, noise, seed)).exponent for seed in range(5)]
    assert np.mean(found) == pytest.approx(truth, abs=0.03)


def test_every_vertex_flattens_the_exponent() -> None:
    """The ladder's ends hold many vertices along which the size does not grow."""
    size, compute, loss = ladder(7)
    truth = BETA / (ALPHA + BETA)
    models, vertices = (optimal_size(size, compute, loss, rule) for rule in ("models", "vertices"))
    assert vertices.exponent < truth - 0.03
    assert abs(models.exponent - truth) < abs(vertices.exponent - truth)
    assert vertices.sizes.size == vertices.frontier.size
    assert models.sizes.tolist() == sorted(set(size))[1:-1]


def test_the_power_law_of_single_points_is_the_regression_of_logarithms() -> None:
    compute = np.array([1e3, 1e4, 1e5, 1e6, 1e7])
    size = 0.5 * compute**0.7
    found = optimal_size(size, compute, 2 + compute**-0.2)
    assert (found.coefficient, found.exponent) == pytest.approx((0.5, 0.7))


@pytest.mark.parametrize(
    ("size", "compute", "loss", "why"),
    [
        ([1, 1, 2], [1, 2, 3], [3, 2, 1], "2 models lie on the frontier"),
        ([1, 2, 3, 4], [1, 2, 3, 0], [4, 3, 2, 1], "positive"),
        ([1, 2, 3, -4], [1, 2, 3, 4], [4, 3, 2, 1], "sizes must be positive"),
        ([1, 2, 3, 4], [1, 2, 3, 4], [4, 3, np.nan, 1], "finite"),
        ([1, 2, 3, 4], [1, 2, 3], [4, 3, 2, 1], "one length"),
        ([], [], [], "a point at least"),
    ],
)
def test_what_has_no_frontier_is_refused(
    size: list[float], compute: list[float], loss: list[float], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        optimal_size(size, compute, loss)
