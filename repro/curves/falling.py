"""A power law plus a constant that falls towards an entropy: constant and coefficient from 0 up.

Without these bounds the curve nearest to a few noisy points may rise, or fall ever faster. For a
given exponent the two factors follow by linear regression on the quadrant; the loss is convex in
them, so that where the free regression leaves the quadrant the best factors lie on its edge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from repro.curves.forms import Form, Numbers
from repro.curves.huber import huber_losses
from repro.curves.variable_projection import Fit, Problem, linear_factors

_FORM = "power_law_with_constant"
#: Exponents are searched where the curve changes by at most a factor e^40 over the points' range,
#: and by more than one that no fit could tell from a constant.
_STEEPEST, _FLATTEST, _CELLS = 20.0, 1e-4, 80
#: How often the cells beside a low place are searched on a finer grid, and the cells of each.
_FINER, _FINE_CELLS = 7, 16


def fit_falling(x: ArrayLike, y: ArrayLike, *, huber_delta: float | None = None) -> Fit:
    """Return the curve constant + coefficient · x^exponent, falling, nearest to the points.

    ``x`` and ``y`` of shape (points,), ``y`` not negative. constant ≥ 0, coefficient ≥ 0 and
    exponent < 0. ``huber_delta`` as for :func:`repro.curves.fit`, and errors as there; also
    ``ValueError`` for a negative ``y``.
    """
    problem, values = FallingProblem.of(x), np.asarray(y, dtype=float)
    found = problem.fit(values, huber_delta)
    if values.min() < 0:
        raise ValueError("y must not be negative: a falling law ends at an entropy")
    return found


@dataclass(frozen=True)
class FallingProblem:
    """The points' places, prepared for fits to several values there: as `Problem`, but bounded.

    A value may be negative, as that of a difference: the curve's end is not.
    """

    free: Problem

    @staticmethod
    def of(x: ArrayLike) -> FallingProblem:
        """Return the problem of fitting at ``x``. Raises ``ValueError`` as `fit` does."""
        return FallingProblem(Problem.of(_FORM, x))

    @property
    def form(self) -> Form:
        """The form, whose parameters are bounded."""
        return self.free.form

    @property
    def x(self) -> Numbers:
        """The points' places as they were given."""
        return self.free.x

    def fit(self, y: Numbers, huber_delta: float | None = None) -> Fit:
        """Return the curve nearest to the values ``y`` at the problem's places."""
        places = self.free.places
        if y.shape != places.shape or not np.isfinite(y).all():
            raise ValueError("y must have one finite number for each x")
        if huber_delta is None:
            steepness, _ = searched(lambda t: _squares(t, places, y))
        else:
            steepness, _ = searched(
                lambda t: np.array([_factors(places, y, one, huber_delta)[1] for one in t.tolist()])
            )
        return self.curve(steepness, *_factors(places, y, steepness, huber_delta))

    def curve(self, steepness: float, factors: tuple[float, float], loss: float) -> Fit:
        """Return constant + scale · e^(steepness · place), its ``factors``, as a curve over x."""
        constant, scale = factors
        exponent = steepness / self.free.half
        found = {
            "constant": constant,
            "coefficient": scale * float(np.exp(-exponent * self.free.middle)),
            "exponent": exponent,
        }
        return Fit(_FORM, found, loss, steepness < -0.999 * _STEEPEST)

    def profile(
        self, y: Numbers, parameter: str, value: float, huber_delta: float | None = None
    ) -> float:
        """Return the least loss of a curve whose constant is ``value``; below 0, as if it were 0.

        ``parameter`` must be ``constant``: others have no profile here.
        """
        if parameter != "constant":
            raise ValueError(f"{parameter!r} has no profile where the law is held to fall")
        places, rest = self.free.places, y - max(value, 0.0)
        if huber_delta is None:
            return searched(lambda t: _squares_without_constant(t, places, rest))[1]
        return searched(
            lambda t: np.array(
                [_one_factor(np.exp(one * places), rest, huber_delta)[1] for one in t.tolist()]
            )
        )[1]


