"""NIB, squared-NIB and exp-NIB: the nonlinear information bottleneck and its convex variants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from losses.eager_gradient import Gradients, scalar_with_gradients
from losses.gram_tiles import log_kernel, pair_force, points
from tasks.regression.protocol import BottleneckNoise, TrainingBatch


@dataclass(frozen=True)
class NonlinearBottleneck:
    """Loss: mean (y − ŷ)² + β · u(Î), Î the pairwise bound on I(X;T) in nats.

    ``identity``     u(Î) = Î: NIB (Kolchinsky, Tracey & Wolpert, Entropy 2019)
    ``square``       u(Î) = Î²: squared-NIB (Kolchinsky, Tracey & Van Kuyk, ICLR 2019)
    ``exponential``  u(Î) = exp(η Î): exp-NIB (Rodríguez Gálvez, Thobaben & Skoglund, Entropy 2020)

    The representation is the encoder's output plus Gaussian noise whose one variance is trained,
    as in Kolchinsky et al., from log variance −1, as in the network that the released CS-IB code
    took over; the Gaussian decoder of fixed variance makes the prediction term a squared error.
    With information in bits, as in the public PyTorch implementations, β and η differ by powers of
    ln 2.
    """

    beta: float = 0.01
    function: Literal["identity", "square", "exponential"] = "identity"
    eta: float = 1.0
    initial_log_variance: float = -1.0
    learning_rate: float = 1e-3

    @property
    def noise(self) -> BottleneckNoise:
        """One trainable variance for all inputs and dimensions."""
        return BottleneckNoise("shared", self.initial_log_variance)

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the loss of the batch."""
        assert batch.log_variance is not None
        bound = pairwise_information_bound(batch.mean, batch.log_variance)
        return mse_loss(batch.prediction, batch.y) + self.beta * self._shaped(bound)

    def _shaped(self, information: Tensor) -> Tensor:
        match self.function:
            case "identity":
                return information
            case "square":
                return information.square()
            case "exponential":
                return torch.exp(self.eta * information)
        assert_never(self.function)


def pairwise_information_bound(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return Î(X;T) = −(1/N) Σᵢ log (1/N) Σⱼ exp(−KL(p(t|xᵢ) ‖ p(t|xⱼ))) in nats.

    The components are N(μᵢ, σ² I), ``mean`` (n, k) and one log variance (), so that the divergence
    is ‖μᵢ − μⱼ‖² / 2σ². An upper bound of the mixture's mutual information, between 0 (all means
    equal) and log N (all far apart); Kolchinsky & Tracey, Entropy 2017, eq. 10. Differentiable
    once.
    """

    def compute(
        needs: tuple[bool, bool], mean: Tensor, log_variance: Tensor
    ) -> tuple[float, Gradients]:
        deviation = float((0.5 * log_variance).exp())
        centred = points(mean, mean.mean(0), deviation)
        log_kernel_values = log_kernel(centred, centred, slice(None))
        kernel = log_kernel_values.exp()
        # At least 1, the diagonal element: no logarithm of a sum of exponentials is needed.
        sums = kernel.sum(1, keepdim=True)
        bound = math.log(len(mean)) - float(sums.log().sum()) / len(mean)
        if not any(needs):
            return bound, (None, None)
        shares = kernel.div_(sums).mul_(1 / len(mean))
        # ∂ / ∂μᵢ draws on both rows and columns, because every pair stands in the sum twice.
        force = pair_force(shares + shares.T, centred.values, centred.values)
        return bound, (force.mul_(1 / deviation), (shares * log_kernel_values).sum())

    return scalar_with_gradients(compute, mean, log_variance)
