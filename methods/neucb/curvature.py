"""The smallest curvature of the perturbed loss: positive where its minimum is one point.

Quadratic growth with a unique minimiser needs a Hessian without a direction of zero or negative
curvature there. Measured at the final weights, of the mean over rounds played of

    E_ε ℓ(y, f(θ; x) + κ Σ_j (θ_j − θ_{0,j}) ε_j).

For the squared loss the expectation is exact, ½ (y − f)² + ½ κ² ‖θ − θ₀‖²; for the log loss the
sum over all weights is taken as normal, N(0, ‖θ − θ₀‖²), by Gauss and Hermite's rule. It is the
expectation and not the signs that were drawn: S signs a round bend at most S·T of p directions.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor
from torch.nn.functional import softplus

from tasks.bandit.protocol import Floats, Index
from tasks.bandit.regression_loss import LossName

#: Relative accuracy of the eigenvalue.
_TOLERANCE = 1e-3
_NODES = 9


class Rounds(NamedTuple):
    """Rounds of one stream: contexts (n, d), arms (n,), losses (n,)."""

    x: Floats
    arms: Index
    losses: Floats


def smallest_curvature(
    weights: Floats, start: Floats, arms: int, rounds: Rounds, loss: LossName, scale: float
) -> float:
    """Return the least eigenvalue of the Hessian of the expected perturbed loss.

    ``weights``, ``start``  (count,): a network's, as ``ArmNetworks.weights`` has them
    ``scale``               κ; 0 for the loss without perturbation
    """
    theta = torch.from_numpy(weights.astype(np.float64)).requires_grad_(True)
    value = _expected_loss(
        theta, torch.from_numpy(start.astype(np.float64)), arms, rounds, loss, scale
    )
    (gradient,) = torch.autograd.grad(value, theta, create_graph=True)

    def product(vector: Floats) -> Floats:
        direction = torch.from_numpy(np.ascontiguousarray(vector, dtype=np.float64).reshape(-1))
        (result,) = torch.autograd.grad(gradient, theta, direction, retain_graph=True)
        return np.asarray(result.numpy())

    count = len(weights)
    hessian = LinearOperator((count, count), matvec=product, dtype=np.float64)
    first = np.random.RandomState(0).standard_normal(count)
    found = eigsh(hessian, k=1, which="SA", v0=first, tol=_TOLERANCE, return_eigenvectors=False)
    return float(found[0])


def _expected_loss(
    theta: Tensor, start: Tensor, arms: int, rounds: Rounds, loss: LossName, scale: float
) -> Tensor:
    output = _outputs(theta, arms, rounds)
    y = torch.from_numpy(rounds.losses.astype(np.float64))
    variance = scale**2 * (theta - start).square().sum()
    if loss == "squared":
        return (0.5 * (y - output).square()).mean() + 0.5 * variance
    if scale == 0.0:
        return (softplus(output) - y * output).mean()
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    share = torch.from_numpy(weights / weights.sum())
    perturbed = output[:, None] + variance.sqrt() * torch.from_numpy(nodes)
    return ((softplus(perturbed) - y[:, None] * perturbed) @ share).mean()


def _outputs(theta: Tensor, arms: int, rounds: Rounds) -> Tensor:
    """Return the networks' outputs for the arms played, (n,): the forward pass of ArmNetworks."""
    x = torch.from_numpy(rounds.x.astype(np.float64))
    d = x.shape[1]
    width = theta.numel() // (arms * d + 1)
    blocks = theta[: arms * width * d].view(arms, width, d)
    hidden = torch.einsum("nmd,nd->nm", blocks[torch.from_numpy(rounds.arms)], x).relu()
    output: Tensor = hidden @ theta[arms * width * d :]
    return output / math.sqrt(width)
