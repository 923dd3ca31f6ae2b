"""What a method of the regression task must offer, and what it is given in return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from torch import Tensor


@dataclass(frozen=True)
class BottleneckNoise:
    """Gaussian noise that the network adds to the bottleneck while it trains.

    ``none``       the representation is the encoder's output
    ``shared``     one trainable log variance for all inputs and dimensions
    ``per_input``  a second head of the encoder gives a log variance per input and dimension
    """

    kind: Literal["none", "shared", "per_input"] = "none"
    initial_log_variance: float = 0.0


class TrainingBatch(NamedTuple):
    """One batch as a method's loss sees it; targets and inputs are standardised.

    ``x``               (n, d): inputs, images flattened
    ``y``               (n, 1): targets
    ``mean``            (n, k): the encoder's output
    ``log_variance``    (n, k) for ``per_input`` noise, () for ``shared``, ``None`` without noise
    ``representation``  (n, k): what the decoder receives: ``mean`` plus noise
    ``prediction``      (n, 1)
    """

    x: Tensor
    y: Tensor
    mean: Tensor
    log_variance: Tensor | None
    representation: Tensor
    prediction: Tensor


class RegressionMethod(Protocol):
    """A loss over a batch, the bottleneck noise that it supposes, and Adam's learning rate."""

    @property
    def learning_rate(self) -> float:
        """Adam's step size."""

    @property
    def noise(self) -> BottleneckNoise:
        """The noise that the network adds to the bottleneck."""

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the scalar to minimise, differentiable in the network's outputs."""
