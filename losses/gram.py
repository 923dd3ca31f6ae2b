"""Squared distances, Gaussian Gram matrices and the median heuristic for their bandwidth."""

from __future__ import annotations

import torch
from torch import Tensor

from losses.arguments import require_bandwidth, require_same_columns, require_samples, widened


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return ‖aᵢ − bⱼ‖² for all pairs.

    a (N, d), b (M, d) → (N, M), at least 0, differentiable in both. One matrix product takes the
    place of an (N, M, d) intermediate; a single column is subtracted directly, which is exact.
    Raises ``ValueError`` where shapes, dtypes or devices do not fit.
    """
    require_samples(a=a, b=b)
    require_same_columns(a=a, b=b)
    if a.shape[1] == 1:
        return (a - b.T).square()
    # A shift leaves distances alone and keeps |a|² + |b|² − 2a·b from cancelling far from 0.
    centre = b.detach().mean(0)
    left = a - centre
    right = left if b is a else b - centre
    norms = left.square().sum(1, keepdim=True)
    others = norms if b is a else right.square().sum(1, keepdim=True)
    return (torch.addmm(others.T, left, right.T, alpha=-2) + norms).clamp_min(0)


def log_gaussian_gram(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """Return −‖aᵢ − bⱼ‖² / (2 bandwidth²), (N, M): finite where the kernel itself underflows."""
    require_bandwidth(bandwidth=bandwidth)
    return squared_distances(a, b) * (-0.5 / bandwidth**2)


def gaussian_gram(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """Return the Gaussian kernel exp(−‖aᵢ − bⱼ‖² / (2 bandwidth²)) of all pairs.

    a (N, d), b (M, d) → (N, M), values in [0, 1], differentiable in both. ``bandwidth`` is in the
    units of ``a``. The kernel is not normalised to a density: its constant cancels in every
    Cauchy-Schwarz quantity.
    """
    return log_gaussian_gram(a, b, bandwidth).exp()


def median_distance(a: Tensor, *, floor: float = 1e-6) -> float:
    """Return the median Euclidean distance between two different samples: a bandwidth heuristic.

    a (N, d), N ≥ 2, in the units of ``a``; of two middle values the lower. It is a plain number, so
    that no gradient flows and a network cannot lower a loss by moving its bandwidth. ``floor`` is
    returned where the samples have collapsed to (nearly) one point. Holds N(N−1)/2 distances.
    """
    require_samples(a=a)
    require_bandwidth(floor=floor)
    if a.shape[0] < 2:
        raise ValueError("a has one sample: a distance needs two")
    return max(float(torch.nn.functional.pdist(widened(a.detach())).median()), floor)
