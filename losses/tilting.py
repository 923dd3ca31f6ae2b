"""Exponential tilting: the weights of distributionally robust optimisation under a KL penalty.

The sup over distributions w of Σ wᵢ lᵢ − λ KL(w‖uniform) is attained at wᵢ ∝ exp(lᵢ/λ), and is
λ log mean exp(l/λ). One softmax over a batch is all the work there is, so that these functions are
plain PyTorch on every device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from losses.logit_arguments import require_range, require_temperature
from losses.rows.probabilities import compute_dtype


def kl_dro_weights(loss: Tensor, temperature: float) -> Tensor:
    """Return wᵢ = exp(lᵢ / temperature) / Σⱼ exp(lⱼ / temperature), detached, summing to 1.

    ``loss`` (B,) → (B,). A large ``temperature`` tends to 1 / B, a small one to the worst sample.
    Never overflows; a loss of +∞ shares all weight with its like. Half precision gives float32.
    """
    tilted = _tilted(loss, temperature)
    worst = tilted == math.inf
    weights = torch.where(worst.any(), worst.to(tilted.dtype).log(), tilted).softmax(0)
    return weights if len(weights) else tilted


def kl_dro_moving_weights(
    loss: Tensor, temperature: float, log_mean: Tensor | None, rate: float
) -> tuple[Tensor, Tensor]:
    """Return wᵢ = exp(lᵢ / temperature) / (B u) and the log of the moving average u, detached.

    u ← (1 − rate) u + rate · mean exp(l / temperature): the inner function of the compositional
    problem, tracked over batches, which makes the gradient Σ wᵢ ∇lᵢ less biased than the batch's
    own softmax. ``loss`` (B,); ``log_mean`` is what the last call returned, ``None`` at first.
    Weights sum to 1 only where u is this batch's mean, as at first and for ``rate`` 1. Only
    logarithms are kept, so that nothing overflows before the weights themselves do.
    """
    require_range("rate", rate, 0, 1 + 1e-12, "it is the share of the new batch")
    tilted = _tilted(loss, temperature)
    if not len(tilted):
        raise ValueError("loss is empty: a mean needs at least one sample")
    batch = tilted.logsumexp(0) - math.log(len(tilted))
    if log_mean is not None and rate < 1:
        kept = log_mean.detach().to(batch.dtype) + math.log1p(-rate)
        batch = torch.logaddexp(kept, batch + math.log(rate))
    return (tilted - batch).exp() / len(tilted), batch


def _tilted(loss: Tensor, temperature: float) -> Tensor:
    require_temperature(temperature)
    if loss.ndim != 1 or not loss.is_floating_point():
        raise ValueError(
            f"loss has shape {tuple(loss.shape)} and dtype {loss.dtype}: it must be (B,), floating "
            "point, one loss per sample"
        )
    return loss.detach().to(compute_dtype(loss.dtype)) / temperature
