"""A power law plus a constant that lies below every point, as a frontier's law does.

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
from repro.curves.variable_projection import Fit


def fit_below(x: ArrayLike, y: ArrayLike) -> Fit:
    """Return the curve constant + coefficient · x^exponent nearest to the points from below.

    ``x`` and ``y`` of shape (points,), ``y`` not negative. constant ≥ 0, coefficient ≥ 0 and
    exponent < 0, and the curve exceeds no ``y`` by more than rounding. The ``loss`` is the sum of
    residuals. Raises ``ValueError`` as :func:`repro.curves.fit_falling` does.
    """
    problem, values = FallingProblem.of(x), np.asarray(y, dtype=float)
    places = problem.free.places
    if values.shape != places.shape or not np.isfinite(values).all():
        raise ValueError("y must have one finite number for each x")
    if values.min() < 0:
        raise ValueError("y must not be negative: a falling law ends at an entropy")

    def below(steepness: float) -> tuple[tuple[float, float], float]:
        curve = np.exp(steepness * places)
        constant, scale = nearest_below(curve, values)
        return (constant, scale), float((values - constant - scale * curve).sum())

    steepness, _ = searched(lambda t: np.array([below(one)[1] for one in t.tolist()]))
    return problem.curve(steepness, *below(steepness))


def nearest_below(curve: Numbers, y: Numbers) -> tuple[float, float]:
    """Return (constant, scale), neither negative, of constant + scale · curve nearest from below.

    ``curve``  positive, and ``y`` not negative, (points,) each; two different numbers of ``curve``

    The best line below the points (curve, y) is highest over the mean of ``curve``: it is the edge
    of their lower hull there. As a function of the scale, with the largest constant that each
    leaves, that height is concave: if the edge's slope is out of bounds, the nearer bound is best.
    """
    hull = lower_chain(curve, y)
    right = int(np.searchsorted(curve[hull], curve.mean()).clip(1, len(hull) - 1))
    left, right = hull[right - 1], hull[right]
    slope = (y[right] - y[left]) / (curve[right] - curve[left])
    # Beyond the least ratio, the constant would have to be negative.
    scale = float(np.clip(slope, 0.0, (y / curve).min()))
    return max(float((y - scale * curve).min()), 0.0), scale
