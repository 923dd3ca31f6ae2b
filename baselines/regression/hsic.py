"""HSIC bottleneck: dependence measured by the Hilbert-Schmidt independence criterion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import mse_loss

from losses import gaussian_gram
from tasks.regression.protocol import BottleneckNoise, TrainingBatch


@dataclass(frozen=True)
class HSICBottleneck:
    """Loss: mean (y − ŷ)² + β · (HSIC(x, t) − ρ · HSIC(t, y)).

    The form of Wang et al. (NeurIPS 2021), after Ma, Lewis & Kleijn (AAAI 2020), with the squared
    error in place of the cross entropy, λₓ = β and λ_y = ρβ, on the one bottleneck. Gaussian
    kernels of bandwidth ``bandwidth`` · √dimension for x and t and a linear kernel for y, as
    there. β = 0 leaves the squared error alone.

    ``relevance``  ρ
    """

    beta: float = 1.0
    relevance: float = 1.0
    bandwidth: float = 5.0
    learning_rate: float = 1e-3

    @property
    def noise(self) -> BottleneckNoise:
        """A deterministic bottleneck."""
        return BottleneckNoise("none")

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the loss of the batch."""
        inputs = self._gram(batch.x)
        codes = self._gram(batch.representation)
        targets = batch.y @ batch.y.T
        # HSIC is linear in either Gram matrix: one trace serves both terms.
        contrast = criterion(codes, inputs - self.relevance * targets)
        return mse_loss(batch.prediction, batch.y) + self.beta * contrast

    def _gram(self, points: Tensor) -> Tensor:
        return gaussian_gram(points, points, self.bandwidth * math.sqrt(points.shape[1]))


def criterion(first: Tensor, second: Tensor) -> Tensor:
    """Return HSIC = tr(K H L H) / (n − 1)² of two Gram matrices, (n, n); H centres.

    The biased estimator of Gretton et al. (ALT 2005, definition 2). Centring one of the two is
    enough, because H is symmetric and idempotent.
    """
    centred = second - second.mean(dim=0, keepdim=True)
    centred = centred - centred.mean(dim=1, keepdim=True)
    return (first * centred).sum() / (len(first) - 1) ** 2
