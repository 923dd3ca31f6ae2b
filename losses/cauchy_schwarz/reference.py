"""The definitions, in plain PyTorch: every Gram matrix is kept and autograd does the rest.

All sums are taken as logsumexp of log kernels, so that samples far apart give a large finite value
instead of log 0. Factors 1/N of the printed equations cancel unless they are written here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from losses.cauchy_schwarz.kinds import SELF_INFORMATION_FLOOR, Form
from losses.gram import log_gaussian_gram


def divergence(p_samples: Tensor, q_samples: Tensor, *, bandwidth: float) -> Tensor:
    """Log mean K_pp + log mean K_qq − 2 log mean K_pq, (N, d) and (M, d) → ()."""
    return (
        _log_mean(log_gaussian_gram(p_samples, p_samples, bandwidth))
        + _log_mean(log_gaussian_gram(q_samples, q_samples, bandwidth))
        - 2 * _log_mean(log_gaussian_gram(p_samples, q_samples, bandwidth))
    )


def conditional_divergence(
    x: Tensor, y: Tensor, prediction: Tensor, *, x_bandwidth: float, y_bandwidth: float, form: Form
) -> Tensor:
    """Log Σ w∘L_yy + log Σ w∘L_pp − 2 log Σ w∘L_py, (N, d), (N, k), (N, k) → ()."""
    log_weights = _log_weights(log_gaussian_gram(x, x, x_bandwidth), form)

    def log_sum(a: Tensor, b: Tensor) -> Tensor:
        return _log_sum(log_weights + log_gaussian_gram(a, b, y_bandwidth))

    return log_sum(y, y) + log_sum(prediction, prediction) - 2 * log_sum(prediction, y)


def mutual_information(
    x: Tensor, t: Tensor, *, x_bandwidth: float, t_bandwidth: float, normalized: bool
) -> Tensor:
    """Log mean K∘Q + log mean K + log mean Q − 2 log mean_i (K̄_i Q̄_i), (N, d), (N, k) → ()."""
    log_x = log_gaussian_gram(x, x, x_bandwidth)
    log_t = log_gaussian_gram(t, t, t_bandwidth)
    shared = _information(log_x, log_t)
    if not normalized:
        return shared
    own = [_information(log, log).clamp_min(SELF_INFORMATION_FLOOR) for log in (log_x, log_t)]
    return shared / (own[0] * own[1]).sqrt()


def _information(log_x: Tensor, log_t: Tensor) -> Tensor:
    marginals = _log_row_means(log_x) + _log_row_means(log_t)
    return _log_mean(log_x + log_t) + _log_mean(log_x) + _log_mean(log_t) - 2 * _log_mean(marginals)


def _log_weights(log_kernel: Tensor, form: Form) -> Tensor:
    degrees = log_kernel.logsumexp(1, keepdim=True)
    if form == "paper":
        return log_kernel - 2 * degrees
    if form == "released":
        return log_kernel - (2 * log_kernel).logsumexp(1, keepdim=True)
    return log_kernel - degrees - degrees.T


def _log_sum(log_terms: Tensor) -> Tensor:
    return torch.logsumexp(log_terms.flatten(), 0)


def _log_mean(log_terms: Tensor) -> Tensor:
    return _log_sum(log_terms) - math.log(log_terms.numel())


def _log_row_means(log_terms: Tensor) -> Tensor:
    return log_terms.logsumexp(1) - math.log(log_terms.shape[1])
