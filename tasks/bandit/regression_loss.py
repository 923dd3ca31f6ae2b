"""The two losses of online regression: of a network's output, with its slope.

Written for NumPy, round by round and without automatic differentiation; ``losses`` holds what acts
on batches of tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

LossName = Literal["squared", "log"]

#: Probabilities nearer to 0 and 1 count as these: a logit beyond ±16 is a certainty in float32.
_LEAST = 1e-7


@dataclass(frozen=True)
class RegressionLoss:
    """A loss of the output f against the observed loss y of the arm, 0 or 1; elementwise.

    ``squared``  ½ (y − f)², the prediction is f itself
    ``log``      −y ln σ(f) − (1 − y) ln(1 − σ(f)), the prediction is σ(f): KL(y ‖ σ(f)) for y in
                 {0, 1}
    """

    name: LossName

    def prediction(self, output: Floats) -> Floats:
        """Return the predicted loss of an arm."""
        return output if self.name == "squared" else sigmoid(output)

    def slope(self, output: Floats, y: Floats) -> Floats:
        """Return the derivative with respect to the output: prediction − y for both."""
        return self.prediction(output) - y

    def of_prediction(self, prediction: Floats, y: Floats) -> Floats:
        """Return the loss of a predicted mean."""
        if self.name == "squared":
            return np.asarray(0.5 * (y - prediction) ** 2)
        p = np.clip(np.asarray(prediction, dtype=np.float64), _LEAST, 1.0 - _LEAST)
        return np.asarray(-y * np.log(p) - (1.0 - y) * np.log1p(-p))


def sigmoid(output: Floats) -> Floats:
    """Return 1 / (1 + e^−f) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * output)))
