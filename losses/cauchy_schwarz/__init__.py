"""The Cauchy-Schwarz divergence, its conditional form, and the mutual information made from it.

Natural logarithms throughout. Equation numbers are those of Yu, Yu, Løkse, Jenssen and Príncipe,
"Cauchy-Schwarz Divergence Information Bottleneck for Regression" (ICLR 2024, arXiv 2404.17951).
Every function is differentiable once in every tensor, in float32 and float64; half precision is
computed in float32. ``backend``: ``"reference"`` keeps all Gram matrices and may be differentiated
more than once, ``"chunked"`` works tile by tile in bounded memory, ``"triton"`` is fused and keeps
no Gram matrix; ``None`` takes ``"triton"`` on CUDA and ``"chunked"`` elsewhere.
"""

from __future__ import annotations

from typing import get_args

from torch import Tensor

from losses.arguments import (
    require_bandwidth,
    require_same_columns,
    require_same_rows,
    require_samples,
    widened,
)
from losses.cauchy_schwarz import chunked, reference
from losses.cauchy_schwarz.kinds import Form, Implementation
from losses.rows.backends import chosen_backend
from losses.rows.kinds import Backend
from losses.rows.precision import full_precision

__all__ = [
    "Backend",
    "Form",
    "cauchy_schwarz_divergence",
    "cauchy_schwarz_mutual_information",
    "conditional_cauchy_schwarz_divergence",
]

_FORMS = get_args(Form)


def cauchy_schwarz_divergence(
    p_samples: Tensor, q_samples: Tensor, *, bandwidth: float, backend: Backend | None = None
) -> Tensor:
    """Return D_CS(p; q) = −2 log cos(μ_p, μ_q), estimated from samples of p and of q.

    ``p_samples`` (M, d), ``q_samples`` (N, d) → 0-dim, at least 0 up to rounding, symmetric, 0 for
    equal samples. With κ the Gaussian kernel of ``bandwidth`` (the units of the samples):
    log mean κ(p, p) + log mean κ(q, q) − 2 log mean κ(p, q). It equals the divergence between the
    densities that a Gaussian of standard deviation ``bandwidth``/√2 makes of the samples.
    Raises ``ValueError`` where shapes, dtypes, devices or the bandwidth do not fit.
    """
    require_samples(p_samples=p_samples, q_samples=q_samples)
    require_same_columns(p_samples=p_samples, q_samples=q_samples)
    require_bandwidth(bandwidth=bandwidth)
    with full_precision(p_samples):
        return _implementation(backend, p_samples).divergence(
            widened(p_samples), widened(q_samples), bandwidth=bandwidth
        )


def conditional_cauchy_schwarz_divergence(
    x: Tensor,
    y: Tensor,
    prediction: Tensor,
    *,
    x_bandwidth: float,
    y_bandwidth: float,
    form: Form = "paper",
    backend: Backend | None = None,
) -> Tensor:
    """Return D_CS(p(y|x); q(ŷ|x)) between targets and predictions at the same inputs.

    ``x`` (N, d), ``y`` and ``prediction`` (N, k) → 0-dim. With K the Gram matrix of x and L₁, L₂,
    L₂₁ those of (y, y), (ŷ, ŷ) and (ŷ, y):
    log Σⱼᵢ wⱼᵢ L₁ⱼᵢ + log Σⱼᵢ wⱼᵢ L₂ⱼᵢ − 2 log Σⱼᵢ wⱼᵢ L₂₁ⱼᵢ, where ``form`` sets the weights:

    ``paper``      wⱼᵢ = Kⱼᵢ / (Σᵢ Kⱼᵢ)²  (Proposition 1). 0 at ŷ = y, but neither symmetric in
                   (y, ŷ) nor non-negative: it can be slightly below 0.
    ``released``   wⱼᵢ = Kⱼᵢ / Σᵢ Kⱼᵢ²  (the released code,
                   SJYuCNEL/Cauchy-Schwarz-Information-Bottleneck, commit 252f86b).
    ``symmetric``  wⱼᵢ = Kⱼᵢ / (dᵢ dⱼ), dⱼ = Σᵢ Kⱼᵢ: symmetric and non-negative, a control.

    As ``x_bandwidth`` → 0 the first and third tend to −2 log mean exp(−e² / (2 y_bandwidth²)) with
    e = ŷ − y, a bounded-influence loss; that in turn tends to MSE / y_bandwidth² for a wide
    ``y_bandwidth``. Targets far from predictions give a large finite value.
    Raises ``ValueError`` for 1-D targets and wherever shapes, dtypes or devices do not fit.
    """
    require_samples(y=y, prediction=prediction, x=x)
    require_same_columns(y=y, prediction=prediction)
    require_same_rows(x=x, y=y, prediction=prediction)
    require_bandwidth(x_bandwidth=x_bandwidth, y_bandwidth=y_bandwidth)
    if form not in _FORMS:
        raise ValueError(f"form is {form!r}: it must be one of {', '.join(_FORMS)}")
    with full_precision(x):
        return _implementation(backend, x).conditional_divergence(
            widened(x),
            widened(y),
            widened(prediction),
            x_bandwidth=x_bandwidth,
            y_bandwidth=y_bandwidth,
            form=form,
        )


def cauchy_schwarz_mutual_information(
    x: Tensor,
    t: Tensor,
    *,
    x_bandwidth: float,
    t_bandwidth: float,
    normalized: bool = False,
    backend: Backend | None = None,
) -> Tensor:
    """Return I_CS(x; t), the Cauchy-Schwarz quadratic mutual information (Proposition 2).

    ``x`` (N, d), ``t`` (N, k) → 0-dim, at least 0 up to rounding, 0 for constant t. With K and Q
    the Gram matrices: log tr(KQ)/N² + log (1ᵀK1)(1ᵀQ1)/N⁴ − 2 log 1ᵀKQ1/N³.

    ``normalized`` divides by √(I(x; x) I(t; t)), which the released code trains with. That quotient
    has no limit as t collapses to one point: each self information is therefore held at or above
    1e-6, so that the value of a collapsed t is 0 and its gradient finite.
    The value saturates in high dimension: compare it at one bandwidth only, never as nats.
    Raises ``ValueError`` where shapes, dtypes, devices or bandwidths do not fit.
    """
    require_samples(x=x, t=t)
    require_same_rows(x=x, t=t)
    require_bandwidth(x_bandwidth=x_bandwidth, t_bandwidth=t_bandwidth)
    with full_precision(x):
        return _implementation(backend, x).mutual_information(
            widened(x),
            widened(t),
            x_bandwidth=x_bandwidth,
            t_bandwidth=t_bandwidth,
            normalized=normalized,
        )


def _implementation(backend: Backend | None, like: Tensor) -> Implementation:
    chosen = chosen_backend(backend, like)
    if chosen == "triton":
        from losses.cauchy_schwarz import fused  # Triton is optional, and takes a while to import

        return fused
    return reference if chosen == "reference" else chunked
