"""Cross-entropy, and what preference learning needs of each token, in one sweep over its logits."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from losses.logit_arguments import (
    require_logits,
    require_range,
    require_target,
    require_temperature,
    rows_of,
    weighting,
    without_ignored,
)
from losses.rows.backends import chosen_backend
from losses.rows.evaluate import reduced, row_values
from losses.rows.kinds import Backend, Reduction, Rows


class TokenStatistics(NamedTuple):
    """Differentiable quantities of each token, in nats, each of the targets' shape."""

    log_probability: Tensor
    """log q(target): −∞, without gradient, where its logit is."""
    entropy: Tensor
    """−Σ q log q."""
    log_normalizer: Tensor
    """z = log Σ exp(policy / temperature)."""
    reference_log_probability: Tensor | None = None
    """log p(target)."""
    log_ratio: Tensor | None = None
    """log q(target) − log p(target); 0 where both are −∞."""
    kl: Tensor | None = None
    """KL(reference‖policy), at least 0."""


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    z_loss: float = 0.0,
    label_smoothing: float = 0.0,
    temperature: float = 1.0,
    ignore_index: int = -100,
    weight: Tensor | None = None,
    reduction: Reduction = "mean",
    denominator: float | Tensor | None = None,
    backend: Backend | None = None,
) -> Tensor:
    """Return the cross-entropy −log q(target) of each token, reduced.

    ``logits`` (…, V), ``target`` (…) class indices; a token of ``ignore_index`` has weight 0.
    ``label_smoothing`` ε: (1 − ε)(−log q_y) + ε times the mean of −log q over all classes; a class
    of logit −∞ makes it +∞. ``z_loss``: adds z_loss · (log Σ exp logits)². The other arguments are
    those of ``losses.divergences``. A target outside the vocabulary raises ``IndexError`` on a CPU;
    on a GPU, where asking would wait for the device, the loss is NaN.
    """
    require_logits(logits=logits)
    require_target(target, logits.shape[:-1], logits)
    require_temperature(temperature)
    require_range("label_smoothing", label_smoothing, -1e-12, 1, "it is a share of the loss")
    require_range("z_loss", z_loss, -1e-12, math.inf, "it scales a penalty")
    how = weighting(weight, reduction, denominator, logits.shape[:-1], logits)
    classes, kept = without_ignored(target, weight, ignore_index, logits)
    return reduced(
        "cross_entropy",
        Rows(rows_of(logits), None, classes),
        (z_loss, label_smoothing, temperature),
        how._replace(weight=kept),
        backend,
        logits.shape[:-1],
    )


def token_statistics(
    policy: Tensor,
    target: Tensor,
    reference: Tensor | None = None,
    *,
    temperature: float = 1.0,
    ignore_index: int = -100,
    weight: Tensor | None = None,
    backend: Backend | None = None,
) -> TokenStatistics:
    """Return each token's log-probability, entropy, z and, with a reference, log-ratio and KL.

    ``policy`` and ``reference`` logits (…, V), ``target`` (…). One sweep finds what DPO, TDPO,
    SimPO, SparsePO, PPO and SuperHF need; the gradient of whatever is made of it takes one more.
    Tokens of ``weight`` 0 or ``ignore_index`` are not read: all of their quantities are 0. The
    weight does not scale anything else. Raises ``ValueError`` where an argument does not fit.
    """
    require_logits(policy=policy, reference=reference)
    require_target(target, policy.shape[:-1], policy)
    require_temperature(temperature)
    weighting(weight, "none", None, policy.shape[:-1], policy)
    classes, kept = without_ignored(target, weight, ignore_index, policy)
    rows = Rows(rows_of(policy), None if reference is None else rows_of(reference), classes)
    chosen = chosen_backend(backend, policy)
    found = row_values("token_statistics", rows, (temperature,), kept.detach(), chosen)
    return named_statistics(found, target.shape)


def named_statistics(found: Tensor, shape: torch.Size) -> TokenStatistics:
    """Return the columns (N, 3) or (N, 5) of the row loss ``token_statistics`` by name."""
    columns = [column.reshape(shape) for column in found.unbind(-1)]
    if len(columns) == 3:
        return TokenStatistics(*columns)
    own, entropy, log_normalizer, reference, divergence = columns
    both_impossible = (own == -math.inf) & (reference == -math.inf)
    ratio = own.masked_fill(both_impossible, 0) - reference.masked_fill(both_impossible, 0)
    return TokenStatistics(own, entropy, log_normalizer, reference, ratio, divergence)
