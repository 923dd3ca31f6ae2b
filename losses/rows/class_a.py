"""Class A: losses that are functions of eight numbers per row, found in one sweep over its logits.

With s and t the student's and teacher's scaled logits and q and p their softmax, a row's statistics
are the log-normalisers, the means of s and t under q and p, and the logits of the target. Whatever
is computed from these (N, 8) numbers, its gradient with respect to the logits is

    ∂/∂sᵢ = qᵢ (c₀ + c₁ sᵢ + c₂ tᵢ) + c₃ pᵢ + c₄ [i = y]

and the same with the sides exchanged, so that one more sweep with five numbers per row and side
finds it. All that is non-linear stays here, in plain autograd on (N, 8). Statistics of parts of a
vocabulary can be merged, which is all that a vocabulary split over devices needs (``merged``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import IntEnum

import torch
from torch import Tensor


class Column(IntEnum):
    """The statistics of a row, in order."""

    LOG_SUM_S = 0  #: log Σ exp s; −∞ for a row of −∞ alone
    LOG_SUM_T = 1
    Q_S = 2  #: Σ q s, where q = 0 contributes 0
    Q_T = 3  #: −∞ where some q > 0 meets t = −∞
    P_T = 4
    P_S = 5
    S_Y = 6  #: s at the target
    T_Y = 7


#: Coefficients of one side: c₀ … c₄ above.
SIDE = 5


def kl(statistics: Tensor, parameters: Sequence[float]) -> Tensor:
    """Forward · KL(p‖q) + reverse · KL(q‖p)."""
    forward, reverse, _ = parameters
    value = forward * _forward_kl(statistics) if forward else 0
    if reverse:
        s, t, q_s, q_t = (statistics[..., i] for i in (0, 1, Column.Q_S, Column.Q_T))
        value = value + reverse * _of_present(s, q_s - s - q_t + _finite(t))
    assert isinstance(value, Tensor)
    return value


def cross_entropy(statistics: Tensor, parameters: Sequence[float]) -> Tensor:
    """−log q_y, smoothed, plus z_loss · (log Σ exp s)²; p is uniform where labels are smoothed."""
    z_loss, smoothing, _ = parameters
    log_sum = _finite(statistics[..., Column.LOG_SUM_S])
    value = log_sum - (1 - smoothing) * statistics[..., Column.S_Y]
    if smoothing:
        value = value - smoothing * statistics[..., Column.P_S]
    return value + z_loss * log_sum.square() if z_loss else value


def token_statistics(statistics: Tensor, both: bool) -> Tensor:
    """Log q_y, the entropy of q, log Σ exp s; with a reference p: log p_y and KL(p‖q)."""
    log_sum, q_s = _finite(statistics[..., Column.LOG_SUM_S]), statistics[..., Column.Q_S]
    columns = [statistics[..., Column.S_Y] - log_sum, log_sum - q_s, log_sum]
    if both:
        log_sum_t = _finite(statistics[..., Column.LOG_SUM_T])
        columns += [statistics[..., Column.T_Y] - log_sum_t, _forward_kl(statistics)]
    return torch.stack(columns, -1)


def log_sum(statistics: Tensor) -> Tensor:
    """Return both log-normalisers, (N, 2), 0 in place of −∞: exp(−∞ − 0) is the right 0."""
    return _finite(statistics[..., :2])


#: Losses of class A by name.
CLASS_A: dict[str, Callable[..., Tensor]] = {
    "kl": kl,
    "cross_entropy": cross_entropy,
    "token_statistics": token_statistics,
}


def columns_used(name: str, parameters: Sequence[float], both: bool) -> frozenset[Column]:
    """Return the statistics that a loss reads, beside the log-normalisers."""
    if name == "kl":
        forward, reverse, _ = parameters
        used = {Column.P_T, Column.P_S} if forward else set()
        return frozenset(used | ({Column.Q_S, Column.Q_T} if reverse else set()))
    if name == "cross_entropy":
        return frozenset({Column.S_Y} | ({Column.P_S} if parameters[1] else set()))
    return frozenset(
        {Column.S_Y, Column.Q_S} | ({Column.T_Y, Column.P_T, Column.P_S} if both else set())
    )


def class_a_values(
    name: str, statistics: Tensor, parameters: Sequence[float], both: bool
) -> Tensor:
    """Return the named loss of each row, (N,) or (N, k), from its statistics (N, 8)."""
    if name == "token_statistics":
        return token_statistics(statistics, both)
    value: Tensor = CLASS_A[name](statistics, parameters)
    return value


def coefficients(statistics: Tensor, upstream: Tensor, scale: float) -> Tensor:
    """Return c₀ … c₄ of the student, then of the teacher, (N, 10), times ``scale``.

    ``upstream`` (N, 8) is the gradient with respect to the statistics; ``scale`` = 1 / temperature
    leads from scaled logits to the logits themselves.
    """
    return torch.cat(
        [
            student_coefficients(statistics, upstream, scale),
            teacher_coefficients(statistics, upstream, scale),
        ],
        -1,
    )


def student_coefficients(statistics: Tensor, upstream: Tensor, scale: float) -> Tensor:
    """Return c₀ … c₄ of the student, (N, 5)."""
    return _side(statistics, upstream, own=(0, 2, 3), cross=(5, 6)) * scale


def teacher_coefficients(statistics: Tensor, upstream: Tensor, scale: float) -> Tensor:
    """Return c₀ … c₄ of the teacher, (N, 5)."""
    return _side(statistics, upstream, own=(1, 4, 5), cross=(3, 7)) * scale


def merged(parts: Tensor) -> Tensor:
    """Return the statistics of whole rows from those of parts of the vocabulary, (parts, N, 8).

    A part that does not hold the target has s_y = t_y = −∞.
    """
    log_sums = parts[..., :2].logsumexp(0)
    q, p = (_finite(parts[..., :2]) - _finite(log_sums)).exp().unbind(-1)
    shares = torch.where(parts[..., :2] == -math.inf, 0, torch.stack([q, p], -1))
    weights = shares[..., [0, 0, 1, 1]]
    means = torch.where(weights == 0, 0, weights * parts[..., 2:6]).sum(0)
    return torch.cat([log_sums, means, parts[..., 6:].amax(0)], -1)


def _side(
    statistics: Tensor, upstream: Tensor, own: tuple[int, ...], cross: tuple[int, ...]
) -> Tensor:
    of_log_sum, of_own, of_other, crossed, of_target = upstream[..., [*own, *cross]].unbind(-1)
    # What is infinite has a gradient of 0 (``hold_infinite``): it must not make 0 · ∞.
    means = statistics[..., list(own[1:])]
    mean_own, mean_other = torch.where(means.isinf(), 0, means).unbind(-1)
    constant = of_log_sum + of_own * (1 - mean_own) - of_other * mean_other
    return torch.stack([constant, of_own, of_other, crossed, of_target], -1)


def _forward_kl(statistics: Tensor) -> Tensor:
    s, t, p_t, p_s = (statistics[..., i] for i in (0, 1, Column.P_T, Column.P_S))
    return _of_present(t, p_t - t - p_s + _finite(s))


def _of_present(log_sum: Tensor, value: Tensor) -> Tensor:
    """Return the value, 0 where the distribution that weighs the terms is empty."""
    return torch.where(log_sum == -math.inf, 0, value)


def _finite(log_sum: Tensor) -> Tensor:
    return torch.where(log_sum == -math.inf, 0, log_sum)


def zero_product(gradient: Tensor, value: Tensor) -> Tensor:
    """Return gradient · value, 0 where the gradient is 0 and the value may be infinite."""
    return torch.where(gradient == 0, 0, gradient * value)
