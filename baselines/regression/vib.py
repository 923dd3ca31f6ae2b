"""VIB: the variational information bottleneck (Alemi, Fischer, Dillon & Murphy, ICLR 2017)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import mse_loss

from tasks.regression.protocol import BottleneckNoise, TrainingBatch


@dataclass(frozen=True)
class VariationalBottleneck:
    """Loss: mean (y − ŷ)² + β · mean KL(p(t|x) ‖ N(0, I)).

    p(t|x) = N(μ(x), diag σ²(x)), one sample per input (Alemi et al., eqs. 14 and 17); the Gaussian
    decoder of fixed variance makes the prediction term a squared error. The mean KL is an upper
    bound of I(X;T) in nats.
    """

    beta: float = 0.001
    learning_rate: float = 1e-3

    @property
    def noise(self) -> BottleneckNoise:
        """A log variance per input and dimension, given by the encoder."""
        return BottleneckNoise("per_input")

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the loss of the batch."""
        assert batch.log_variance is not None
        rate = divergence_from_standard_normal(batch.mean, batch.log_variance)
        return mse_loss(batch.prediction, batch.y) + self.beta * rate


def divergence_from_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the batch's mean KL(N(μ, diag σ²) ‖ N(0, I)) in nats, from (n, k) and (n, k)."""
    terms = mean.square() + log_variance.exp() - log_variance - 1.0
    return 0.5 * terms.sum() / len(mean)
