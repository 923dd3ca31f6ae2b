"""Log-probabilities and relative entropies that are exact where a probability is 0.

Two conventions hold in every implementation. A probability below the smallest normal number of its
type is 0 and contributes 0; q = 0 < p makes a divergence +∞. And the gradient of a row whose value
is infinite is 0, so that it never poisons the other rows with NaN. A row without any finite logit
has no distribution: all of its probabilities are 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the type that a loss is computed in: float32 for half precision."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def least_log_probability(dtype: torch.dtype) -> float:
    """Return the log of the least probability that counts as more than 0."""
    return math.log(torch.finfo(dtype).tiny)


def scaled_logits(logits: Tensor, temperature: float) -> Tensor:
    """Return logits / temperature in the type of the computation."""
    wide = logits.to(compute_dtype(logits.dtype))
    return wide if temperature == 1 else wide * (1 / temperature)


def log_probabilities(
    logits: Tensor, temperature: float, *, finite: bool, classes: int = -1
) -> Tensor:
    """Return log softmax(logits / temperature) over the dimension of the classes."""
    scaled = scaled_logits(logits, temperature)
    if finite:
        return scaled.log_softmax(classes)
    empty = (scaled == -math.inf).all(classes, keepdim=True)
    return scaled.masked_fill(empty, 0).log_softmax(classes).masked_fill(empty, -math.inf)


def log_normalizer(logits: Tensor, temperature: float, *, finite: bool) -> Tensor:
    """Return log Σ exp(logits / temperature) over the last dimension; 0 for a row of −∞ alone."""
    scaled = scaled_logits(logits, temperature)
    if not finite:
        scaled = scaled.masked_fill((scaled == -math.inf).all(-1, keepdim=True), 0)
        empty = (logits == -math.inf).all(-1)
        return scaled.logsumexp(-1).masked_fill(empty, 0)
    return scaled.logsumexp(-1)


def relative_entropy(
    log_p: Tensor, log_q: Tensor, *, finite: bool, share: Tensor | None = None
) -> Tensor:
    """Return Σ p (log p − log q) over the last dimension, each term times ``share`` if given."""
    p = log_p.exp()
    if finite:
        terms = p * (log_p - log_q)
        return (terms if share is None else terms * share).sum(-1)
    possible = log_p > least_log_probability(log_p.dtype)
    impossible = possible & (log_q == -math.inf)
    terms = p * torch.where(possible & ~impossible, log_p - log_q, 0)
    if share is not None:
        terms, impossible = terms * share, impossible & (share != 0)
    return terms.sum(-1).masked_fill(impossible.any(-1), math.inf)


def entropy(log_q: Tensor, *, finite: bool) -> Tensor:
    """Return −Σ q log q over the last dimension."""
    if finite:
        return -(log_q.exp() * log_q).sum(-1)
    possible = log_q > least_log_probability(log_q.dtype)
    return -(log_q.exp() * torch.where(possible, log_q, 0)).sum(-1)


def log_mixture(log_p: Tensor, log_q: Tensor, share: float) -> Tensor:
    """Return log (share · p + (1 − share) · q), 0 < share < 1, never by way of exp."""
    # Half of the least number leaves room for the shares; −∞ itself has no gradient here.
    floor = torch.finfo(log_p.dtype).min / 2
    return torch.logaddexp(
        log_p.clamp_min(floor) + math.log(share), log_q.clamp_min(floor) + math.log1p(-share)
    )


def log_unimix(logits: Tensor, unimix: float, *, finite: bool) -> Tensor:
    """Return log ((1 − unimix) · softmax(logits) + unimix / classes)."""
    log_q = log_probabilities(logits, 1, finite=finite)
    if unimix == 0:
        return log_q
    uniform = log_q.new_full((), math.log(unimix / logits.shape[-1]))
    return torch.logaddexp(log_q + math.log1p(-unimix), uniform)


def safe_log(p: Tensor) -> Tensor:
    """Return log p, −∞ with a gradient of 0 (not of ∞) where p is 0."""
    positive = p > 0
    return torch.where(positive, torch.where(positive, p, 1).log(), -math.inf)
