"""Curves of one variable through points: least squares or Huber's loss, by variable projection.

Every form is linear in all of its parameters but at most one, its rate or exponent. For a given
rate the others follow by linear regression, so the search is over one bounded number: first on a
grid, because the loss may have several minima, then within the best cells of the grid (Golub and
Pereyra, 1973, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from repro.curves.forms import FORMS, Form, Numbers
from repro.curves.huber import huber_losses

#: Rates are searched where the curve changes by at most a factor e^40 over the points' range.
_STEEPEST = 20.0
_GRID = np.linspace(-_STEEPEST, _STEEPEST, 161)
#: How often a cell is searched on a finer grid, and the cells of each.
_FINER, _CELLS = 6, 20
#: A rate nearer to 0 cannot be told from the straight line that the curve then is.
_FLATTEST = 1e-6
_HUBER_ROUNDS = 100
#: Of a grid's curves at once, (places of the grid, points): 32 MiB in each of a few arrays.
_MOST_NUMBERS = 2**22


@dataclass(frozen=True)
class Fit:
    """A fitted curve.

    ``parameters``  by name, as in ``FORMS[form].parameters``
    ``loss``        half the sum of squared residuals, or the sum of Huber's loss; of a curve from
                    below, the sum of residuals
    ``at_edge``     whether the rate ended at the steepest that is searched: it says a bound alone
    """

    form: str
    parameters: dict[str, float]
    loss: float
    at_edge: bool = False

    def predict(self, x: ArrayLike) -> Numbers:
        """Return the curve's values at ``x``."""
        return FORMS[self.form].values(self.parameters, x)


def fit(form: str, x: ArrayLike, y: ArrayLike, *, huber_delta: float | None = None) -> Fit:
    """Return the curve of ``form`` nearest to the points (``x``, ``y``), both of shape (points,).

    ``huber_delta``  residuals beyond it, in the unit of ``y``, count linearly; ``None`` for least
                     squares

    Raises ``ValueError`` for an unknown form, for numbers that are not finite, for fewer different
    ``x`` than the form has parameters, and for an ``x`` of 0 or less where the form takes ln x.
    """
    return Problem.of(form, x).fit(np.asarray(y, dtype=float), huber_delta)


