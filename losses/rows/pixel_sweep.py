"""Entropy and class proportions of images with their gradient, classes staying where they are.

With q the softmax over classes, w the pixels' shares of their image and g = ∂loss/∂q / w, the
gradient of the logits is w q (g − Σ_classes q g), where g is linear in log q.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from losses.rows.definitions import proportion_divergence
from losses.rows.inner_autograd import recording
from losses.rows.kinds import Rows
from losses.rows.probabilities import scaled_logits


def entropy_proportion(
    rows: Rows, parameters: Sequence[float], upstream: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the value of each image and the gradient of Σ upstream · values by the logits.

    Values are NaN where a logit is −∞, and infinite where a proportion must not be: what else
    comes back is of no use then.
    """
    of_entropy, of_proportion, forward, *class_weight = parameters
    assert rows.teacher is not None
    assert rows.extra is not None
    log_q = scaled_logits(rows.student.detach(), 1).log_softmax(1)
    weights = log_q.new_tensor(class_weight)
    q = log_q.exp()
    shared = q * rows.extra.to(q.dtype)[:, None]
    uncertainty = -((shared * log_q).sum(-1) @ weights)
    proportion = shared.sum(-1)
    divergence, slope = _divergence(proportion, rows.teacher.to(q.dtype), bool(forward))
    of_log = (-of_entropy * upstream[:, None] * weights)[..., None]
    constant = of_log + (of_proportion * upstream[:, None] * slope)[..., None]
    by_q = log_q.mul_(of_log).add_(constant)
    mean = (q * by_q).sum(1, keepdim=True)
    return of_entropy * uncertainty + of_proportion * divergence, by_q.sub_(mean).mul_(shared)


def _divergence(proportion: Tensor, prior: Tensor, forward: bool) -> tuple[Tensor, Tensor]:
    """Return the divergence of proportions and prior, and its derivative by the proportions."""
    with recording():
        own = proportion.detach().requires_grad_()
        found = proportion_divergence(own, prior.detach(), forward)
        (slope,) = torch.autograd.grad(found.sum(), own)
    return found.detach(), slope
