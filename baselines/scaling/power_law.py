"""A pure power law: the loss falls to 0 at infinite size (Kaplan et al., 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from repro.curves import Fit, fit, fit_below
from tasks.scaling.protocol import Curve, Numbers


@dataclass(frozen=True)
class PowerLaw:
    """coefficient · x^exponent. ``huber_delta`` as for the power law with a constant."""

    huber_delta: float | None = 0.01
    describes_ladder: ClassVar[bool] = False

    def fitted(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the law through points."""
        return _PowerLaw(fit("power_law", x, losses, huber_delta=self.huber_delta))

    def fitted_frontier(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the law that lies below the frontier, as that with a constant does."""
        return _PowerLaw(fit_below(x, losses, constant=False))


@dataclass(frozen=True)
class _PowerLaw:
    fit: Fit
    constant: float = 0.0

    def predict(self, x: ArrayLike) -> Numbers:
        return self.fit.predict(x)

    def place_of(self, loss: float) -> float:
        ratio = loss / self.fit.parameters["coefficient"]
        with np.errstate(over="ignore"):
            return float(np.exp(np.log(ratio) / self.fit.parameters["exponent"]))
