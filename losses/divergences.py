"""Divergences between a student's and a teacher's distribution over one vocabulary, from logits.

Shared by all functions here, beside ``student`` and ``teacher`` as keywords (``Options``):

``student``, ``teacher``  logits (…, V) of one shape, dtype and device; p is the teacher's
    distribution, q the student's. Both get gradients, where they ask for them; pass
    ``teacher.detach()`` to stop one. −∞ is legal: p = 0 contributes 0, q = 0 < p makes a
    divergence +∞, never NaN, and the gradient of a token whose value is infinite is 0.
``temperature=1.0``  both logits are divided by it. Gradients follow the chain rule; the factor T²
    of Hinton et al. (2015) is left to the caller.
``weight=None``  (…), one per token: 0 drops a token, whatever it holds, and its cost.
``reduction="mean"``  divides by the sum of weights, or by ``denominator`` where given (a number
    or 0-dim tensor: the count over all micro-batches or devices, so that their losses add up);
    ``"sum"``; ``"none"`` returns weighted values (…). Weights that are all 0 give 0.
``backend=None``  takes ``"triton"`` (fused) on CUDA, elsewhere ``"chunked"``, which needs memory
    for the gradient and a few rows; ``"reference"`` is the definition in plain PyTorch, which may
    be differentiated twice.

Natural logarithms. Half precision is computed, and its loss returned, in float32. ``ValueError``
says which argument does not fit, and why.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypedDict, Unpack, get_args

import torch
from torch import Tensor

from losses.logit_arguments import (
    require_logits,
    require_range,
    require_temperature,
    rows_of,
    weighting,
)
from losses.rows.evaluate import Weighting, reduced
from losses.rows.kinds import Backend, Reduction, Rows

Direction = Literal["forward", "reverse", "symmetric"]

_SHARES: dict[Direction, tuple[float, float]] = {
    "forward": (1.0, 0.0),
    "reverse": (0.0, 1.0),
    "symmetric": (0.5, 0.5),
}


class Options(TypedDict, total=False):
    """What every divergence takes beside its own arguments: see the head of this module."""

    temperature: float
    weight: Tensor | None
    reduction: Reduction
    denominator: float | Tensor | None
    backend: Backend | None


def kl_divergence(
    student: Tensor,
    teacher: Tensor,
    *,
    direction: Direction = "forward",
    **options: Unpack[Options],
) -> Tensor:
    """Return the Kullback-Leibler divergence of each token, reduced; in nats, at least 0.

    ``forward`` is KL(teacher‖student) = Σ p (log p − log q), ``reverse`` KL(student‖teacher),
    ``symmetric`` the mean of both (half of Jeffreys' divergence).
    """
    forward, reverse = kl_shares(direction)
    pair = _pair(student, teacher, **options)
    return pair.divergence("kl", forward, reverse)


def js_divergence(
    student: Tensor,
    teacher: Tensor,
    *,
    beta: float = 0.5,
    **options: Unpack[Options],
) -> Tensor:
    """Return the generalised Jensen-Shannon divergence, between 0 and the entropy of ``beta``.

    beta KL(p‖m) + (1 − beta) KL(q‖m) with m = beta p + (1 − beta) q, 0 < beta < 1 (Agarwal et al.,
    GKD, 2024). At ½ it is symmetric and at most log 2. It vanishes at both ends; divided by beta
    it tends to KL(p‖q) as beta → 0, divided by 1 − beta to KL(q‖p) as beta → 1.
    """
    require_range("beta", beta, 0, 1, "at the ends it is 0: use kl_divergence for its limits")
    pair = _pair(student, teacher, **options)
    return pair.divergence("js", beta)


def skew_kl(
    student: Tensor,
    teacher: Tensor,
    *,
    alpha: float = 0.1,
    direction: Literal["forward", "reverse"] = "forward",
    **options: Unpack[Options],
) -> Tensor:
    """Return the skew Kullback-Leibler divergence (Ko et al., DistiLLM, 2024).

    ``forward``: KL(p ‖ alpha p + (1 − alpha) q); ``reverse``: KL(q ‖ alpha q + (1 − alpha) p);
    0 ≤ alpha < 1. alpha = 0 is ``kl_divergence``; for alpha > 0 it is at most −log alpha, also
    where q = 0 < p. It tends to 0 as alpha → 1.
    """
    if direction not in ("forward", "reverse"):
        raise ValueError(f"direction is {direction!r}: it must be one of forward, reverse")
    if alpha == 0:
        return kl_divergence(student, teacher, direction=direction, **options)
    require_range("alpha", alpha, 0, 1, "0 is kl_divergence, at 1 the divergence is 0")
    pair = _pair(student, teacher, **options)
    return pair.divergence("skew", alpha, float(direction == "reverse"))


def total_variation(
    student: Tensor,
    teacher: Tensor,
    **options: Unpack[Options],
) -> Tensor:
    """Return the total variation distance ½ Σ |p − q|, symmetric, between 0 and 1.

    Where p = q in a class, the derivative of |p − q| is taken as 0.
    """
    pair = _pair(student, teacher, **options)
    return pair.divergence("total_variation")


def renyi_divergence(
    student: Tensor,
    teacher: Tensor,
    *,
    alpha: float,
    **options: Unpack[Options],
) -> Tensor:
    """Return Rényi's divergence D_alpha(p‖q) = log Σ p^alpha q^(1−alpha) / (alpha − 1).

    alpha > 0, not 1; at least 0 and increasing in alpha. As alpha → 1 it tends to KL(p‖q), as
    alpha → 0 to −log q(p > 0), as alpha → ∞ to max log(p / q). At ½ it is −2 log of the
    Bhattacharyya coefficient. +∞ where q = 0 < p and alpha > 1, or where p and q share no class.
    """
    require_range("alpha", alpha, 0, math.inf, "its limits are in the docstring")
    if alpha == 1:
        raise ValueError("alpha is 1: there Rényi's divergence is KL(p‖q), use kl_divergence")
    pair = _pair(student, teacher, **options)
    return pair.divergence("renyi", alpha)


def top_k_kl(
    student: Tensor,
    teacher: Tensor,
    *,
    k: int,
    renormalize: bool = False,
    **options: Unpack[Options],
) -> Tensor:
    """Return KL(teacher‖student) over the teacher's k likeliest classes (OSTQuant's KL-Top, 2025).

    Without ``renormalize``, p and q are those of the whole vocabulary: a partial sum, which can be
    negative, and which moves logits outside the k classes too. With it, both are renormalised over
    the k classes: at least 0. k = V is ``kl_divergence`` either way. Which of tied classes count is
    left to ``torch.topk``.
    """
    pair = _pair(student, teacher, **options)
    if not 1 <= k <= student.shape[-1]:
        raise ValueError(f"k is {k}: it must be between 1 and the {student.shape[-1]} classes")
    return pair.divergence("top_k_kl", float(k), float(renormalize))


def clipped_kl(
    student: Tensor,
    teacher: Tensor,
    *,
    keep: Tensor,
    renormalize: bool = False,
    **options: Unpack[Options],
) -> Tensor:
    """Return Σ keep · p (log p − log q): distribution-adaptive clipping with soft keep weights.

    ``keep`` (…, V), at least 0, of the logits' dtype and device: how much of each class counts
    (DAC-KL of "Multi-Granularity Semantic Revision", 2024). Differentiable in it. Without
    ``renormalize`` it is a part of a sum, which can be negative; with it, KL(p'‖q') of
    p' = keep p / Σ keep p and q' alike, at least 0. keep = 1 is ``kl_divergence`` either way. Where
    p keeps no mass, the value is 0. Minimising over ``keep`` itself keeps next to nothing.
    """
    pair = _pair(student, teacher, **options)
    require_logits(student=student, keep=keep)
    return pair.divergence("clipped_kl", float(renormalize), keep=keep)


def kl_shares(direction: Direction) -> tuple[float, float]:
    """Return the shares of KL(p‖q) and KL(q‖p). Raises ``ValueError`` for an unknown direction."""
    if direction not in _SHARES:
        raise ValueError(
            f"direction is {direction!r}: it must be one of {', '.join(get_args(Direction))}"
        )
    return _SHARES[direction]


class _Pair(NamedTuple):
    """Both sides of a divergence, checked, and how their tokens count."""

    student: Tensor
    teacher: Tensor
    temperature: float
    how: Weighting
    backend: Backend | None

    def divergence(self, name: str, *parameters: float, keep: Tensor | None = None) -> Tensor:
        """Return the row loss ``name``, whose last parameter is the temperature, reduced."""
        extra = None if keep is None else rows_of(keep)
        rows = Rows(rows_of(self.student), rows_of(self.teacher), extra)
        shape = self.student.shape[:-1]
        return reduced(name, rows, (*parameters, self.temperature), self.how, self.backend, shape)


def _pair(student: Tensor, teacher: Tensor, **options: Unpack[Options]) -> _Pair:
    require_logits(student=student, teacher=teacher)
    temperature, how = checked_options(student.shape[:-1], student, **options)
    return _Pair(student, teacher, temperature, how, options.get("backend"))


def checked_options(
    shape: torch.Size,
    like: Tensor,
    *,
    temperature: float = 1.0,
    weight: Tensor | None = None,
    reduction: Reduction = "mean",
    denominator: float | Tensor | None = None,
    backend: Backend | None = None,  # noqa: ARG001 - looked at where the loss is computed
) -> tuple[float, Weighting]:
    """Return the temperature and how tokens of ``shape`` count: ``Options`` with their defaults.

    Raises ``ValueError`` where one does not fit, ``TypeError`` for a keyword that is none of them.
    """
    require_temperature(temperature)
    return temperature, weighting(weight, reduction, denominator, shape, like)
