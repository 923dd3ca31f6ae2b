"""The Triton implementation: kernels as PyTorch operators, and the losses made of them.

Each module holds one pair of kernels: statistics of a row, differentiable through one gradient
sweep. What is not linear in them is plain autograd on a few numbers per row.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from losses.fused import balanced, class_a, class_b, clipped, mixture, pixels, top_k
from losses.rows.definitions import hold_infinite
from losses.rows.kinds import Rows

_LOSSES = {
    "kl": class_a.loss,
    "cross_entropy": class_a.loss,
    "token_statistics": class_a.loss,
    "js": class_b.js,
    "skew": class_b.skew,
    "total_variation": class_b.total_variation,
    "renyi": mixture.renyi,
    "top_k_kl": top_k.top_k_kl,
    "clipped_kl": clipped.clipped_kl,
    "balanced_kl": balanced.balanced_kl,
    "entropy_proportion": pixels.entropy_proportion,
}


def row_values(name: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return the value of each row, (N,) or (N, k), 0 where ``row_weight`` is 0."""
    found = hold_infinite(_LOSSES[name](name, rows, parameters, row_weight.detach()))
    return found.masked_fill((row_weight == 0).view(-1, *[1] * (found.ndim - 1)), 0)
