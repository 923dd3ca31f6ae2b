"""What the backward pass of every operator does: look at what is asked for, and hand over that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def refuse_second_derivative() -> None:
    """Raise ``RuntimeError`` where a derivative of the gradient is being recorded."""
    if torch.is_grad_enabled():
        raise RuntimeError('differentiable once only: pass backend="reference" for create_graph')


def needed(ctx: Any, count: int) -> list[bool]:
    """Return which of an operator's first arguments ask for a gradient. Refuses a second one."""
    refuse_second_derivative()
    return [bool(need) for need in ctx.needs_input_grad[:count]]


def asked(found: Sequence[Tensor], needs: Sequence[bool], others: int) -> tuple[Tensor | None, ...]:
    """Return the needed gradients, and ``None`` for all else and for the ``others`` arguments."""
    own = (gradient if need else None for gradient, need in zip(found, needs, strict=True))
    return (*own, *[None] * others)
