"""The words and constants that all implementations share."""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor

#: Which weights the conditional divergence gives to a pair of samples.
Form = Literal["paper", "released", "symmetric"]

#: The least I(t; t) that the normalised mutual information divides by. Well above the rounding of
#: float32 (about 1e-7) and far below the value of any representation that still varies.
SELF_INFORMATION_FLOOR = 1e-6


class Implementation(Protocol):
    """What each backend's module offers; arguments are checked before they come here."""

    def divergence(self, p_samples: Tensor, q_samples: Tensor, *, bandwidth: float) -> Tensor:
        """Return the divergence between two sets of samples."""

    def conditional_divergence(
        self,
        x: Tensor,
        y: Tensor,
        prediction: Tensor,
        *,
        x_bandwidth: float,
        y_bandwidth: float,
        form: Form,
    ) -> Tensor:
        """Return the divergence between targets and predictions given x."""

    def mutual_information(
        self, x: Tensor, t: Tensor, *, x_bandwidth: float, t_bandwidth: float, normalized: bool
    ) -> Tensor:
        """Return the mutual information between x and t."""
