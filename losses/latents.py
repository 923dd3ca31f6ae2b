"""The balanced KL of categorical latents: the two stop-gradient branches of DreamerV3."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from losses.logit_arguments import require_logits, require_range, rows_of, weighting
from losses.rows.evaluate import reduced
from losses.rows.kinds import Backend, Reduction, Rows


def balanced_categorical_kl(
    posterior: Tensor,
    prior: Tensor,
    *,
    free_nats: float = 1.0,
    dynamics_scale: float = 0.5,
    representation_scale: float = 0.1,
    unimix: float = 0.01,
    weight: Tensor | None = None,
    reduction: Reduction = "mean",
    denominator: float | Tensor | None = None,
    backend: Backend | None = None,
) -> Tensor:
    """Return the balanced KL between two products of categorical distributions, reduced.

    ``posterior``, ``prior``  logits (…, groups, classes); both distributions are mixed with
    ``unimix`` of the uniform one. With a the posterior, b the prior, sg the stop of gradients and
    KL summed over the groups:
    dynamics_scale · max(free_nats, KL(sg(a)‖b)) + representation_scale · max(free_nats,
    KL(a‖sg(b))) (Hafner et al., DreamerV3, 2023). Both branches have one value, so that the loss
    is (dynamics_scale + representation_scale) · max(free_nats, KL); they differ in gradients, which
    are 0 below ``free_nats``. ``weight``, ``reduction`` (over …), ``denominator`` and ``backend``
    are those of ``losses.divergences``.
    """
    require_logits(posterior=posterior, prior=prior)
    if posterior.ndim < 2:
        raise ValueError(
            f"posterior has shape {tuple(posterior.shape)}: it must be (…, groups, classes)"
        )
    require_range("unimix", unimix, -1e-12, 1, "it is the uniform distribution's share")
    for name, value in (("dynamics", dynamics_scale), ("representation", representation_scale)):
        require_range(f"{name}_scale", value, -1e-12, math.inf, "it scales a divergence")
    require_range("free_nats", free_nats, -1e-12, math.inf, "a divergence is never less than 0")
    how = weighting(weight, reduction, denominator, posterior.shape[:-2], posterior)
    parameters = (free_nats, dynamics_scale, representation_scale, unimix)
    rows = Rows(rows_of(posterior, trailing=2), rows_of(prior, trailing=2))
    return reduced("balanced_kl", rows, parameters, how, backend, torch.Size(posterior.shape[:-2]))
