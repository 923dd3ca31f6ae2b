"""A straight line in the logarithm: every doubling is worth the same number of nats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from repro.curves import Fit, fit, line_below
from tasks.scaling.protocol import Curve, Numbers


@dataclass(frozen=True)
class Logarithmic:
    """intercept + slope · ln x. ``huber_delta`` as for the power law with a constant."""

    huber_delta: float | None = 0.01
    describes_ladder: ClassVar[bool] = False

    def fitted(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the line through points."""
        return _Line(fit("logarithmic", x, losses, huber_delta=self.huber_delta))

    def fitted_frontier(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the line that lies below the frontier, as the law with a constant does."""
        return _Line(line_below(x, losses))


@dataclass(frozen=True)
class _Line:
    fit: Fit
    constant: float = -math.inf

    def predict(self, x: ArrayLike) -> Numbers:
        return self.fit.predict(x)

    def place_of(self, loss: float) -> float:
        with np.errstate(over="ignore", divide="ignore"):
            steps = np.float64(loss - self.fit.parameters["intercept"])
            return float(np.exp(steps / self.fit.parameters["slope"]))
