"""Autocast, kept out: its half-precision products and sums are not what a loss can be made of."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(like: Tensor) -> AbstractContextManager[object]:
    """Return a context without autocast on the device of ``like``."""
    device = like.device.type
    if torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()


def as_autocast(tensor: Tensor) -> Tensor:
    """Return what a matrix product would read: the tensor in autocast's type, where that is on."""
    device = tensor.device.type
    if torch.is_autocast_enabled(device) and tensor.dtype != torch.float64:
        return tensor.to(torch.get_autocast_dtype(device))
    return tensor
