"""Entropy of pixels, and their class proportions against a prior, for segmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from losses.logit_arguments import require_alike, require_logits, require_range, weighting
from losses.rows.evaluate import reduced
from losses.rows.kinds import Backend, Reduction, Rows
from losses.rows.probabilities import compute_dtype


def entropy_proportion(
    logits: Tensor,
    prior: Tensor,
    *,
    class_weight: Sequence[float] | Tensor | None = None,
    direction: Literal["forward", "reverse"] = "reverse",
    entropy_scale: float = 1.0,
    proportion_scale: float = 1.0,
    weight: Tensor | None = None,
    reduction: Reduction = "mean",
    denominator: float | Tensor | None = None,
    backend: Backend | None = None,
) -> Tensor:
    """Return the entropy of pixels plus the divergence of class proportions from a prior.

    ``logits`` (B, C, *pixels), ``prior`` (C,) or (B, C), proportions that sum to 1. Per image, with
    q the softmax over classes and the mean taken over pixels (weighted by ``weight`` (B, *pixels)
    where given; 0 drops a pixel):
    entropy_scale · mean −Σ_c class_weight_c q_c log q_c + proportion_scale · KL, where ``reverse``
    is KL(mean q‖prior) (AdaMI, Bateson et al., 2022; RePRI, Boudiaf et al., 2021) and ``forward``
    KL(prior‖mean q) (AdaEnt, 2020). A class with a prior of 0 and pixels makes ``reverse`` +∞:
    floor the prior where that is not meant. ``reduction`` is over images, ``denominator`` divides
    their sum. An image without kept pixels gives 0. The prior gets no gradient under Triton.
    """
    _check(logits, prior, direction)
    images, classes, *shape = logits.shape
    how = weighting(None, reduction, denominator, torch.Size([images]), logits)
    if weight is not None:
        weighting(weight, "none", None, torch.Size([images, *shape]), logits)
    shares, kept = _pixel_shares(logits, weight)
    weights = [1.0] * classes if class_weight is None else [float(w) for w in class_weight]
    if len(weights) != classes:
        raise ValueError(f"class_weight has {len(weights)} entries but logits have {classes}")
    if weight is not None:
        how = how._replace(weight=kept)
    rows = Rows(logits.flatten(2), prior.expand(images, classes), shares)
    parameters = (entropy_scale, proportion_scale, float(direction == "forward"), *weights)
    return reduced("entropy_proportion", rows, parameters, how, backend, torch.Size([images]))


def _pixel_shares(logits: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return each pixel's share of its image, (B, pixels), and 0 for images without kept pixels."""
    dtype = compute_dtype(logits.dtype)
    flat = logits[:, 0].flatten(1)
    shares = flat.new_ones(flat.shape, dtype=dtype)
    if weight is not None:
        shares = weight.detach().flatten(1).to(dtype)
    total = shares.sum(1, keepdim=True)
    return shares / torch.where(total == 0, 1, total), (total[:, 0] != 0).to(dtype)


def _check(logits: Tensor, prior: Tensor, direction: str) -> None:
    require_logits(logits=logits)
    if logits.ndim < 3:
        raise ValueError(f"logits have shape {tuple(logits.shape)}: they must be (B, C, *pixels)")
    if prior.shape not in (logits.shape[:2], logits.shape[1:2]):
        raise ValueError(
            f"prior has shape {tuple(prior.shape)} but logits have {tuple(logits.shape)}: it must "
            "be (C,) or (B, C)"
        )
    if prior.device != logits.device:
        require_alike("prior", prior.to(logits.dtype), "logits", logits)
    if direction not in ("forward", "reverse"):
        raise ValueError(f"direction is {direction!r}: it must be one of forward, reverse")
    require_range("number of pixels", logits[0, 0].numel(), 0, math.inf, "an image has some")
