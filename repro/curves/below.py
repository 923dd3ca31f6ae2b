"""Laws that lie below every point, as that of a frontier does.

Henighan et al. (2020), "Scaling Laws for Autoregressive Generative Modeling": L(C) =
L∞ + (C₀ / C)^α (equation 1.1), with the compute C, is forced to lie below the Pareto frontier of
the learning curves. What the paper minimises it does not state. Here it is the sum of residuals:
none of them is negative, so that for a given exponent the sum is linear in the two factors, and the
best of them are a vertex of the polygon of those that keep the curve below every point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from repro.curves.falling import FallingProblem, searched
from repro.curves.forms import Numbers
from repro.curves.frontier import lower_chain
from repro.curves.variable_projection import Fit, Problem


def fit_below(x: ArrayLike, y: ArrayLike, *, constant: bool = True) -> Fit:
    """Return the curve constant + coefficient · x^exponent nearest to the points from below.

    ``x`` and ``y`` of shape (points,), ``y`` not negative. constant ≥ 0, coefficient ≥ 0 and
    exponent < 0, and the curve exceeds no ``y`` by more than rounding. Without ``constant`` that
    is 0: a pure power law. The ``loss`` is the sum of residuals. Raises ``ValueError`` as
    :func:`repro.curves.fit_falling` does.
    """
    problem, values = FallingProblem.of(x), _checked(x, y)
    if values.min() < 0:
        raise ValueError("y must not be negative: a falling law ends at an entropy")
    places = problem.free.places

    def below(steepness: float) -> tuple[tuple[float, float], float]:
        curve = np.exp(steepness * places)
        level, scale = nearest_below(curve, values) if constant else (0.0, _highest(curve, values))
        return (level, scale), float((values - level - scale * curve).sum())

    steepness, _ = searched(lambda t: np.array([below(one)[1] for one in t.tolist()]))
    return problem.curve(steepness, *below(steepness))


def line_below(x: ArrayLike, y: ArrayLike) -> Fit:
    """Return the line intercept + slope · ln x nearest to the points from below.

    As :func:`fit_below`, but for the form ``logarithmic``, of any slope.
    """
    places, values = np.log(Problem.of("logarithmic", x).x), _checked(x, y)
    slope = _slope_over_mean(places, values)
    intercept = float((values - slope * places).min())
    loss = float((values - intercept - slope * places).sum())
    return Fit("logarithmic", {"intercept": intercept, "slope": slope}, loss)


def nearest_below(curve: Numbers, y: Numbers) -> tuple[float, float]:
    """Return (constant, scale), neither negative, of constant + scale · curve nearest from below.

    ``curve``  positive, and ``y`` not negative, (points,) each; two different numbers of ``curve``

    The best line below the points (curve, y) is highest over the mean of ``curve``: it is the edge
    of their lower hull there. As a function of the scale, with the largest constant that each
    leaves, that height is concave: if the edge's slope is out of bounds, the nearer bound is best.
    """
    # Beyond the least ratio, the constant would have to be negative.
    scale = float(np.clip(_slope_over_mean(curve, y), 0.0, _highest(curve, y)))
    return max(float((y - scale * curve).min()), 0.0), scale


def _slope_over_mean(places: Numbers, y: Numbers) -> float:
    """Return the slope of the lower hull's edge over the mean of ``places``."""
    hull = lower_chain(places, y)
    right = int(np.searchsorted(places[hull], places.mean()).clip(1, len(hull) - 1))
    left, right = hull[right - 1], hull[right]
    return float((y[right] - y[left]) / (places[right] - places[left]))


def _highest(curve: Numbers, y: Numbers) -> float:
    """Return the largest scale with which scale · curve lies below."""
    return float((y / curve).min())


def _checked(x: ArrayLike, y: ArrayLike) -> Numbers:
    values = np.asarray(y, dtype=float)
    if values.shape != np.shape(x) or not np.isfinite(values).all():
        raise ValueError("y must have one finite number for each x")
    return values