@dataclass(frozen=True)
class Problem:
    """The points' places, prepared once for many fits to other values there."""

    name: str
    form: Form
    middle: float
    half: float
    places: Numbers

    @staticmethod
    def of(name: str, x: ArrayLike) -> Problem:
        """Return the problem of fitting ``name`` at ``x``. Raises ``ValueError`` as `fit` does."""
        if name not in FORMS:
            raise ValueError(f"unknown form {name!r}; known: {', '.join(FORMS)}")
        form, numbers = FORMS[name], np.asarray(x, dtype=float)
        if numbers.ndim != 1 or not np.isfinite(numbers).all():
            raise ValueError("x must be one row of finite numbers")
        if np.unique(numbers).size < len(form.parameters):
            need = len(form.parameters)
            raise ValueError(f"{name} has {need} parameters and needs as many different x")
        if form.logarithmic and numbers.min() <= 0:
            raise ValueError(f"{name} takes the logarithm of x, so every x must be positive")
        z = np.log(numbers) if form.logarithmic else numbers
        middle, half = (z.max() + z.min()) / 2, (z.max() - z.min()) / 2
        return Problem(name, form, float(middle), float(half), (z - middle) / half)

    @property
    def x(self) -> Numbers:
        """The points' places as they were given."""
        z = self.places * self.half + self.middle
        return np.exp(z) if self.form.logarithmic else z

    def fit(self, y: Numbers, huber_delta: float | None = None) -> Fit:
        """Return the curve nearest to the values ``y`` at the problem's places."""
        if y.shape != self.places.shape or not np.isfinite(y).all():
            raise ValueError("y must have one finite number for each x")
        # Squares of what is very large or small would not be numbers any more.
        size = float(np.abs(y).max()) or 1.0
        scaled, delta = y / size, None if huber_delta is None else huber_delta / size
        steepness = self._searched(scaled, delta) if self.form.rate else 0.0
        coefficients, loss = linear_factors(self._basis(steepness), scaled, delta)
        with np.errstate(over="ignore"):
            return self._fit(steepness, coefficients * size, float(np.float64(loss) * size * size))

    def profile(
        self, y: Numbers, parameter: str, value: float, huber_delta: float | None = None
    ) -> float:
        """Return the least loss of a curve whose ``parameter`` is ``value``."""
        if parameter == self.form.rate:
            steepness = float(np.clip(value * self.half, -_STEEPEST, _STEEPEST))
            return linear_factors(self._basis(steepness), y, huber_delta)[1]
        place = self.form.parameters.index(parameter)

        def loss(steepness: float, delta: float | None = huber_delta) -> float:
            basis = self._plain_basis(steepness)
            rest = np.delete(basis, place, axis=1)
            return linear_factors(rest, y - value * basis[:, place], delta)[1]

        if not self.form.rate:
            return loss(0.0)
        # Where to look is found by least squares, which needs no rounds.
        return _minimise(loss, np.array([loss(t, None) for t in _GRID]))[0]

    def _searched(self, y: Numbers, delta: float | None) -> float:
        if delta is None:
            return self._steepness(y)
        return _minimise(
            lambda t: linear_factors(self._basis(t), y, delta)[1], self._losses(_GRID, y)
        )[1]

    def _steepness(self, y: Numbers) -> float:
        """Return the steepness of least squares: ever finer grids around each lowest place."""
        found = []
        for low, high in _lowest(self._losses(_GRID, y)):
            ends = low, high
            for _ in range(_FINER):
                grid = np.linspace(*ends, _CELLS + 1)
                losses = self._losses(grid, y)
                best = int(losses.argmin())
                ends = grid[max(best - 1, 0)], grid[min(best + 1, _CELLS)]
            found.append((float(losses[best]), float(grid[best])))
        return min(found)[1]

    def _losses(self, steepness: Numbers, y: Numbers) -> Numbers:
        """Return the least loss at each steepness, of shape (places of the grid,)."""
        rows = max(1, _MOST_NUMBERS // self.places.size)
        blocks = range(0, steepness.size, rows)
        return np.concatenate([self._block(steepness[at : at + rows], y) for at in blocks])

    def _block(self, steepness: Numbers, y: Numbers) -> Numbers:
        curves, values = np.exp(steepness[:, None] * self.places), y
        if self.form.constant:
            flat = np.abs(steepness) < _FLATTEST
            divisor = np.where(flat, 1.0, steepness)[:, None]
            bent = np.expm1(steepness[:, None] * self.places) / divisor
            curves = np.where(flat[:, None], self.places, bent)
            curves, values = curves - curves.mean(axis=1, keepdims=True), y - y.mean()
        size = np.einsum("tp,tp->t", curves, curves)
        return np.asarray(0.5 * (values @ values - (curves @ values) ** 2 / size))

    def _basis(self, steepness: float) -> Numbers:
        """Return the curves that are combined linearly, of shape (points, curves).

        With a constant, (e^(tu) − 1) / t stands for e^(tu): at t = 0 it is u, not a second
        constant.
        """
        u = self.places
        if not self.form.constant:
            return np.exp(steepness * u)[:, None]
        bent = u if abs(steepness) < _FLATTEST else np.expm1(steepness * u) / steepness
        return np.stack([np.ones_like(u), bent], axis=1)

    def _plain_basis(self, steepness: float) -> Numbers:
        """Return the curves whose factors are the form's own parameters."""
        z = self.places * self.half + self.middle
        curve = np.exp(steepness / self.half * z) if self.form.rate else z
        return np.stack([np.ones_like(z), curve] if self.form.constant else [curve], axis=1)

    def _fit(self, steepness: float, coefficients: Numbers, loss: float) -> Fit:
        if not self.form.rate:
            slope = float(coefficients[1]) / self.half
            intercept = float(coefficients[0]) - slope * self.middle
            return Fit(self.name, {"intercept": intercept, "slope": slope}, loss)
        if self.form.constant and abs(steepness) < _FLATTEST:
            steepness = math.copysign(_FLATTEST, steepness)
        rate = steepness / self.half
        scale = float(coefficients[-1]) / (steepness if self.form.constant else 1.0)
        found = {"coefficient": scale * float(np.exp(-rate * self.middle)), self.form.rate: rate}
        if self.form.constant:
            found = {"constant": float(coefficients[0]) - scale, **found}
        return Fit(self.name, found, loss, abs(steepness) > 0.999 * _STEEPEST)


def _lowest(losses: Numbers) -> list[tuple[float, float]]:
    """Return the cells of the grid around its three best places that have no better neighbour."""
    padded = np.concatenate([[np.inf], losses, [np.inf]])
    lowest = np.flatnonzero((losses <= padded[:-2]) & (losses <= padded[2:]))
    return [
        (float(_GRID[max(index - 1, 0)]), float(_GRID[min(index + 1, _GRID.size - 1)]))
        for index in lowest[np.argsort(losses[lowest])][:3]
    ]


def _minimise(loss: Callable[[float], float], losses: Numbers) -> tuple[float, float]:
    """Return the least ``loss`` and its steepness, searched where the grid's ``losses`` are low."""
    from scipy.optimize import minimize_scalar

    found = []
    for bounds in _lowest(losses):
        best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7})
        found.append((float(best.fun), float(best.x)))
    return min(found)


def linear_factors(basis: Numbers, y: Numbers, delta: float | None) -> tuple[Numbers, float]:
    """Return the best factors of the basis and their loss, for Huber's by reweighting."""
    factors: Numbers = np.linalg.lstsq(basis, y, rcond=None)[0].astype(np.float64)
    if delta is None:
        return factors, 0.5 * float(((y - basis @ factors) ** 2).sum())
    for _ in range(_HUBER_ROUNDS):
        size = np.abs(y - basis @ factors)
        root = np.sqrt(np.minimum(1.0, delta / np.maximum(size, 1e-300)))
        earlier = factors
        factors = np.linalg.lstsq(basis * root[:, None], y * root, rcond=None)[0].astype(np.float64)
        if np.allclose(factors, earlier, rtol=1e-10, atol=0.0):
            break
    return factors, float(huber_losses(y - basis @ factors, delta).sum())
