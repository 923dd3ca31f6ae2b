"""The information plane's two axes, measured alike for every method."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from losses import cauchy_schwarz_mutual_information, median_distance

#: The estimate costs O(n²): a fixed subsample keeps it below a second on a CPU.
MOST_POINTS = 1000


def information_about_target(y: Tensor, prediction: Tensor) -> float:
    """Return I(T;Y) = ½ log₂(Var(y) / MSE) in bits: exact for jointly Gaussian y and prediction.

    The form of the released code, here on test points; negative where the mean predicts better.
    """
    error = (y - prediction).square().mean().item()
    variance = y.var(correction=0).item()
    return 0.5 * math.log2(variance / error) if error > 0 and variance > 0 else math.nan


def compression(x: Tensor, representation: Tensor) -> float:
    """Return the normalised CS-QMI of inputs, (n, d), and representation, (n, k).

    Each bandwidth is its sample's median distance, so that rescaling the representation changes
    nothing: no method can win by shrinking it. At most ``MOST_POINTS`` evenly spaced rows enter.
    Kernel estimates of mutual information saturate as dimensions grow: the values rank networks
    on one data set and mean nothing by themselves.
    """
    rows = evenly_spaced(len(x), MOST_POINTS, x.device)
    inputs, codes = x[rows].flatten(1).double(), representation[rows].double()
    value = cauchy_schwarz_mutual_information(
        inputs,
        codes,
        x_bandwidth=median_distance(inputs),
        t_bandwidth=median_distance(codes),
        normalized=True,
    )
    return float(value)


def evenly_spaced(count: int, most: int, device: torch.device) -> Tensor:
    """Return at most ``most`` row numbers out of ``count``, evenly spaced."""
    if count <= most:
        return torch.arange(count, device=device)
    return torch.linspace(0, count - 1, most, device=device).long()
