"""White-box attacks on a regression network: perturbations of the input within an L∞ ball.

Both raise the squared error of the network's test-time prediction. Inputs are standardised, so a
budget is in standard deviations of each input; nothing is clipped to a range, as in the released
code.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Predictor = Callable[[Tensor], Tensor]


def fast_gradient_sign(predict: Predictor, x: Tensor, y: Tensor, budget: float) -> Tensor:
    """Return x + budget · sign(∂(ŷ − y)²/∂x), of x's shape (Goodfellow et al. 2015)."""
    return x + budget * _error_gradient(predict, x, y).sign()


def projected_gradient(
    predict: Predictor, x: Tensor, y: Tensor, budget: float, steps: int
) -> Tensor:
    """Return the last of ``steps`` signed gradient steps, each projected onto the ball around x.

    The start is x itself and a step is a quarter of the budget, so that more than four steps can
    reach every corner of the ball and turn back (Madry et al. 2018, without the random start).
    """
    adversarial = x
    for _ in range(steps):
        moved = adversarial + 0.25 * budget * _error_gradient(predict, adversarial, y).sign()
        adversarial = x + (moved - x).clamp(-budget, budget)
    return adversarial


def _error_gradient(predict: Predictor, x: Tensor, y: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = x.detach().requires_grad_(True)
        # A sum, not a mean: each row's gradient is then that of its own error.
        (gradient,) = torch.autograd.grad((predict(leaf) - y).square().sum(), leaf)
    return gradient
