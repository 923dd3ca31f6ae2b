"""Rényi's divergence from three log-normalisers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.fused.class_a import new_gradients
from losses.kernels.launch import accumulator, block_options, row_stride, run
from losses.kernels.mixture import mixture_gradient_kernel, mixture_kernel
from losses.rows.chunked import refuse_second_derivative
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype


def renyi(_: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return Rényi's divergence of each row."""
    alpha, temperature = parameters
    assert rows.teacher is not None
    found = row_mixture(rows.student, rows.teacher, row_weight, 1 / temperature, alpha)
    of_s, of_t, of_both, impossible = found.unbind(-1)
    infinite = of_both == -math.inf
    if alpha > 1:
        infinite = infinite | (impossible > 0)
    empty = of_t == -math.inf
    apart = infinite | empty
    of_s, of_t, of_both = (value.masked_fill(apart, 0) for value in (of_s, of_t, of_both))
    value = (of_both - alpha * of_t - (1 - alpha) * of_s) / (alpha - 1)
    filled: Tensor = value.masked_fill(infinite, math.inf).masked_fill(empty, 0)
    return filled


@torch.library.custom_op("klaim::row_mixture", mutates_args=())
def row_mixture(
    student: Tensor, teacher: Tensor, row_weight: Tensor, scale: float, alpha: float
) -> Tensor:
    """Return log Σ exp of s, of t and of alpha t + (1 − alpha) s, and 1 where q = 0 < p, (N, 4)."""
    out = student.new_empty(student.shape[0], 4, dtype=compute_dtype(student.dtype))
    if len(student):
        run(
            mixture_kernel,
            (len(student),),
            student,
            teacher,
            row_weight,
            out,
            student.shape[1],
            row_stride(student),
            row_stride(teacher),
            scale,
            alpha,
            ACC=accumulator(student.dtype),
            **block_options(student.shape[1]),
        )
    return out


@row_mixture.register_fake
def _(student: Tensor, *_: Any) -> Tensor:
    return student.new_empty(student.shape[0], 4, dtype=compute_dtype(student.dtype))


@torch.library.custom_op("klaim::row_mixture_gradient", mutates_args=())
def row_mixture_gradient(
    student: Tensor,
    teacher: Tensor,
    row_weight: Tensor,
    log_sums: Tensor,
    upstream: Tensor,
    scale: float,
    alpha: float,
    needs: list[bool],
) -> tuple[Tensor, Tensor]:
    """Return the gradients of Σ upstream · log-normalisers; empty where not needed."""
    out = new_gradients((student, teacher), needs)
    if len(student) and any(needs):
        run(
            mixture_gradient_kernel,
            (len(student),),
            student,
            teacher,
            row_weight,
            log_sums,
            upstream.contiguous(),
            out[0],
            out[1],
            student.shape[1],
            row_stride(student),
            row_stride(teacher),
            student.shape[1],
            scale,
            alpha,
            OF_STUDENT=needs[0],
            OF_TEACHER=needs[1],
            ACC=accumulator(student.dtype),
            **block_options(student.shape[1]),
        )
    return out[0], out[1]


@row_mixture_gradient.register_fake
def _(student: Tensor, teacher: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    out = new_gradients((student, teacher), rest[-1])
    return out[0], out[1]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    student, teacher, row_weight, ctx.scale, ctx.alpha = inputs
    ctx.save_for_backward(student, teacher, row_weight, output)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    refuse_second_derivative()
    needs = [bool(need) for need in ctx.needs_input_grad[:2]]
    found = row_mixture_gradient(*ctx.saved_tensors, upstream, ctx.scale, ctx.alpha, needs)
    asked = (g if need else None for g, need in zip(found, needs, strict=True))
    return (*asked, None, None, None)


row_mixture.register_autograd(_backward, setup_context=_keep)
