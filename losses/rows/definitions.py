"""The reference: each loss of a vocabulary as its definition says, in plain PyTorch.

p is the teacher's distribution, q the student's, both softmax(logits / temperature). Every function
takes rows and the loss's parameters and returns one value per row; autograd does the rest.
``values`` is the one way to call them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from losses.rows.kinds import Definition, Rows
from losses.rows.probabilities import (
    entropy,
    least_log_probability,
    log_mixture,
    log_normalizer,
    log_probabilities,
    log_unimix,
    relative_entropy,
    safe_log,
)


def kl(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Forward · KL(p‖q) + reverse · KL(q‖p)."""
    forward, reverse, temperature = parameters
    log_q, log_p = _both(rows, temperature, finite)
    value = forward * relative_entropy(log_p, log_q, finite=finite) if forward else 0
    if reverse:
        value = value + reverse * relative_entropy(log_q, log_p, finite=finite)
    assert isinstance(value, Tensor)
    return value


def js(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Beta · KL(p‖m) + (1 − beta) · KL(q‖m), m = beta · p + (1 − beta) · q."""
    beta, temperature = parameters
    log_q, log_p = _both(rows, temperature, finite)
    log_m = log_mixture(log_p, log_q, beta)
    of_p = relative_entropy(log_p, log_m, finite=finite)
    return beta * of_p + (1 - beta) * relative_entropy(log_q, log_m, finite=finite)


def skew(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """KL(p ‖ alpha · p + (1 − alpha) · q), or with p and q exchanged if ``reverse``."""
    alpha, reverse, temperature = parameters
    log_q, log_p = _both(rows, temperature, finite)
    if reverse:
        log_p, log_q = log_q, log_p
    return relative_entropy(log_p, log_mixture(log_p, log_q, alpha), finite=finite)


def total_variation(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """½ Σ |p − q|."""
    (temperature,) = parameters
    log_q, log_p = _both(rows, temperature, finite)
    return (log_p.exp() - log_q.exp()).abs().sum(-1) / 2


def renyi(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """1 / (alpha − 1) · log Σ p^alpha q^(1 − alpha)."""
    alpha, temperature = parameters
    log_q, log_p = _both(rows, temperature, finite)
    if finite:
        return (alpha * log_p + (1 - alpha) * log_q).logsumexp(-1) / (alpha - 1)
    shared = (log_p != -math.inf) & (log_q != -math.inf)
    terms = alpha * log_p.masked_fill(~shared, 0) + (1 - alpha) * log_q.masked_fill(~shared, 0)
    disjoint = ~shared.any(-1)
    # A row of no shared class would be the log of 0: it is computed as 0 and filled in below.
    value = terms.masked_fill(~shared & ~disjoint[..., None], -math.inf).logsumexp(-1)
    infinite = disjoint
    if alpha > 1:
        possible = log_p > least_log_probability(log_p.dtype)
        infinite = infinite | (possible & (log_q == -math.inf)).any(-1)
    value = (value / (alpha - 1)).masked_fill(infinite, math.inf)
    return value.masked_fill((log_p == -math.inf).all(-1), 0)


def top_k_kl(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Σ p log(p / q) over the teacher's k likeliest classes; renormalised among them if asked."""
    k, renormalize, temperature = parameters
    assert rows.teacher is not None
    classes = rows.teacher.topk(int(k), -1).indices
    if renormalize:
        rows = Rows(rows.student.gather(-1, classes), rows.teacher.gather(-1, classes))
        return kl(rows, (1, 0, temperature), finite=finite)
    log_q, log_p = _both(rows, temperature, finite)
    return relative_entropy(log_p.gather(-1, classes), log_q.gather(-1, classes), finite=finite)


def clipped_kl(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Σ keep · p log(p / q), or KL(p'‖q') of p' ∝ keep · p, q' ∝ keep · q if renormalised."""
    renormalize, temperature = parameters
    assert rows.extra is not None
    log_q, log_p = _both(rows, temperature, finite)
    keep = rows.extra.to(log_p.dtype)
    value = relative_entropy(log_p, log_q, finite=finite, share=keep)
    if not renormalize:
        return value
    of_p, of_q = ((keep * log.exp()).sum(-1) for log in (log_p, log_q))
    return renormalized_clipped_kl(value, of_p, of_q)


def renormalized_clipped_kl(value: Tensor, of_p: Tensor, of_q: Tensor) -> Tensor:
    """KL(p'‖q') from Σ keep · p log(p / q) and the kept mass of p and of q; 0 if p keeps none."""
    nothing = of_p == 0
    infinite = ~nothing & ((of_q == 0) | value.isinf())
    of_p, of_q = (mass.masked_fill(nothing | infinite, 1) for mass in (of_p, of_q))
    whole = value.masked_fill(nothing | infinite, 0) / of_p - of_p.log() + of_q.log()
    return whole.masked_fill(infinite, math.inf)


def cross_entropy(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """−log q_y, smoothed towards the mean over all classes, plus z_loss · (log Σ exp)²."""
    z_loss, smoothing, temperature = parameters
    assert rows.extra is not None
    log_q = log_probabilities(rows.student, temperature, finite=finite)
    own = -log_q.gather(-1, rows.extra[..., None]).squeeze(-1)
    if smoothing:
        own = (1 - smoothing) * own - smoothing * log_q.mean(-1)
    if z_loss:
        own = own + z_loss * log_normalizer(rows.student, temperature, finite=finite).square()
    return own


def token_statistics(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Log q_y, the entropy of q, log Σ exp; with a reference p: log p_y and KL(p‖q)."""
    (temperature,) = parameters
    assert rows.extra is not None
    target = rows.extra[..., None]
    log_q = log_probabilities(rows.student, temperature, finite=finite)
    columns = [
        log_q.gather(-1, target).squeeze(-1),
        entropy(log_q, finite=finite),
        log_normalizer(rows.student, temperature, finite=finite),
    ]
    if rows.teacher is not None:
        log_p = log_probabilities(rows.teacher, temperature, finite=finite)
        columns.append(log_p.gather(-1, target).squeeze(-1))
        columns.append(relative_entropy(log_p, log_q, finite=finite))
    return torch.stack(columns, -1)


def _both(rows: Rows, temperature: float, finite: bool) -> tuple[Tensor, Tensor]:
    assert rows.teacher is not None
    return (
        log_probabilities(rows.student, temperature, finite=finite),
        log_probabilities(rows.teacher, temperature, finite=finite),
    )


def balanced_kl(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Dynamics · max(free, KL(sg(a)‖b)) + representation · max(free, KL(a‖sg(b))), over groups.

    ``student`` holds the posterior's logits, ``teacher`` the prior's, (n, groups, classes).
    """
    free, dynamics, representation, unimix = parameters
    assert rows.teacher is not None
    log_a, log_b = (
        log_unimix(logits, unimix, finite=finite) for logits in (rows.student, rows.teacher)
    )
    careless = finite or unimix > 0
    towards_prior = relative_entropy(log_a.detach(), log_b, finite=careless).sum(-1)
    towards_posterior = relative_entropy(log_a, log_b.detach(), finite=careless).sum(-1)
    return dynamics * towards_prior.clamp_min(free) + (
        representation * towards_posterior.clamp_min(free)
    )


def entropy_proportion(rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Entropy · Σ of pixels' weighted entropies + proportion · KL of proportions and a prior.

    ``student`` (n, classes, pixels), ``teacher`` the prior (n, classes), ``extra`` the pixels'
    weights (n, pixels), which sum to 1.
    """
    of_entropy, of_proportion, forward, *class_weight = parameters
    assert rows.teacher is not None
    assert rows.extra is not None
    log_q = log_probabilities(rows.student, 1, finite=finite, classes=1)
    possible = log_q > least_log_probability(log_q.dtype)
    held = log_q if finite else torch.where(possible, log_q, 0)
    shared = log_q.exp() * rows.extra.to(log_q.dtype)[:, None]
    uncertainty = -((shared * held).sum(-1) @ log_q.new_tensor(class_weight))
    proportion = shared.sum(-1)
    divergence = proportion_divergence(proportion, rows.teacher.to(log_q.dtype), bool(forward))
    return of_entropy * uncertainty + of_proportion * divergence


def proportion_divergence(proportion: Tensor, prior: Tensor, forward: bool) -> Tensor:
    """KL(prior‖proportion) if ``forward``, else KL(proportion‖prior), (n, classes) → (n,)."""
    log_proportion, log_prior = safe_log(proportion), safe_log(prior)
    if forward:
        return relative_entropy(log_prior, log_proportion, finite=False)
    return relative_entropy(log_proportion, log_prior, finite=False)


#: By the name under which operators know them.
DEFINITIONS: dict[str, Definition] = {
    "kl": kl,
    "js": js,
    "skew": skew,
    "total_variation": total_variation,
    "renyi": renyi,
    "top_k_kl": top_k_kl,
    "clipped_kl": clipped_kl,
    "balanced_kl": balanced_kl,
    "cross_entropy": cross_entropy,
    "entropy_proportion": entropy_proportion,
    "token_statistics": token_statistics,
}


def values(name: str, rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
    """Return the named loss of each row; an infinite value has a gradient of 0."""
    found = DEFINITIONS[name](rows, parameters, finite=finite)
    return found if finite else hold_infinite(found)


def hold_infinite(found: Tensor) -> Tensor:
    """Return the same values, without a gradient where they are infinite."""
    return torch.where(found.isinf(), found.detach(), found)
