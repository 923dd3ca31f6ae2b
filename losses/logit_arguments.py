"""Checks of the arguments that losses of logits take, and the way from tokens to rows."""

from __future__ import annotations

import math
from typing import get_args

import torch
from torch import Tensor

from losses.rows.evaluate import Weighting
from losses.rows.kinds import Reduction
from losses.rows.probabilities import compute_dtype


def require_logits(**logits: Tensor | None) -> None:
    """Raise ``ValueError`` unless all tensors are logits of one shape, dtype and device.

    Names are those of the caller's arguments; ``None`` stands for one that was not given.
    """
    given = {name: tensor for name, tensor in logits.items() if tensor is not None}
    first, reference = next(iter(given.items()))
    for name, tensor in given.items():
        _require_floating(name, tensor)
        if tensor.ndim == 0 or tensor.shape[-1] == 0:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}: logits need at least one class in their "
                "last dimension"
            )
        if tensor.shape != reference.shape:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)} but {first} has "
                f"{tuple(reference.shape)}: both must hold the same tokens and vocabulary (pad a "
                "smaller vocabulary with -inf, not with 0)"
            )
        require_alike(name, tensor, first, reference)


def require_alike(name: str, tensor: Tensor, first: str, reference: Tensor) -> None:
    """Raise ``ValueError`` unless both tensors share dtype and device."""
    for what in ("dtype", "device"):
        own, wanted = getattr(tensor, what), getattr(reference, what)
        if own != wanted:
            raise ValueError(
                f"{name} has {what} {own} but {first} has {wanted}: convert one of them, because a "
                f"loss is computed in one {what}"
            )


def require_hidden(side: str, hidden: Tensor, weight: Tensor) -> None:
    """Raise ``ValueError`` unless hidden (…, H) and weight (V, H) make logits."""
    hidden_name, weight_name = f"{side}hidden", f"{side}weight"
    _require_floating(hidden_name, hidden)
    _require_floating(weight_name, weight)
    if weight.ndim != 2 or hidden.ndim < 1 or hidden.shape[-1] != weight.shape[-1]:
        raise ValueError(
            f"{hidden_name} has shape {tuple(hidden.shape)} and {weight_name} "
            f"{tuple(weight.shape)}: they must be (…, H) and (V, H), because logits are "
            "hidden @ weight.T"
        )
    require_alike(weight_name, weight, hidden_name, hidden)


def require_target(target: Tensor, shape: torch.Size, like: Tensor) -> None:
    """Raise ``ValueError`` unless there is one class index per token on the device of ``like``."""
    if target.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"target has dtype {target.dtype}: class indices are int64 or int32")
    _require_per_token("target", target, shape, like)


def require_range(name: str, value: float, low: float, high: float, why: str) -> None:
    """Raise ``ValueError`` unless low < value < high. ``why`` says what happens elsewhere."""
    if not low < value < high:
        raise ValueError(f"{name} is {value}: it must lie between {low:g} and {high:g}; {why}")


def require_temperature(temperature: float) -> None:
    """Raise ``ValueError`` unless the temperature is a positive finite number."""
    if not (temperature > 0 and math.isfinite(temperature)):
        raise ValueError(
            f"temperature is {temperature}: logits are divided by it, so it is positive and finite"
        )


def weighting(
    weight: Tensor | None,
    reduction: Reduction,
    denominator: float | Tensor | None,
    shape: torch.Size,
    like: Tensor,
) -> Weighting:
    """Return how tokens of ``shape`` count. Raises ``ValueError`` where something does not fit."""
    if reduction not in get_args(Reduction):
        raise ValueError(
            f"reduction is {reduction!r}: it must be one of {', '.join(get_args(Reduction))}"
        )
    if denominator is not None and reduction != "mean":
        raise ValueError(
            f"denominator is given but reduction is {reduction!r}: only a mean divides"
        )
    if isinstance(denominator, Tensor) and denominator.numel() != 1:
        raise ValueError(
            f"denominator has shape {tuple(denominator.shape)}: it must be a single number"
        )
    if not isinstance(denominator, Tensor) and denominator is not None and not denominator > 0:
        raise ValueError(f"denominator is {denominator}: a mean divides by a positive number")
    if weight is not None:
        _require_per_token("weight", weight, shape, like)
    return Weighting(weight, reduction, denominator)


def rows_of(logits: Tensor, trailing: int = 1) -> Tensor:
    """Return (…, V) as (N, V) with contiguous rows; a copy only where strides allow no view."""
    rows = logits.reshape(-1, *logits.shape[logits.ndim - trailing :])
    return rows if rows.stride(-1) == 1 else rows.contiguous()


def without_ignored(
    target: Tensor, weight: Tensor | None, ignore_index: int, like: Tensor
) -> tuple[Tensor, Tensor]:
    """Return targets (N,) that are classes, and weights that drop the ignored ones."""
    flat = target.reshape(-1).to(torch.int64)
    ignored = flat == ignore_index
    dtype = compute_dtype(like.dtype)
    full = (
        like.new_ones(flat.shape, dtype=dtype) if weight is None else weight.reshape(-1).to(dtype)
    )
    return flat.masked_fill(ignored, 0), full.masked_fill(ignored, 0)


def _require_floating(name: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point():
        raise ValueError(f"{name} has dtype {tensor.dtype}: it must be floating point")


def _require_per_token(name: str, tensor: Tensor, shape: torch.Size, like: Tensor) -> None:
    if tensor.shape != shape:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)} but there are tokens of shape {tuple(shape)}: "
            "it needs one entry per token"
        )
    if tensor.device != like.device:
        raise ValueError(
            f"{name} is on {tensor.device} but the logits are on {like.device}: move one of them"
        )
