"""Mixed precision: products in 16 bits, weights and sums in 32."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Literal, get_args

import torch

from repro.errors import UserError

Precision = Literal["float32", "bfloat16", "float16"]


def require_precision(precision: str, device: str) -> None:
    """Raise ``UserError`` for an unknown precision, and for float16 without a GPU."""
    if precision not in get_args(Precision):
        known = ", ".join(get_args(Precision))
        raise UserError(f"precision is {precision!r}; it must be one of {known}")
    if precision == "float16" and not device.startswith("cuda"):
        raise UserError(
            "precision float16 needs a GPU: its gradients are scaled there; on a CPU "
            "take bfloat16 or float32"
        )


def autocast(precision: Precision, device: str) -> AbstractContextManager[object]:
    """Return the context in which a model runs; float32 leaves every type as it is."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.partition(":")[0], getattr(torch, precision))


def gradient_scaler(precision: Precision) -> torch.amp.GradScaler:
    """Return what keeps float16 gradients from vanishing; it does nothing for other precisions."""
    return torch.amp.GradScaler("cuda", enabled=precision == "float16")
