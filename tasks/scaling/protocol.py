"""What a method of the scaling task must offer: a curve through losses that foretells others."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


class Curve(Protocol):
    """A fitted law of loss against size, or against compute."""

    def predict(self, x: ArrayLike) -> Numbers:
        """Return the loss at each ``x``."""

    def place_of(self, loss: float) -> float:
        """Return the ``x`` at which the loss is ``loss``; infinite where it never gets there."""

    @property
    def constant(self) -> float:
        """The loss that is left at infinite ``x``: the law's estimate of the entropy."""


class ScalingForm(Protocol):
    """A kind of law.

    ``describes_ladder``  whether what no law changes is reported with it: the models' losses, best
                          sizes, information, and the joint law L(N, D)
    """

    @property
    def describes_ladder(self) -> bool:
        """Say so."""

    def fitted(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the law through points: ``x`` (size or compute) and ``losses``, (points,) each."""

    def fitted_frontier(self, x: ArrayLike, losses: ArrayLike) -> Curve:
        """Return the law of a frontier: ``x`` (compute) and ``losses`` as for ``fitted``.

        No point is there that a cheaper one beats. A form for which that is nothing special has
        ``fitted_frontier = fitted``.
        """
