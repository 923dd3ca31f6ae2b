"""Losses from hidden states as operators, with the gradient made in the forward pass or later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.rows import chunked
from losses.rows.backward import asked, needed, refuse_second_derivative
from losses.rows.linear_chunks import Linear, empty_gradients, new_values, sweep


def total(
    name: str, inputs: Linear, parameters: Sequence[float], row_weight: Tensor, backend: str
) -> Tensor:
    """Return Σ row_weight · value, 0-dim, with the gradient made in the forward pass."""
    needs = [tensor is not None and tensor.requires_grad for tensor in inputs[:4]]
    if not torch.is_grad_enabled():
        needs = [False] * 4
    result: Tensor = _total(*inputs, row_weight, name, list(parameters), needs, backend)[0]
    return result


def values(
    name: str, inputs: Linear, parameters: Sequence[float], row_weight: Tensor, backend: str
) -> Tensor:
    """Return the value of each token, (N,) or (N, k); the backward pass makes the logits again."""
    result: Tensor = _values(*inputs, row_weight, name, list(parameters), backend)
    return result


@torch.library.custom_op("klaim::linear_total", mutates_args=())
def _total(
    student_hidden: Tensor,
    student_weight: Tensor,
    teacher_hidden: Tensor | None,
    teacher_weight: Tensor | None,
    target: Tensor | None,
    row_weight: Tensor,
    name: str,
    parameters: list[float],
    needs: list[bool],
    backend: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    inputs = Linear(student_hidden, student_weight, teacher_hidden, teacher_weight, target)
    found, gradients = sweep(name, inputs, parameters, row_weight, row_weight, needs, backend)
    whole = (found.double() @ row_weight.double()).to(found.dtype)
    return whole, found, gradients[0], gradients[1], gradients[2], gradients[3]


@_total.register_fake
def _(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    inputs, (_, name, _, needs, _) = Linear(*arguments[:5]), arguments[5:]
    found, g = new_values(name, inputs), empty_gradients(inputs, needs)
    return found.new_empty(()), found, g[0], g[1], g[2], g[3]


def _keep_gradients(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.set_materialize_grads(False)
    ctx.needs = inputs[8]
    ctx.save_for_backward(*output[1:])


def _scale_gradients(ctx: Any, upstream: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:
    refuse_second_derivative()
    found, *gradients = ctx.saved_tensors
    if upstream is None:
        return (None,) * 10
    scaled = chunked.scaled_gradients(gradients, ctx.needs, upstream)
    of_weight = found * upstream if ctx.needs_input_grad[5] else None
    return (*scaled, None, of_weight, None, None, None, None)


_total.register_autograd(_scale_gradients, setup_context=_keep_gradients)


@torch.library.custom_op("klaim::linear_values", mutates_args=())
def _values(
    student_hidden: Tensor,
    student_weight: Tensor,
    teacher_hidden: Tensor | None,
    teacher_weight: Tensor | None,
    target: Tensor | None,
    row_weight: Tensor,
    name: str,
    parameters: list[float],
    backend: str,
) -> Tensor:
    inputs = Linear(student_hidden, student_weight, teacher_hidden, teacher_weight, target)
    nothing = new_values(name, inputs)
    return sweep(name, inputs, parameters, row_weight, nothing, [False] * 4, backend)[0]


@_values.register_fake
def _(*arguments: Any) -> Tensor:
    return new_values(arguments[6], Linear(*arguments[:5]))


@torch.library.custom_op("klaim::linear_gradients", mutates_args=())
def _gradients(
    student_hidden: Tensor,
    student_weight: Tensor,
    teacher_hidden: Tensor | None,
    teacher_weight: Tensor | None,
    target: Tensor | None,
    row_weight: Tensor,
    name: str,
    parameters: list[float],
    backend: str,
    upstream: Tensor,
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    inputs = Linear(student_hidden, student_weight, teacher_hidden, teacher_weight, target)
    g = sweep(name, inputs, parameters, row_weight, upstream, needs, backend)[1]
    return g[0], g[1], g[2], g[3]


@_gradients.register_fake
def _(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    g = empty_gradients(Linear(*arguments[:5]), arguments[-1])
    return g[0], g[1], g[2], g[3]


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    ctx.save_for_backward(*inputs[:6])
    ctx.settings = inputs[6:]


def _compute_again(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    needs = needed(ctx, 4)
    return asked(_gradients(*ctx.saved_tensors, *ctx.settings, upstream, needs), needs, 5)


_values.register_autograd(_compute_again, setup_context=_keep_inputs)