#: What `profile_interval` and the like take: a free problem or one that is held to fall.
AnyProblem = Problem | FallingProblem


def searched(loss: Callable[[Numbers], Numbers]) -> tuple[float, float]:
    """Return the best steepness and its loss: a grid, then ever finer ones about its lowest places.

    ``loss``  takes several steepnesses to the least loss at each
    """
    grid = -np.geomspace(_STEEPEST, _FLATTEST, _CELLS + 1)
    losses = loss(grid)
    found = [(float(losses[place]), float(grid[place])) for place in (0, _CELLS)]
    for place in _lowest(losses):
        fine, own, best = grid, losses, place
        for _ in range(_FINER):
            low, high = fine[max(best - 1, 0)], fine[min(best + 1, fine.size - 1)]
            fine = np.linspace(low, high, _FINE_CELLS + 1)
            own = loss(fine)
            best = int(own.argmin())
        found.append((float(own[best]), float(fine[best])))
    least, steepness = min(found)
    return steepness, least


def _lowest(losses: Numbers) -> list[int]:
    """Return up to three places of the grid that have no better neighbour."""
    padded = np.concatenate([[np.inf], losses, [np.inf]])
    lowest = np.flatnonzero((losses <= padded[:-2]) & (losses <= padded[2:]))
    places: list[int] = lowest[np.argsort(losses[lowest], kind="stable")][:3].tolist()
    return places


def _squares(steepness: Numbers, places: Numbers, y: Numbers) -> Numbers:
    """Return the least loss at each steepness by least squares: `_factors` in closed form."""
    curves = np.exp(steepness[:, None] * places)
    centred, spread = curves - curves.mean(axis=1, keepdims=True), y - y.mean()
    scale = centred @ spread / np.einsum("tp,tp->t", centred, centred)
    free = 0.5 * ((spread - scale[:, None] * centred) ** 2).sum(axis=1)
    inside = (scale >= 0) & (y.mean() - scale * curves.mean(axis=1) >= 0)
    flat = 0.5 * float(((y - max(y.mean(), 0.0)) ** 2).sum())
    return np.where(inside, free, np.minimum(flat, _pure(curves, y)))


def _squares_without_constant(steepness: Numbers, places: Numbers, y: Numbers) -> Numbers:
    """Return the same without a constant."""
    return _pure(np.exp(steepness[:, None] * places), y)


def _pure(curves: Numbers, y: Numbers) -> Numbers:
    """Return the least loss of one factor, not negative, for each curve (curves, points)."""
    factor = np.maximum(curves @ y / np.einsum("tp,tp->t", curves, curves), 0.0)
    return np.asarray(0.5 * ((y - factor[:, None] * curves) ** 2).sum(axis=1))


def _factors(
    places: Numbers, y: Numbers, steepness: float, delta: float | None
) -> tuple[tuple[float, float], float]:
    """Return constant and scale, neither negative, and their loss."""
    curve = np.exp(steepness * places)
    ones = np.ones_like(curve)
    (constant, scale), loss = linear_factors(np.stack([ones, curve], 1), y, delta)
    if constant >= 0 and scale >= 0:
        return (float(constant), float(scale)), loss
    level, flat = _one_factor(ones, y, delta)
    factor, pure = _one_factor(curve, y, delta)
    return ((level, 0.0), flat) if flat < pure else ((0.0, factor), pure)


def _one_factor(curve: Numbers, y: Numbers, delta: float | None) -> tuple[float, float]:
    """Return the best factor of one curve that is not negative, and its loss."""
    (factor,), loss = linear_factors(curve[:, None], y, delta)
    if factor >= 0:
        return float(factor), loss
    return 0.0, float(huber_losses(y, delta).sum())
