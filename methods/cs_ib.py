"""CS-IB: the Cauchy-Schwarz divergence information bottleneck (Yu et al., ICLR 2024).

arXiv 2404.17951; released code: SJYuCNEL/Cauchy-Schwarz-Information-Bottleneck, commit 252f86b.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, assert_never

from torch import Tensor
from torch.nn.functional import mse_loss

from losses import (
    cauchy_schwarz_mutual_information,
    conditional_cauchy_schwarz_divergence,
    median_distance,
)
from tasks.regression.protocol import BottleneckNoise, TrainingBatch

#: A kernel's width: a number, or the batch's median pairwise distance, never differentiated.
Bandwidth = float | Literal["median"]

#: What to do about compression; see ``CSIB``.
Compression = Literal["cs_qmi", "normalized_cs_qmi", "none"]

_NORMALIZED: dict[Compression, bool] = {"cs_qmi": False, "normalized_cs_qmi": True}


@dataclass(frozen=True)
class CSIB:
    """Loss: D_CS(p(y|x); q(ŷ|x)) + β · I_CS(x; t), each term a switch of its own.

    ``prediction``   ``conditional_cs``: conditional Cauchy-Schwarz divergence (Prop. 1);
                     ``mse``: mean squared error;
                     ``as_released``: Σ (y − ŷ)² / ln 2, which is what the released script
                     minimises. It hands 1-D targets to a Gram function that sums over the last
                     axis, so that the Gram matrices of y and ŷ are all ones, their cross matrix is
                     the constant exp(−‖y − ŷ‖²/2), and x cancels. Written out here, because the
                     script's own form underflows in float32 once the sum passes about 200.
    ``estimator``    of the conditional divergence: ``paper`` (Prop. 1, denominators (Σᵢ Kⱼᵢ)²),
                     ``released`` (the released code's Σᵢ Kⱼᵢ²) or ``symmetric`` (a control that
                     is symmetric and not negative)
    ``compression``  ``cs_qmi``: Cauchy-Schwarz quadratic mutual information (Prop. 2);
                     ``normalized_cs_qmi``: divided by √(I_CS(x; x) I_CS(t; t)), as released;
                     ``none``: no term
    ``x_bandwidth``, ``y_bandwidth``, ``t_bandwidth``  kernel widths σ; 1 is the released setting

    Natural logarithms throughout. The released script takes base 2, which scales the divergence
    by 1/ln 2 and leaves the normalised information as it is.
    """

    beta: float = 0.01
    prediction: Literal["conditional_cs", "mse", "as_released"] = "conditional_cs"
    estimator: Literal["paper", "released", "symmetric"] = "paper"
    compression: Compression = "cs_qmi"
    x_bandwidth: Bandwidth = 1.0
    y_bandwidth: float = 1.0
    t_bandwidth: Bandwidth = 1.0
    learning_rate: float = 1e-3

    @property
    def noise(self) -> BottleneckNoise:
        """A deterministic bottleneck: the released script never uses its noise head."""
        return BottleneckNoise("none")

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the loss of the batch."""
        prediction = self._prediction_term(batch)
        if self.compression == "none" or self.beta == 0:
            return prediction
        return prediction + self.beta * self._compression_term(batch)

    def _prediction_term(self, batch: TrainingBatch) -> Tensor:
        match self.prediction:
            case "mse":
                return mse_loss(batch.prediction, batch.y)
            case "as_released":
                return (batch.prediction - batch.y).square().sum() / math.log(2.0)
            case "conditional_cs":
                return self._conditional_divergence(batch)
        assert_never(self.prediction)

    def _conditional_divergence(self, batch: TrainingBatch) -> Tensor:
        return conditional_cauchy_schwarz_divergence(
            batch.x,
            batch.y,
            batch.prediction,
            x_bandwidth=_width(self.x_bandwidth, batch.x),
            y_bandwidth=self.y_bandwidth,
            form=self.estimator,
        )

    def _compression_term(self, batch: TrainingBatch) -> Tensor:
        return cauchy_schwarz_mutual_information(
            batch.x,
            batch.representation,
            x_bandwidth=_width(self.x_bandwidth, batch.x),
            t_bandwidth=_width(self.t_bandwidth, batch.representation),
            normalized=_NORMALIZED[self.compression],
        )


def _width(bandwidth: Bandwidth, points: Tensor) -> float:
    return median_distance(points) if bandwidth == "median" else bandwidth
