"""Scalars that compute their gradients together with their value, from a formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

#: For each tensor its gradient, or ``None`` where none was asked for.
Gradients = tuple[Tensor | None, ...]

#: ``compute(needs, *tensors) -> (value, gradients)``; ``needs[i]`` asks for the i-th gradient.
Compute = Callable[..., tuple[float, Gradients]]


def scalar_with_gradients(compute: Compute, *tensors: Tensor) -> Tensor:
    """Return ``compute``'s value as a 0-dim tensor that backpropagates ``compute``'s gradients.

    The gradients are made in the forward pass, where intermediate results are at hand, so that only
    tensors of the arguments' shapes are kept for the backward pass. Differentiable once.
    """
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        value: Tensor = _EagerGradient.apply(compute, *tensors)  # type: ignore[no-untyped-call]
        return value
    nothing = (False,) * len(tensors)
    return _scalar(compute(nothing, *(tensor.detach() for tensor in tensors))[0], tensors[0])


class _EagerGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, compute: Compute, *tensors: Tensor) -> Tensor:
        value, gradients = compute(ctx.needs_input_grad[1:], *tensors)
        ctx.save_for_backward(*gradients)
        return _scalar(value, tensors[0])

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            # Without this a second derivative would silently be taken as 0.
            raise RuntimeError(
                'differentiable once only: pass backend="reference" for create_graph'
            )
        gradients = (None if g is None else g * upstream for g in ctx.saved_tensors)
        return (None, *gradients)


def _scalar(value: float, like: Tensor) -> Tensor:
    return torch.tensor(value, dtype=like.dtype, device=like.device)
