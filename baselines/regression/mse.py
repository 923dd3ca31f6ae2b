"""Mean squared error alone: no bottleneck objective, the network as it is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import mse_loss

from tasks.regression.protocol import BottleneckNoise, TrainingBatch


@dataclass(frozen=True)
class MeanSquaredError:
    """Loss: mean (y − ŷ)², the negative log-likelihood of Gaussian noise of fixed variance."""

    learning_rate: float = 1e-3

    @property
    def noise(self) -> BottleneckNoise:
        """A deterministic bottleneck."""
        return BottleneckNoise("none")

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the mean squared error of the batch."""
        return mse_loss(batch.prediction, batch.y)
