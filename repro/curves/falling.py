"""A power law plus a constant that falls towards an entropy: constant and coefficient from 0 up.

Without these bounds the curve nearest to a few noisy points may rise, or fall ever faster. For a
given exponent the two factors follow by linear regression on the quadrant; the loss is convex in
them, so that where the free regression leaves the quadrant the best factors lie on its edge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from repro.curves.forms import Numbers
from repro.curves.variable_projection import Fit, Problem, linear_factors

_FORM = "power_law_with_constant"
#: Exponents are searched where the curve changes by at most a factor e^40 over the points' range,
#: and by more than one that no fit could tell from a constant.
_STEEPEST, _FLATTEST, _CELLS = 20.0, 1e-4, 80


def fit_falling(x: ArrayLike, y: ArrayLike, *, huber_delta: float | None = None) -> Fit:
    """Return the curve constant + coefficient · x^exponent, falling, nearest to the points.

    ``x`` and ``y`` of shape (points,), ``y`` not negative. constant ≥ 0, coefficient ≥ 0 and
    exponent < 0. ``huber_delta`` as for :func:`repro.curves.fit`, and errors as there; also
    ``ValueError`` for a negative ``y``.
    """
    problem, values = Problem.of(_FORM, x), np.asarray(y, dtype=float)
    if values.shape != problem.places.shape or not np.isfinite(values).all():
        raise ValueError("y must have one finite number for each x")
    if values.min() < 0:
        raise ValueError("y must not be negative: a falling law ends at an entropy")
    steepness = _searched(problem.places, values, huber_delta)
    (constant, scale), loss = _factors(problem.places, values, steepness, huber_delta)
    exponent = steepness / problem.half
    found = {
        "constant": constant,
        "coefficient": scale * float(np.exp(-exponent * problem.middle)),
        "exponent": exponent,
    }
    return Fit(_FORM, found, loss, steepness < -0.999 * _STEEPEST)


def _searched(places: Numbers, y: Numbers, delta: float | None) -> float:
    """Return the best steepness: a grid, then within the cells beside its lowest places."""
    from scipy.optimize import minimize_scalar

    def loss(steepness: float) -> float:
        return _factors(places, y, steepness, delta)[1]

    grid = -np.geomspace(_STEEPEST, _FLATTEST, _CELLS + 1)
    losses = np.array([loss(float(steepness)) for steepness in grid])
    found = [(float(losses[place]), float(grid[place])) for place in (0, _CELLS)]
    for place in _lowest(losses):
        bounds = float(grid[max(place - 1, 0)]), float(grid[min(place + 1, _CELLS)])
        best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
        found.append((float(best.fun), float(best.x)))
    return min(found)[1]


def _lowest(losses: Numbers) -> list[int]:
    """Return up to three places of the grid that have no better neighbour."""
    padded = np.concatenate([[np.inf], losses, [np.inf]])
    lowest = np.flatnonzero((losses <= padded[:-2]) & (losses <= padded[2:]))
    places: list[int] = lowest[np.argsort(losses[lowest], kind="stable")][:3].tolist()
    return places


def _factors(
    places: Numbers, y: Numbers, steepness: float, delta: float | None
) -> tuple[tuple[float, float], float]:
    """Return constant and scale, neither negative, and their loss."""
    curve = np.exp(steepness * places)
    ones = np.ones_like(curve)
    (constant, scale), loss = linear_factors(np.stack([ones, curve], 1), y, delta)
    if constant >= 0 and scale >= 0:
        return (float(constant), float(scale)), loss
    (level,), flat = linear_factors(ones[:, None], y, delta)
    (factor,), pure = linear_factors(curve[:, None], y, delta)
    return ((float(level), 0.0), flat) if flat < pure else ((0.0, float(factor)), pure)
