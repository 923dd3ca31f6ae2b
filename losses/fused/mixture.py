"""Rényi's divergence from three log-normalisers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.fused.row_launch import fake_gradients, row_gradients, run_rows
from losses.kernels.mixture import mixture_gradient_kernel, mixture_kernel
from losses.rows.backward import asked, needed
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
    run_rows(mixture_kernel, (student, teacher), (row_weight, out), scale, alpha)
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
    others = row_weight, log_sums, upstream.contiguous()
    of_student, of_teacher = row_gradients(
        mixture_gradient_kernel, (student, teacher), others, needs, scale, alpha
    )
    return of_student, of_teacher


row_mixture_gradient.register_fake(fake_gradients(2))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    student, teacher, row_weight, ctx.scale, ctx.alpha = inputs
    ctx.save_for_backward(student, teacher, row_weight, output)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    needs = needed(ctx, 2)
    found = row_mixture_gradient(*ctx.saved_tensors, upstream, ctx.scale, ctx.alpha, needs)
    return asked(found, needs, 3)


row_mixture.register_autograd(_backward, setup_context=_keep)
