"""Checks of the arguments that every loss takes: sample matrices and bandwidths."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def require_samples(**samples: Tensor) -> None:
    """Raise ``ValueError`` unless every tensor is a floating-point matrix (N, d) of one kind.

    Names are those of the caller's arguments. All must share dtype and device and hold at least one
    sample and one column; their numbers of rows and columns may differ.
    """
    first, reference = next(iter(samples.items()))
    for name, tensor in samples.items():
        _require_matrix(name, tensor)
        for what in ("dtype", "device"):
            own, wanted = getattr(tensor, what), getattr(reference, what)
            if own != wanted:
                raise ValueError(
                    f"{name} has {what} {own} but {first} has {wanted}: convert one of them, "
                    f"because a loss is computed in one {what}"
                )


def require_same_rows(**samples: Tensor) -> None:
    """Raise ``ValueError`` unless the i-th rows of all matrices can belong to the same sample."""
    _require_same_size(0, "rows", "row i of each belongs to sample i", samples)


def require_same_columns(**samples: Tensor) -> None:
    """Raise ``ValueError`` unless all matrices live in the same space."""
    _require_same_size(1, "columns", "distances between them need one space", samples)


def require_bandwidth(**bandwidths: float) -> None:
    """Raise ``ValueError`` unless every bandwidth is a positive finite number."""
    for name, value in bandwidths.items():
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(
                f"{name} is {value}: the bandwidth of a Gaussian kernel is a positive finite number"
            )


def widened(tensor: Tensor) -> Tensor:
    """Return half-precision samples as float32, others unchanged.

    Squared distances cancel, which half precision (3 digits) does not survive.
    """
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _require_matrix(name: str, tensor: Tensor) -> None:
    shape = tuple(tensor.shape)
    if tensor.ndim == 1:
        raise ValueError(
            f"{name} is 1-D with shape {shape}: it must be (N, 1) or (N, k), because a Gram matrix "
            f"needs one row per sample and that of a 1-D tensor collapses to a single number; "
            f"pass {name}.unsqueeze(1)"
        )
    if tensor.ndim != 2:
        raise ValueError(f"{name} has shape {shape}: it must be (N, k), one row per sample")
    if 0 in shape:
        raise ValueError(f"{name} has shape {shape}: at least one sample and column are needed")
    if not tensor.is_floating_point():
        raise ValueError(
            f"{name} has dtype {tensor.dtype}: it must be floating point, because distances are"
        )


def _require_same_size(axis: int, what: str, why: str, samples: dict[str, Tensor]) -> None:
    first, reference = next(iter(samples.items()))
    for name, tensor in samples.items():
        if tensor.shape[axis] != reference.shape[axis]:
            raise ValueError(
                f"{name} has {tensor.shape[axis]} {what} but {first} has "
                f"{reference.shape[axis]}: {why}"
            )
