"""Loss over model size and tokens together: E + A / N^α + B / D^β, by Huber's loss of the log.

The form and its fit are those of Hoffmann et al. (2022, "Training Compute-Optimal Large Language
Models", approach 3): with a = ln A, b = ln B and e = ln E the logarithm of the prediction is the
log-sum-exp of a − α ln N, b − β ln D and e, and the sum over all points of Huber's loss of its
difference to the logarithm of the measured loss is minimised by L-BFGS from several starts.

That loss is tiny, and an optimiser with a tolerance for larger ones stops early (Besiroglu et al.,
2024, "Chinchilla Scaling: A replication attempt"): here it is divided by its value at the start,
and the optimiser starts again where it stopped until nothing is gained. Sizes and tokens are
centred in the logarithm, so that a coefficient is not tied to its exponent and units do not matter.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from repro.curves.forms import Numbers
from repro.curves.huber import huber_losses, huber_slopes

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

#: Their letters in the paper are E, A, α, B and β.
JOINT_PARAMETERS = (
    "constant",
    "size_coefficient",
    "size_exponent",
    "token_coefficient",
    "token_exponent",
)
JOINT_FORMULA = (
    "constant + size_coefficient / N^size_exponent + token_coefficient / D^token_exponent"
)
#: Huber's δ of Hoffmann et al., in the logarithm of the loss.
HUBER_DELTA = 1e-3
#: Fewer different sizes, or token counts, leave the constant open.
LEAST_PLACES = 3

#: The grid of starts: exponents, the constant's share of the mean loss, the size's of the rest.
_EXPONENTS = (0.05, 0.15, 0.3, 0.5, 0.9)
_CONSTANT_SHARES = (0.1, 0.4, 0.7, 0.9)
_SIZE_SHARES = (0.15, 0.5, 0.85)
#: How many of the grid's best are followed.
_STARTS = 6
#: A term changes by at most a factor e^40 over the points' range.
_STEEPEST = 40.0
#: Relative gains at which the optimiser stops: on the way, and at the end.
_COARSE, _FINE = 1e-9, 1e-15
_MOST_RESTARTS = 20
#: A loss per point this small: the fit goes through all of them.
_EXACT = 1e-20
#: The constant's logarithm lies no further below that of the least loss.
_SMALLEST = 40.0


@dataclass(frozen=True)
class JointFit:
    """A fitted loss over size and tokens.

    ``parameters``   by name, as in ``JOINT_PARAMETERS``
    ``loss``         the sum of Huber's loss of the log residuals, or half the sum of their squares
    ``huber_delta``  in the logarithm of the loss; ``None`` for least squares
    ``at_edge``      whether an exponent ended at 0 or at the steepest that is searched
    """

    parameters: dict[str, float]
    loss: float
    huber_delta: float | None
    at_edge: bool = False

    def predict(self, sizes: ArrayLike, tokens: ArrayLike) -> Numbers:
        """Return the loss at ``sizes`` (parameters) and ``tokens``, broadcast to one shape."""
        e, a, alpha, b, beta = (self.parameters[name] for name in JOINT_PARAMETERS)
        n, d = np.asarray(sizes, dtype=float), np.asarray(tokens, dtype=float)
        values: Numbers = e + a * n**-alpha + b * d**-beta
        return values

    @property
    def compute_exponent(self) -> float:
        """The exponent of compute in the size that is best for it: N_opt ∝ C^(β / (α + β)).

        NaN where the loss falls with neither: both exponents ended at 0.
        """
        alpha, beta = self.parameters["size_exponent"], self.parameters["token_exponent"]
        return beta / (alpha + beta) if alpha + beta > 0 else math.nan

    def optimal(self, compute: ArrayLike) -> tuple[Numbers, Numbers]:
        """Return the sizes and tokens of least loss at ``compute`` = 6 N D, in operations."""
        _, a, alpha, b, beta = (self.parameters[name] for name in JOINT_PARAMETERS)
        ratio = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
        product = np.asarray(compute, dtype=float) / 6
        share = self.compute_exponent
        return ratio * product**share, product ** (1 - share) / ratio


def fit_joint(
    sizes: ArrayLike, tokens: ArrayLike, losses: ArrayLike, huber_delta: float | None = HUBER_DELTA
) -> JointFit:
    """Return the joint fit to points of shape (points,); every number must be positive.

    ``huber_delta``  residuals beyond it, in the logarithm of the loss, count linearly; ``None``
                     for least squares

    Raises ``ValueError`` for a number that is not positive and finite, for fewer than five points,
    and for fewer than three different sizes or token counts.
    """
    return JointProblem.of(sizes, tokens, losses).fit(huber_delta)


@dataclass(frozen=True)
class JointProblem:
    """The points' logarithms, those of size and tokens about their means.

    A place in the search is (e, a, α, b, β), where a and b are the terms' logarithms at the means.
    """

    sizes: Numbers
    tokens: Numbers
    losses: Numbers
    means: tuple[float, float]

    @staticmethod
    def of(sizes: ArrayLike, tokens: ArrayLike, losses: ArrayLike) -> JointProblem:
        """Return the problem of these points. Raises ``ValueError`` as `fit_joint` does."""
        columns = [np.asarray(column, dtype=float) for column in (sizes, tokens, losses)]
        if columns[0].ndim != 1 or len({column.shape for column in columns}) > 1:
            raise ValueError("sizes, tokens and losses must be rows of one length")
        if not all(np.isfinite(column).all() and (column > 0).all() for column in columns):
            raise ValueError("sizes, tokens and losses must be positive and finite")
        if columns[0].size < len(JOINT_PARAMETERS):
            raise ValueError(f"{len(JOINT_PARAMETERS)} parameters need as many points")
        if min(np.unique(column).size for column in columns[:2]) < LEAST_PLACES:
            raise ValueError(f"at least {LEAST_PLACES} different sizes and token counts are needed")
        n, d, loss = (np.log(column) for column in columns)
        return JointProblem(n - n.mean(), d - d.mean(), loss, (float(n.mean()), float(d.mean())))

    def fit(
        self, huber_delta: float | None = HUBER_DELTA, start: JointFit | None = None
    ) -> JointFit:
        """Return the fit of least loss; from ``start`` alone where it is given, and coarsely."""
        if start is not None:
            return self._fit(self._descend(self.place(start), huber_delta, _COARSE), huber_delta)
        found = [self._descend(one, huber_delta, _COARSE) for one in self._starts(huber_delta)]
        place = min(found, key=lambda one: self._value(one, huber_delta)[0])
        for _ in range(_MOST_RESTARTS):
            earlier, place = place, self._descend(place, huber_delta, _FINE)
            before, after = (self._value(one, huber_delta)[0] for one in (earlier, place))
            if after >= before * (1 - 1e-12) or after < _EXACT * self.losses.size:
                break
        return self._fit(place, huber_delta)

    def place(self, fit: JointFit) -> Numbers:
        """Return where ``fit`` lies in the search."""
        e, a, alpha, b, beta = (fit.parameters[name] for name in JOINT_PARAMETERS)
        with np.errstate(divide="ignore"):
            a, b = np.log(a) - alpha * self.means[0], np.log(b) - beta * self.means[1]
            return np.array([max(np.log(e), self._least), a, alpha, b, beta])

    def residuals(self, fit: JointFit) -> Numbers:
        """Return the predictions' logarithms minus those of the losses."""
        return self._residuals(self.place(fit))[0]

    def profile(self, log_constant: float, fit: JointFit) -> float:
        """Return the least loss with the constant's logarithm given, from ``fit`` on."""
        start = self.place(fit)
        start[0] = log_constant
        place = self._descend(start, fit.huber_delta, 1e-11, log_constant)
        return self._value(place, fit.huber_delta)[0]

    @property
    def _least(self) -> float:
        return float(self.losses.min()) - _SMALLEST

    @cached_property
    def _steepest(self) -> tuple[float, float]:
        return _STEEPEST / float(np.ptp(self.sizes)), _STEEPEST / float(np.ptp(self.tokens))

    def _starts(self, delta: float | None) -> Numbers:
        """Return the best places of the grid, of shape (starts, 5)."""
        level = float(self.losses.mean())
        every = itertools.product(_EXPONENTS, _EXPONENTS, _CONSTANT_SHARES, _SIZE_SHARES)
        grid = np.array(
            [
                (
                    level + np.log(constant),
                    level + np.log((1 - constant) * size),
                    min(alpha, self._steepest[0]),
                    level + np.log((1 - constant) * (1 - size)),
                    min(beta, self._steepest[1]),
                )
                for alpha, beta, constant, size in every
            ]
        )
        values = np.array([self._value(one, delta)[0] for one in grid])
        return np.asarray(grid[np.argsort(values, kind="stable")[:_STARTS]])

    def _descend(
        self, start: Numbers, delta: float | None, gain: float, constant: float | None = None
    ) -> Numbers:
        """Return where L-BFGS ends from ``start`` on; ``constant``: the e that it must keep."""
        from scipy.optimize import minimize

        scale = self._value(start, delta)[0]
        if scale == 0:
            return start

        def scaled(place: Numbers) -> tuple[float, Numbers]:
            value, slope = self._value(place, delta)
            return value / scale, slope / scale

        free = (self._least, None) if constant is None else (constant, constant)
        alpha, beta = self._steepest
        bounds = (free, (None, None), (0.0, alpha), (None, None), (0.0, beta))
        options: Any = {"ftol": gain, "gtol": 1e-9, "maxiter": 5000, "maxfun": 20000, "maxcor": 10}
        # Matrices of a few rows: threads would cost more than they bring, by a factor of 40.
        with _linear_algebra().limit(limits=1):
            found = minimize(
                scaled, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
            )
        return np.asarray(found.x, dtype=np.float64)

    def _value(self, place: Numbers, delta: float | None) -> tuple[float, Numbers]:
        """Return the loss at a place of the search, and its slope there."""
        residuals, (_, by_size, by_tokens) = self._residuals(place)
        slopes = huber_slopes(residuals, delta)
        from_size, from_tokens = slopes * by_size, slopes * by_tokens
        rows = (
            float(slopes.sum() - from_size.sum() - from_tokens.sum()),
            float(from_size.sum()),
            -float(from_size @ self.sizes),
            float(from_tokens.sum()),
            -float(from_tokens @ self.tokens),
        )
        return float(huber_losses(residuals, delta).sum()), np.array(rows)

    def _residuals(self, place: Numbers) -> tuple[Numbers, Numbers]:
        """Return the residuals and each term's share of the prediction, (3, points)."""
        e, a, alpha, b, beta = place
        terms = np.stack(
            [np.full_like(self.sizes, e), a - alpha * self.sizes, b - beta * self.tokens]
        )
        highest = terms.max(axis=0)
        powers = np.exp(terms - highest)
        total = powers.sum(axis=0)
        return highest + np.log(total) - self.losses, powers / total

    def _fit(self, place: Numbers, delta: float | None) -> JointFit:
        e, a, alpha, b, beta = (float(number) for number in place)
        logs = (e, a + alpha * self.means[0], alpha, b + beta * self.means[1], beta)
        with np.errstate(over="ignore"):
            values = [
                value if name.endswith("exponent") else float(np.exp(value))
                for name, value in zip(JOINT_PARAMETERS, logs, strict=True)
            ]
        edge = any(
            not 1e-6 < exponent < 0.999 * most
            for exponent, most in zip((alpha, beta), self._steepest, strict=True)
        )
        parameters = dict(zip(JOINT_PARAMETERS, values, strict=True))
        return JointFit(parameters, self._value(place, delta)[0], delta, edge)


@lru_cache(maxsize=1)
def _linear_algebra() -> ThreadpoolController:
    """Return the handle on the libraries' threads, found once SciPy's is loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
