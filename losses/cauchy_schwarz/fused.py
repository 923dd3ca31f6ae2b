"""Fused: everything is made of log row sums of Gram matrices that Triton never stores.

Each loss is a plain function of (N,) numbers, whose gradient goes back through one more sweep over
the pairs: the definitions of ``losses.cauchy_schwarz.reference`` with the sums done elsewhere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from losses.cauchy_schwarz.kinds import SELF_INFORMATION_FLOOR, Form
from losses.fused.gram import row_log_sums


def divergence(p_samples: Tensor, q_samples: Tensor, *, bandwidth: float) -> Tensor:
    """Log mean K_pp + log mean K_qq − 2 log mean K_pq, (N, d) and (M, d) → ()."""
    centre = q_samples.detach().mean(0)
    p, q = ((samples - centre) / bandwidth for samples in (p_samples, q_samples))
    within = _log_mean(row_log_sums(p, p), len(p)) + _log_mean(row_log_sums(q, q), len(q))
    return within - 2 * _log_mean(row_log_sums(p, q), len(q))


def conditional_divergence(
    x: Tensor, y: Tensor, prediction: Tensor, *, x_bandwidth: float, y_bandwidth: float, form: Form
) -> Tensor:
    """Log Σ w∘L_yy + log Σ w∘L_pp − 2 log Σ w∘L_py, (N, d), (N, k), (N, k) → ()."""
    inputs = _points(x, x_bandwidth)
    centre = y.detach().mean(0)
    target, predicted = ((samples - centre) / y_bandwidth for samples in (y, prediction))
    of_row, of_column = _log_weights(inputs, form)

    def log_sum(a: Tensor, b: Tensor) -> Tensor:
        return (row_log_sums(inputs, inputs, a, b, of_column) + of_row).logsumexp(0)

    within = log_sum(target, target) + log_sum(predicted, predicted)
    return within - 2 * log_sum(predicted, target)


def mutual_information(
    x: Tensor, t: Tensor, *, x_bandwidth: float, t_bandwidth: float, normalized: bool
) -> Tensor:
    """Log mean K∘Q + log mean K + log mean Q − 2 log mean_i (K̄_i Q̄_i), (N, d), (N, k) → ()."""
    a, b = _points(x, x_bandwidth), _points(t, t_bandwidth)
    of_a, of_b = row_log_sums(a, a), row_log_sums(b, b)
    shared = _information(row_log_sums(a, a, b, b), of_a, of_b)
    if not normalized:
        return shared
    # The square of a kernel is the kernel of half the squared bandwidth.
    own = [
        _information(row_log_sums(points * math.sqrt(2), points * math.sqrt(2)), sums, sums)
        for points, sums in ((a, of_a), (b, of_b))
    ]
    return shared / torch.stack(own).clamp_min(SELF_INFORMATION_FLOOR).prod().sqrt()


def _information(joint: Tensor, of_a: Tensor, of_b: Tensor) -> Tensor:
    count = len(joint)
    marginals = of_a + of_b - 2 * math.log(count)
    return (
        _log_mean(joint, count)
        + _log_mean(of_a, count)
        + _log_mean(of_b, count)
        - 2 * (marginals.logsumexp(0) - math.log(count))
    )


def _log_weights(inputs: Tensor, form: Form) -> tuple[Tensor, Tensor | None]:
    """Return the log weights of rows and of columns that divide the kernel of the inputs."""
    if form == "released":
        wide = inputs * math.sqrt(2)
        return -row_log_sums(wide, wide), None
    degrees = row_log_sums(inputs, inputs)
    return (-2 * degrees, None) if form == "paper" else (-degrees, -degrees)


def _points(samples: Tensor, bandwidth: float) -> Tensor:
    return (samples - samples.detach().mean(0)) / bandwidth


def _log_mean(row_sums: Tensor, columns: int) -> Tensor:
    """Return the log of the mean of a matrix from its log row sums."""
    return row_sums.logsumexp(0) - math.log(len(row_sums) * columns)
