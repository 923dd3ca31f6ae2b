"""A power law plus a constant.

Henighan et al. (2020), "Scaling Laws for Autoregressive Generative Modeling", equation 1.1:
L(x) = L∞ + (x₀ / x)^α for the size x = N or the compute x = C: L∞ is read as the entropy of the
data, the rest as the divergence of the model from them. So L∞ and x₀ are not negative, and α is
positive: the curve falls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from repro.curves import Fit, fit_below, fit_falling
from tasks.scaling.protocol import Curve, Numbers


@dataclass(frozen=True)
class PowerLawWithConstant:
    """The law, fitted by variable projection.

    ``huber_delta``  nats beyond which a residual counts linearly; ``None`` for least squares. The
                     paper does not say how it fits
    ``frontier``     whether L(C) lies ``below`` every point of the frontier, as in the paper, or
                     goes ``through`` them as L(N) does; below, ``huber_delta`` does not count
    """

    huber_delta: float | None = 0.01
    frontier: Literal["below", "through"] = "below"

    @property
    def describes_ladder(self) -> bool:
        """Whether the ladder's own metrics come with it: once, with the law as the table has it."""
        return self.huber_delta is not None and self.frontier == "below"

    def fitted(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the law through points; see :class:`tasks.scaling.protocol.ScalingForm`."""
        return _PowerLaw(fit_falling(x, losses, huber_delta=self.huber_delta))

    def fitted_frontier(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the law of a frontier; see :class:`tasks.scaling.protocol.ScalingForm`."""
        if self.frontier == "through":
            return self.fitted(x, losses)
        return _PowerLaw(fit_below(x, losses))


@dataclass(frozen=True)
class _PowerLaw:
    fit: Fit

    def predict(self, x: ArrayLike) -> Numbers:
        return self.fit.predict(x)

    @property
    def constant(self) -> float:
        return self.fit.parameters["constant"]

    def place_of(self, loss: float) -> float:
        above, coefficient = loss - self.constant, self.fit.parameters["coefficient"]
        if not (above > 0 and coefficient > 0):
            return math.inf
        ratio = above / coefficient
        with np.errstate(over="ignore"):
            return float(np.exp(np.log(ratio) / self.fit.parameters["exponent"]))
